import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repositoryWith } from '../git/fixture.ts'
import { peer, type RunResult, run } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const nu = join(root, 'node_modules/@nushell/linux-x64/bin')

/** What examples call Slipway by. */
const slipwayName = 'example-org/slipway@v0.1.0'

/** Runs workflows with act in host mode: no container, and nothing fetched from anywhere. */
export interface ActHost {
  /** Puts a program in the place of every action `actions/<name>`: a call of `cp(from, to)`. */
  standIn(name: string, call: string): void
  /** Runs what an event starts in a repository. */
  run(event: string, payload: unknown, repository: string, extra?: readonly string[]): Promise<RunResult>
}

/**
 * @param scratch a folder for the copy of Slipway that workflows take their actions from
 * @param workflows Slipway's own that callers reach, in `.github/workflows`
 * @param dist the bundles that actions run
 */
export function actHost(scratch: string, workflows: readonly string[], dist = join(root, 'dist')): ActHost {
  const slipway = join(scratch, 'slipway')
  for (const path of ['action.yml', 'actions', ...workflows.map((name) => `.github/workflows/${name}`)])
    cpSync(join(root, path), join(slipway, path), { recursive: true })
  cpSync(dist, join(slipway, 'dist'), { recursive: true })
  // Reachable as a repository, as act wants it of a workflow's own.
  repositoryWith(slipway, {})
  const standIns = new Map<string, string>()
  const texts = workflows.map((name) => readFileSync(join(root, '.github/workflows', name), 'utf8'))

  /** With the commit that workflows name. */
  const remote = (name: string) => {
    const [, action] =
      texts
        .map((text) => new RegExp(`uses: (actions/${name}@[0-9a-f]{40})`).exec(text))
        .find((match) => match !== null) ?? []
    if (action === undefined) throw new Error(`${workflows.join(', ')} does not use actions/${name}`)
    return `https://github.com/${action}`
  }

  const host: ActHost = {
    standIn(name, call) {
      const folder = join(scratch, 'stand-ins', name)
      mkdirSync(folder, { recursive: true })
      writeFileSync(
        join(folder, 'action.yml'),
        `name: ${name}\ndescription: stands in\ninputs: {name: {}, path: {}, repository: {}, ref: {}}\nruns: {using: node24, main: main.mjs}\n`,
      )
      writeFileSync(
        join(folder, 'main.mjs'),
        `import { cpSync } from 'node:fs'\nimport { basename, join } from 'node:path'\nconst cp = (from, to) => cpSync(from, to, { recursive: true })\n${call}\n`,
      )
      standIns.set(remote(name), folder)
    },
    async run(event, payload, repository, extra = []) {
      const file = join(dirname(repository), 'event.json')
      writeFileSync(file, JSON.stringify(payload))
      const standing = [...standIns].flatMap(([action, folder]) => [
        '--local-repository',
        `${action}=${folder}`,
      ])
      return await run(
        peer('act'),
        [
          ...[event, '-e', file, '-P', 'ubuntu-latest=-self-hosted', '--no-cache-server', '--pull=false'],
          ...['--local-repository', `https://github.com/${slipwayName}=${slipway}`],
          ...standing,
          ...extra,
        ],
        {
          cwd: repository,
          env: {
            HOME: dirname(repository),
            XDG_CACHE_HOME: join(dirname(repository), 'cache'),
            PATH: [dirname(process.execPath), nu, process.env.PATH].join(delimiter),
            GITHUB_TOKEN: undefined,
          },
          timeout: 240_000,
        },
      )
    },
  }
  host.standIn('checkout', `cp(${JSON.stringify(slipway)}, process.env.INPUT_PATH)`)
  return host
}

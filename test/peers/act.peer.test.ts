import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { git, repositoryWith } from '../git/fixture.ts'
import { peer, run } from './programs.ts'
import { type RunningRegistry, startRegistry } from './registries.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const nu = join(root, 'node_modules/@nushell/linux-x64/bin')
const tag = 'taskservs/redis/v7.4.1'
/** The actions of others in the reusable workflow, with their commits; no test fetches them. */
const remote = (name: string) => {
  const text = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')
  const [, action] = new RegExp(`uses: (actions/${name}@[0-9a-f]{40})`).exec(text) ?? []
  if (action === undefined) throw new Error(`release.yml does not use actions/${name}`)
  return `https://github.com/${action}`
}

let scratch: string
let registry: RunningRegistry
let slipway: string
let shelf: string
let caller: string
let standIns: string

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-act-'))
  registry = await startRegistry('distribution2', { htpasswd: { user: 'me', password: 'correct-horse' } })
  slipway = join(scratch, 'slipway')
  for (const path of ['action.yml', 'actions', 'dist', '.github/workflows/release.yml'])
    cpSync(join(root, path), join(slipway, path), { recursive: true })
  // Reachable as a repository, as act wants it of a workflow's own.
  repositoryWith(slipway, {})
  standIns = join(scratch, 'stand-ins')
  standIn('checkout', `cp(${JSON.stringify(slipway)}, process.env.INPUT_PATH)`)
  standIn(
    'upload-artifact',
    'cp(process.env.INPUT_PATH, join(process.env.SHELF, process.env.INPUT_NAME, basename(process.env.INPUT_PATH)))',
  )
  standIn('download-artifact', 'cp(join(process.env.SHELF, process.env.INPUT_NAME), process.env.INPUT_PATH)')
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true, force: true })
})

function standIn(name: string, call: string): void {
  const folder = join(standIns, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'action.yml'),
    `name: ${name}\ndescription: stands in\ninputs: {name: {}, path: {}, repository: {}, ref: {}}\nruns: {using: node24, main: main.mjs}\n`,
  )
  writeFileSync(
    join(folder, 'main.mjs'),
    `import { cpSync } from 'node:fs'\nimport { basename, join } from 'node:path'\nconst cp = (from, to) => cpSync(from, to, { recursive: true })\n${call}\n`,
  )
}

beforeEach(() => {
  const work = mkdtempSync(join(scratch, 'work-'))
  caller = join(work, 'extensions')
  shelf = join(work, 'shelf')
  const redis = 'taskservs/databases/redis'
  cpSync(join(root, 'examples/provisioning-extensions', redis), join(caller, redis), { recursive: true })
  // Worth a warning, which a runner shows as an annotation.
  appendFileSync(join(caller, redis, 'manifest.yaml'), 'auther: A\n')
})

/** Pushes the tag, as far as act knows, with a workflow of the caller's. */
async function push(workflow: string, extra: readonly string[] = []) {
  repositoryWith(caller, { '.github/workflows/release.yml': workflow })
  git(caller, 'tag', tag)
  const event = join(dirname(caller), 'event.json')
  writeFileSync(event, JSON.stringify({ ref: `refs/tags/${tag}`, ref_type: 'tag' }))
  const standing = ['checkout', 'upload-artifact', 'download-artifact'].flatMap((name) => [
    '--local-repository',
    `${remote(name)}=${join(standIns, name)}`,
  ])
  return await run(
    peer('act'),
    [
      ...['push', '-e', event, '-P', 'ubuntu-latest=-self-hosted', '--no-cache-server', '--pull=false'],
      ...['--env', `SHELF=${shelf}`],
      ...['--local-repository', `https://github.com/example-org/slipway@v0.1.0=${slipway}`],
      ...standing,
      ...extra,
    ],
    {
      cwd: caller,
      env: {
        HOME: dirname(caller),
        XDG_CACHE_HOME: join(dirname(caller), 'cache'),
        PATH: [dirname(process.execPath), nu, process.env.PATH].join(delimiter),
        GITHUB_TOKEN: undefined,
      },
      timeout: 100_000,
    },
  )
}

interface Job {
  steps?: Record<string, unknown>[]
  with: Record<string, string>
  secrets: Record<string, string>
  uses: string
}

/** An example workflow with what its user would adapt. */
function adapted(name: string, adapt: (job: Job, jobs: Record<string, unknown>) => void): string {
  const workflow = parse(readFileSync(join(root, 'examples/workflows', name), 'utf8'))
  adapt(workflow.jobs.release, workflow.jobs)
  return stringify(workflow)
}

const expression = (text: string) => `\${{ ${text} }}`
const secret = ['-s', 'REGISTRY_TOKEN=correct-horse']
/** A step that shows outputs as lines. */
const show = (from: string) => ({
  run: 'echo "digest=$DIGEST" && echo "reference=$REFERENCE" && echo "releases=$RELEASES"',
  env: {
    DIGEST: expression(`${from}.digest`),
    REFERENCE: expression(`${from}.reference`),
    RELEASES: expression(`${from}.releases`),
  },
})
const shown = (stdout: string, name: string) => new RegExp(`\\| ${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? ''

/** The digest under a tag in the registry. */
async function digestOf(repository: string, reference: string): Promise<string | null> {
  const answer = await fetch(`http://${registry.url}/v2/${repository}/manifests/${reference}`, {
    method: 'HEAD',
    headers: {
      accept: 'application/vnd.oci.image.manifest.v1+json',
      authorization: `Basic ${Buffer.from('me:correct-horse').toString('base64')}`,
    },
  })
  return answer.headers.get('docker-content-digest')
}

const oneJob = (prefix: string) =>
  adapted('gitea.yml', ({ steps = [] }) => {
    const step = steps.find((one) => String(one.uses).startsWith('example-org/slipway@'))
    Object.assign(step ?? {}, {
      id: 'slipway',
      with: {
        to: `oci://${registry.url}/${prefix}`,
        username: 'me',
        password: expression('secrets.REGISTRY_TOKEN'),
      },
    })
    steps.push(show('steps.slipway.outputs'))
  })

const twoJobs = (prefix: string) =>
  adapted('release.yml', (job, jobs) => {
    Object.assign(job.with, {
      to: `oci://${registry.url}/${prefix}`,
      // What act does not tell.
      'slipway-repository': 'example-org/slipway',
      'slipway-ref': 'v0.1.0',
    })
    job.secrets = { username: 'me', password: expression('secrets.REGISTRY_TOKEN') }
    jobs.after = { needs: 'release', 'runs-on': 'ubuntu-latest', steps: [show('needs.release.outputs')] }
  })

describe('act in host mode', () => {
  it.each([
    ['the one-job example with the root action', 'one-job', oneJob],
    ['the example that calls the reusable workflow', 'two-jobs', twoJobs],
  ])('runs %s: tags, outputs, annotation and summary are there', async (_, prefix, workflow) => {
    const { code, stdout, stderr } = await push(workflow(prefix), secret)
    expect(code, stdout + stderr).toBe(0)
    const digest = await digestOf(`${prefix}/redis`, '7.4.1')
    expect(digest).toMatch(/^sha256:/)
    expect(await digestOf(`${prefix}/redis`, 'latest')).toBe(digest)
    expect(shown(stdout, 'digest')).toBe(digest)
    expect(shown(stdout, 'reference')).toBe(`oci://${registry.url}/${prefix}/redis:7.4.1@${digest}`)
    expect(JSON.parse(shown(stdout, 'releases'))).toEqual([
      expect.objectContaining({ digest, outcome: 'published' }),
    ])
    expect(stdout).toMatch(
      /::warning .*file=taskservs\/databases\/redis\/manifest\.yaml,line=\d+.*MANIFEST_KEY_UNKNOWN/,
    )
    expect(stdout).toContain('Summary - ')
    expect(stdout + stderr).not.toContain('correct-horse')
  })

  it('runs the tests of an extension in the first of two jobs, and nowhere else', async () => {
    const tests = join(caller, 'taskservs/databases/redis/tests/run.nu')
    const witness = join(scratch, 'witness')
    const text = readFileSync(tests, 'utf8')
    const more = `$env.PWD + "\\n" | save --append ${JSON.stringify(witness)}`
    writeFileSync(tests, text.replace('def main [] {', `def main [] {\n    ${more}`))
    const { code, stdout } = await push(twoJobs('handed'), secret)
    expect(code, stdout).toBe(0)
    expect(readFileSync(witness, 'utf8').trim().split('\n').length).toBe(1)
    expect(existsSync(join(shelf, 'slipway-stage/slipway-stage.tar'))).toBe(true)
    const second = stdout.split('\n').filter((line) => /\/publish\s*\]/.test(line))
    expect(second.join('\n')).not.toMatch(/tests\/run\.nu|Nushell/)
    expect(second.some((line) => line.includes('published oci://'))).toBe(true)
  })

  it.each([
    ['one job', 'bad-one', oneJob],
    ['two jobs', 'bad-two', twoJobs],
  ])(
    'publishes nothing in %s where the manifest has an error, and annotates its line',
    async (_, prefix, workflow) => {
      const manifest = join(caller, 'taskservs/databases/redis/manifest.yaml')
      writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('version: 7.4.1', 'version: 7.4.2'))
      const { code, stdout } = await push(workflow(prefix), secret)
      expect(code).toBe(1)
      expect(stdout).toMatch(
        /::error .*file=taskservs\/databases\/redis\/manifest\.yaml,line=3.*MANIFEST_VERSION_MISMATCH/,
      )
      expect(await digestOf(`${prefix}/redis`, '7.4.1')).toBe(null)
    },
  )
})

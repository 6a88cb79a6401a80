import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateRepository, tagOf } from './generated.ts'
import { peer, run, startRegistry } from './registries.ts'
import { release, startSlipway } from './slipway.ts'

const extensions = Array.from({ length: 12 }, (_, at) => ({ name: `service-${at}`, version: `1.${at}.0` }))
const tags = extensions.map(tagOf)
const kills = 16

let scratch: string
let repository: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-kill-'))
  repository = join(scratch, 'repository')
  await generateRepository(repository, extensions)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function oras(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await run(peer('oras'), args, { env: { DOCKER_CONFIG: scratch } })
  if (code !== 0) throw new Error(`oras ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Another program fetches everything below a tag, which verifies every digest. */
async function fetched(reference: string, flags: readonly string[]): Promise<void> {
  const to = await mkdtemp(join(scratch, 'fetched-'))
  const from = flags[0] === '--oci-layout' ? ['--from-oci-layout'] : ['--from-plain-http']
  await oras('cp', ...from, reference, '--to-oci-layout', `${to}:copy`)
  await rm(to, { recursive: true })
}

interface Place {
  /** As `--to` takes it. */
  readonly target: string
  /** Where another program finds a repository. */
  readonly repository: (name: string) => string
  readonly flags: readonly string[]
  /** Names of repositories that are there. */
  readonly found: () => Promise<readonly string[]>
}

/** Kills a release after the given time; whether it was still running. */
async function killed(place: Place, after: number): Promise<boolean> {
  const child = startSlipway(['release', ...tags, '-C', repository, '--to', place.target])
  const ended = once(child, 'close')
  await Promise.race([sleep(after), ended])
  const running = child.exitCode === null && child.kill('SIGKILL')
  await ended
  return running
}

/** Every tag that is there leads to a whole graph. Returns how many there are. */
async function whole(place: Place): Promise<number> {
  let count = 0
  for (const name of await place.found()) {
    const listed = await oras('repo', 'tags', ...place.flags, place.repository(name)).catch(
      (error: Error) => {
        // A repository that has blobs, but no tag yet, has no list.
        if (/not found|name unknown/i.test(error.message)) return ''
        throw error
      },
    )
    for (const tag of listed.split('\n').filter((line) => line !== '')) {
      await fetched(`${place.repository(name)}:${tag}`, place.flags)
      count++
    }
  }
  return count
}

async function completes(place: Place): Promise<void> {
  const result = await release([...tags, '-C', repository, '--to', place.target])
  expect(result, result.stderr).toMatchObject({ code: 0 })
  expect(await whole(place)).toBe(2 * extensions.length)
  for (const [at, { name, version }] of extensions.entries()) {
    const exact = await oras('resolve', ...place.flags, `${place.repository(name)}:${version}`)
    expect(exact.trim()).toBe(result.releases[at]?.digest)
    expect(await oras('resolve', ...place.flags, `${place.repository(name)}:latest`)).toBe(exact)
  }
}

/** Milliseconds that a whole release takes here: the kills are spread over them. */
async function usual(place: Place): Promise<number> {
  const start = performance.now()
  const result = await release([...tags, '-C', repository, '--to', place.target])
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return performance.now() - start
}

/** Kills a release at moments from early to late, each in a fresh place, and completes each one. */
async function killAndComplete(fresh: (at: number) => Promise<Place & AsyncDisposable>): Promise<void> {
  let duration: number
  {
    await using place = await fresh(-1)
    duration = await usual(place)
  }
  const seen: number[] = []
  let caught = 0
  for (let at = 0; at < kills; at++) {
    await using place = await fresh(at)
    // Before the first third hardly anything is written yet.
    const running = await killed(place, duration * (0.3 + (0.7 * at) / kills))
    if (running) caught++
    seen.push(await whole(place))
    await completes(place)
  }
  // The kills did come in the middle: some with no tag, some with a part of them.
  expect(caught).toBeGreaterThanOrEqual(kills / 2)
  expect(seen.some((count) => count < 2 * extensions.length)).toBe(true)
}

describe('a release that is killed with SIGKILL leaves whole graphs only, and running it again completes it', () => {
  it('in a registry', async () => {
    await killAndComplete(async () => {
      const registry = await startRegistry('distribution2')
      return {
        target: `oci://${registry.url}/x`,
        repository: (name) => `${registry.url}/x/${name}`,
        flags: ['--plain-http'],
        found: async () => {
          const response = await fetch(`http://${registry.url}/v2/_catalog?n=1000`)
          const { repositories } = (await response.json()) as { repositories: string[] }
          return repositories.map((path) => path.replace('x/', ''))
        },
        [Symbol.asyncDispose]: () => registry.stop(),
      }
    })
  }, 300_000)

  it('in a layout', async () => {
    await killAndComplete(async (at) => {
      const root = join(scratch, `layout-${at}`)
      return {
        target: `layout:${root}`,
        repository: (name) => join(root, name),
        flags: ['--oci-layout'],
        found: async () => {
          const names = await readdir(root).catch(() => [])
          const kept = await Promise.all(
            names.map(async (name) => (await readdir(join(root, name))).includes('index.json')),
          )
          return names.filter((_, index) => kept[index])
        },
        [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
      }
    })
  }, 300_000)
})

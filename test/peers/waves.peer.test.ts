import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exactTags, randomExtensions, wrongWayRound } from '../tasks/graphs.ts'
import { seeded } from '../version/random.ts'
import { generateRepository } from './generated.ts'
import { type Recorder, record } from './recorder.ts'
import { peer, type RunningRegistry, run, startRegistry } from './registries.ts'
import { outcomes, release, startSlipway } from './slipway.ts'

const extensions = randomExtensions(100, seeded(8))
let scratch: string
let folder: string
let registry: RunningRegistry

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-waves-'))
  folder = join(scratch, 'repository')
  await generateRepository(folder, extensions)
  registry = await startRegistry('distribution2')
})
afterAll(async () => {
  await registry.stop()
  await rm(scratch, { recursive: true, force: true })
})

/** When the exact tag of each extension was first asked for, and when one was first there. */
function times({ requests }: Recorder): Map<string, { asked: number; there: number }> {
  const found = new Map<string, { asked: number; there: number }>()
  for (const { method, path, status, began, ended } of requests) {
    const name = /\/([^/]+)\/manifests\/1\.0\.0$/.exec(path)?.[1]
    if (method !== 'PUT' || name === undefined) continue
    const before = found.get(name)
    found.set(name, {
      asked: Math.min(before?.asked ?? began, began),
      there: Math.min(
        before?.there ?? Number.POSITIVE_INFINITY,
        status === 201 ? ended : Number.POSITIVE_INFINITY,
      ),
    })
  }
  return found
}

/** Every dependent whose tag was asked for before the tag of what it needs was there. */
function early(recorder: Recorder): string[] {
  const at = times(recorder)
  return extensions.flatMap(({ name, needs }) =>
    needs
      .filter(
        (one) =>
          (at.get(name)?.asked ?? Number.POSITIVE_INFINITY) <
          (at.get(one)?.there ?? Number.POSITIVE_INFINITY),
      )
      .map((one) => `${name} before ${one}`),
  )
}

describe('100 extensions released in waves to distribution 2.8', () => {
  it('are tagged only once what they need answers, and crane finds all of them', async () => {
    await using recorder = await record(registry.url)
    const to = ['-C', folder, '--to', `oci://${recorder.url}/all`]
    const result = await release(['--all-changed', ...to], { timeout: 240_000 })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(outcomes(result)).toEqual(['published'])
    expect(exactTags(recorder)).toHaveLength(100)
    expect(early(recorder)).toEqual([])
    // The same requests in the order of names would be wrong in many places.
    expect(wrongWayRound(extensions, exactTags(recorder).sort()).length).toBeGreaterThan(10)
    for (const { name, targets } of result.releases.slice(0, 10)) {
      const { stdout } = await run(peer('crane'), ['digest', `${registry.url}/all/${name}:latest`])
      expect(stdout.trim()).toBe(targets[0]?.digest)
    }
    const before = recorder.requests.length
    expect(await release(['--all-changed', ...to])).toMatchObject({ code: 0, releases: [] })
    expect(recorder.requests.slice(before).every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(
      true,
    )
  })

  it('keep that order when the run is killed in the middle and started again, by --missing-tags', async () => {
    await using recorder = await record(registry.url)
    const args = ['--missing-tags', '-C', folder, '--to', `oci://${recorder.url}/killed`, '--json']
    const child = startSlipway(['release', ...args])
    const ended = once(child, 'exit')
    while (exactTags(recorder).length < 40 && child.exitCode === null) await sleep(5)
    child.kill('SIGKILL')
    await ended
    expect(exactTags(recorder).length).toBeLessThan(100)
    const again = await release(args.slice(0, -1), { timeout: 240_000 })
    expect(again, again.stderr).toMatchObject({ code: 0 })
    expect(again.releases.length).toBeLessThan(100)
    expect(exactTags(recorder)).toHaveLength(100)
    expect(early(recorder)).toEqual([])
  })
})

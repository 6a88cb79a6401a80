import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFakeRegistry } from '../fake/registry.ts'
import { repositoryWith } from '../git/fixture.ts'
import { below, oneOf, seeded, shuffled } from '../version/random.ts'
import {
  type Extension,
  exactTags,
  filesOf,
  publishTo,
  randomExtensions,
  releaseTo,
  wrongWayRound,
} from './graphs.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-order-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Those that need one of these, at whatever remove. */
function dependentsOf(names: ReadonlySet<string>, extensions: readonly Extension[]): Set<string> {
  const found = new Set<string>()
  // Each stands after what it needs.
  for (const { name, needs } of extensions)
    if (needs.some((one) => names.has(one) || found.has(one))) found.add(name)
  return found
}

const labels = (names: Iterable<string>) => new Set([...names].map((name) => `${name}:1.0.0`))

describe.each([1, 2, 3])('100 extensions with random dependencies (seed %i)', (seed) => {
  const random = seeded(seed)
  const extensions = randomExtensions(100, random)
  const names = new Set(extensions.map(({ name }) => name))
  let directory: string

  beforeAll(() => {
    directory = join(scratch, String(seed))
    mkdirSync(directory)
    repositoryWith(directory, Object.assign({}, ...extensions.map(filesOf)))
  })

  it('are published so that nothing comes before what it needs', async () => {
    await using registry = await startFakeRegistry()
    const result = await releaseTo(directory, [`oci://${registry.host}/x`], { allChanged: true })
    expect(result.exit).toBe(0)
    const published = exactTags(registry)
    expect(new Set(published)).toEqual(labels(names))
    expect(wrongWayRound(extensions, published)).toEqual([])
    // The order of their names, in which they are found, would not do.
    expect(wrongWayRound(extensions, [...published].sort()).length).toBeGreaterThan(10)
  }, 60_000)

  it('keep that order where another job publishes what was packed', async () => {
    await using registry = await startFakeRegistry()
    const archive = join(scratch, `packed-${seed}.tar`)
    expect((await releaseTo(directory, [`archive:${archive}`], { allChanged: true })).exit).toBe(0)
    expect((await publishTo(archive, [`oci://${registry.host}/x`])).exit).toBe(0)
    const published = exactTags(registry)
    expect(new Set(published)).toEqual(labels(names))
    expect(wrongWayRound(extensions, published)).toEqual([])
  }, 60_000)

  it('keep that order at each of two targets while requests fail, and in the run that completes them', async () => {
    await using one = await startFakeRegistry()
    await using other = await startFakeRegistry()
    const places = [`oci://${one.host}/x`, `oci://${other.host}/x`]
    const chosen = new Set(shuffled(random, [...names]).slice(0, 4))
    const keptBack = dependentsOf(chosen, extensions)
    const denied = new Set([...chosen].filter((name) => !keptBack.has(name)))
    for (const name of denied)
      one.fail({ method: 'PUT', path: new RegExp(`/${name}/manifests/1\\.0\\.0$`), status: 403 })
    // What is retried may come late, but not out of order.
    for (let at = 0; at < 40; at++)
      oneOf(random, [one, other]).fail({
        method: oneOf(random, ['PUT', 'POST', 'HEAD', 'GET']),
        after: below(random, 100),
        ...oneOf(random, [{ status: 503 }, { loseAnswer: true }, { resetAfter: 0 }, { delay: 50 }]),
      })
    const first = await releaseTo(directory, places, { allChanged: true })
    expect(keptBack.size).toBeGreaterThan(0)
    expect(first.exit).toBe(1)
    for (const { name, targets } of first.releases) {
      const [atOne, atOther] = targets
      expect(atOther?.outcome, name).toBe('published')
      expect(atOne?.outcome, name).toBe(
        denied.has(name) ? 'failed' : keptBack.has(name) ? 'refused' : 'published',
      )
      if (keptBack.has(name)) expect(atOne?.error).toMatchObject({ code: 'DEPENDENCY_FAILED' })
    }
    const there = (registry: typeof one) => new Set(exactTags(registry))
    expect(there(one)).toEqual(labels([...names].filter((name) => !denied.has(name) && !keptBack.has(name))))
    expect(there(other)).toEqual(labels(names))

    const second = await releaseTo(directory, places, { allChanged: true })
    expect(second.exit).toBe(0)
    expect(new Set(second.releases.map(({ name }) => name))).toEqual(new Set([...denied, ...keptBack]))
    for (const registry of [one, other]) {
      expect(there(registry)).toEqual(labels(names))
      expect(wrongWayRound(extensions, exactTags(registry))).toEqual([])
    }
  }, 60_000)
})

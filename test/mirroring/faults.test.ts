import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { artifact } from '../contract/artifacts.ts'
import type { Fault } from '../fake/faults.ts'
import type { FakeRegistry } from '../fake/registry.ts'
import { rejection } from '../registry/client.ts'
import { fill, rulesOf, run, server, tagsOf } from './mirrors.ts'

const tags = ['1.0.0', '1.1.0']

/** Two registries: one filled, with a signature, one empty. */
async function pair() {
  const [a, b] = [await server(), await server()]
  const made = await fill(a.client, { one: tags, two: tags })
  const store = a.client.repository('one')
  const signature = await artifact(store, 'signature', { subject: made('one:1.0.0').descriptor })
  const rules = rulesOf({ from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] })
  return { a, b, made, signature, rules }
}

/** Whether everything under the target's tags is there. */
async function expectWhole({
  a,
  b,
  made,
  signature,
  rules,
}: Awaited<ReturnType<typeof pair>>): Promise<void> {
  expect((await run(rules, { verify: true })).exit).toBe(0)
  for (const name of ['one', 'two'])
    expect(await tagsOf(b.client, name)).toEqual(await tagsOf(a.client, name))
  const about = await Array.fromAsync(b.client.repository('one').referrers(made('one:1.0.0').descriptor))
  expect(about.map((one) => one.digest)).toEqual([signature.descriptor.digest])
}

/** No tag of the target may stand on something incomplete. */
function expectNothingTorn(fake: FakeRegistry): void {
  for (const repository of fake.state.repositories.values())
    for (const digest of repository.tags.values()) {
      const manifest = repository.manifests.get(digest)
      expect(manifest).toBeDefined()
      const { config, layers = [] } = JSON.parse(String(manifest?.bytes)) as ReturnType<typeof JSON.parse>
      for (const one of [config, ...layers].filter(Boolean))
        expect(repository.blobs.has(one.digest)).toBe(true)
    }
}

const passing: readonly [string, 'a' | 'b', Fault][] = [
  ['a reset while listing', 'a', { path: /tags\/list/, resetAfter: 0 }],
  ['a 503 on a manifest', 'a', { path: /manifests/, status: 503 }],
  ['a 429 that asks to wait', 'a', { path: /blobs/, status: 429, headers: { 'retry-after': '0' } }],
  ['a 429 that does not', 'b', { method: 'POST', path: /uploads/, status: 429 }],
  ['a blob that is cut off', 'a', { method: 'GET', path: /blobs/, truncate: 1 }],
  ['a lost answer to an upload', 'b', { method: 'PUT', path: /uploads/, loseAnswer: true }],
  ['a lost answer to a manifest', 'b', { method: 'PUT', path: /manifests/, loseAnswer: true }],
  ['an upload that is reset', 'b', { method: 'PUT', path: /uploads/, resetAfter: 1 }],
  ['a 500 on a tag', 'b', { method: 'PUT', path: /manifests\/1\.0\.0/, status: 500 }],
  ['a slow answer', 'b', { method: 'PUT', path: /manifests/, delay: 300 }],
]

describe('what passes', () => {
  test.each(passing)('%s (%s) is outlived', async (_, side, fault) => {
    const world = await pair()
    world[side].fake.fail(fault)
    const result = await run(world.rules)
    expect(result.repositories.flatMap((one) => one.failures)).toEqual([])
    await expectWhole(world)
  })

  test('tokens that expire in the middle', async () => {
    const [a, b] = [
      await server(),
      await server({ auth: { kind: 'bearer', username: 'u', password: 'p', tokenUses: 3 } }),
    ]
    await fill(a.client, { one: tags })
    const rules = rulesOf({ from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] })
    const result = await run(rules, { login: `${b.fake.host} u p` })
    expect(b.fake.requests.filter((one) => one.status === 401).length).toBeGreaterThan(1)
    expect(result.repositories.flatMap((one) => one.failures)).toEqual([])
  })
})

const lasting: readonly [string, 'a' | 'b', Fault, string][] = [
  ['a source that refuses', 'a', { path: /one\/manifests/, status: 403 }, 'DENIED'],
  ['a source with other bytes', 'a', { method: 'GET', path: /one\/blobs/, corrupt: true }, 'DIGEST_MISMATCH'],
  ['a source that never stops failing', 'a', { path: /one\/blobs/, status: 500 }, 'REGISTRY_ERROR'],
  ['a target that refuses blobs', 'b', { method: 'POST', path: /one\/blobs/, status: 403 }, 'DENIED'],
  ['a target that refuses tags', 'b', { method: 'PUT', path: /one\/manifests/, status: 403 }, 'DENIED'],
  ['a target that stalls', 'b', { method: 'PUT', path: /one\/manifests/, delay: 5000 }, 'TIMED_OUT'],
]

describe('what lasts', () => {
  test.each(lasting)(
    '%s (%s) is a failure of its repository with a name, and a rerun brings the rest',
    async (_, side, fault, code) => {
      const world = await pair()
      const { fake } = world[side]
      fake.fail({ times: 1000, ...fault })
      const limits = fault.delay === undefined ? {} : { closing: 200, retries: 0 }
      const result = await run(world.rules, { limits })
      expect(result.exit).toBe(1)
      const [one, two] = result.repositories
      expect(new Set(one?.failures.map((failure) => failure.code))).toEqual(new Set([code]))
      expect(one?.failures[0]?.side ?? 'source').toBe(side === 'a' ? 'source' : 'destination')
      expect(two?.state).toBe('copied')
      expectNothingTorn(world.b.fake)
      fake.heal()
      await run(world.rules)
      await expectWhole(world)
    },
  )
})

test('an interruption ends the run and leaves no torn tag; the next run completes', async () => {
  for (const after of [3, 12, 25, 40]) {
    const world = await pair()
    const controller = new AbortController()
    const { requests } = world.b.fake
    const watch = setInterval(() => requests.length >= after && controller.abort(new Error('stop')), 0)
    const stopped = await rejection(run(world.rules, { signal: controller.signal })).catch(() => undefined)
    clearInterval(watch)
    if (stopped !== undefined) expect((stopped as Error).message).toBe('stop')
    expectNothingTorn(world.b.fake)
    expect((await run(world.rules)).exit).toBe(0)
    await expectWhole(world)
  }
})

test('killed at any moment a target has no torn tag, and the next run moves only what is missing', async () => {
  const [a, b] = [await server(), await server()]
  await fill(
    a.client,
    Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`r${at}`, ['1.0.0', '1.1.0', '1.2.0']])),
  )
  const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mirror-kill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const way = { from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] }
  const rules = rulesOf(way)
  writeFileSync(join(folder, 'mirror.yaml'), JSON.stringify({ version: 1, mirrors: [way] }))
  let before = 0
  for (let round = 0; round < 5; round++) {
    const limit = b.fake.requests.length + 30 + round * 17
    const child = spawn(process.execPath, [program, 'mirror'], { cwd: folder, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const watch = setInterval(() => b.fake.requests.length >= limit && child.kill('SIGKILL'), 1)
    await ended
    clearInterval(watch)
    expectNothingTorn(b.fake)
    const tagged = [...b.fake.state.repositories.values()].reduce((sum, one) => sum + one.tags.size, 0)
    expect(tagged).toBeGreaterThanOrEqual(before)
    before = tagged
  }
  const rest = await run(rules)
  expect(rest.exit).toBe(0)
  expect(rest.total.tags.copied + before).toBe(36)
  expect((await run(rules, { verify: true })).exit).toBe(0)
}, 60_000)

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeLock } from '../../src/lockfile/write.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import type { Registry } from '../../src/store/store.ts'
import { extensionId } from '../../src/version/package-id.ts'
import { artifact } from '../contract/artifacts.ts'
import { rejection } from '../registry/client.ts'
import { stock } from '../tasks/solving.ts'
import { rulesOf, run, server, tagsOf } from './mirrors.ts'

const shelf = {
  'kubernetes 1.28.0': { containerd: '^1.7' },
  'kubernetes 1.29.0': { containerd: '^2.0' },
  'containerd 1.7.0': { runc: '^1.1' },
  'containerd 1.7.5': { runc: '~1.1.2' },
  'containerd 2.0.0': { runc: '^1.2' },
  'runc 1.1.0': {},
  'runc 1.1.4': {},
  'runc 1.2.0': {},
  'stranger 1.0.0': {},
}

async function shop() {
  const [a, b] = [await server(), await server()]
  await stock(a.client, shelf, 'extensions/')
  const way = { from: `oci://${a.fake.host}/extensions`, to: [`oci://${b.fake.host}`] }
  return { a, b, way }
}

const all = async (client: Registry) => {
  const found: Record<string, string[]> = {}
  for await (const name of client.repositories()) found[name] = await tagsOf(client, name)
  return found
}

test('each selected version brings the one solution of its dependencies, whatever the filters say', async () => {
  const { b, way } = await shop()
  const rules = rulesOf({ ...way, repositories: ['kubernetes'], withDependencies: true })
  expect((await run(rules)).exit).toBe(0)
  expect(await all(b.client)).toEqual({
    kubernetes: ['1.28.0', '1.29.0'],
    containerd: ['1.7.5', '2.0.0'],
    runc: ['1.1.4', '1.2.0'],
  })
  expect((await run(rules)).total.tags).toMatchObject({ copied: 0, unchanged: 6 })
})

test('a filter chooses the roots alone', async () => {
  const { b, way } = await shop()
  const tags = { semver: '^1.28', newest: 1, exclude: ['1.29.*', '1.7.*'] }
  await run(rulesOf({ ...way, repositories: ['kubernetes'], tags, withDependencies: true }))
  expect(await all(b.client)).toEqual({ kubernetes: ['1.28.0'], containerd: ['1.7.5'], runc: ['1.1.4'] })
})

test('a version that cannot be solved stays behind with the reason, and stops no other', async () => {
  const { a, b, way } = await shop()
  await stock(a.client, { 'broken 1.0.0': { runc: '^9' } }, 'extensions/')
  const rules = rulesOf({
    name: 'all',
    ...way,
    repositories: ['broken', 'kubernetes'],
    withDependencies: true,
  })
  const result = await run(rules)
  expect(result.exit).toBe(1)
  const failed = result.repositories.filter((one) => one.state === 'failed')
  expect(failed.map((one) => [one.source, one.tags.failed])).toEqual([[`${way.from}/broken`, 1]])
  expect(failed[0]?.failures[0]).toMatchObject({ code: 'UNSATISFIABLE', tag: '1.0.0' })
  expect(failed[0]?.failures[0]?.message).toContain('runc')
  expect(Object.keys(await all(b.client)).sort()).toEqual(['containerd', 'kubernetes', 'runc'])
})

/** A lock with one package at a place. */
function lockOf(
  packages: readonly { id: string; version: string; source: string; manifest: Digest }[],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mirror-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'production.lock')
  const lock = writeLock({
    roots: {},
    options: {},
    requirements: digestOf(''),
    packages: packages.map((one) => ({
      ...one,
      id: extensionId(one.id),
      kind: 'taskserv',
      layer: digestOf('layer'),
      dependencies: {},
      platforms: [],
    })),
  })
  writeFileSync(path, lock)
  return path
}

test('a lock brings exactly what is locked, names what is elsewhere, and refuses what was replaced', async () => {
  const { a, b, way } = await shop()
  const store = a.client.repository('extensions/runc')
  const locked = await store.manifest(parseTag('1.1.0'))
  const manifest = locked?.descriptor.digest ?? digestOf('')
  const path = lockOf([
    { id: 'far', version: '1.0.0', source: 'oci://elsewhere.example.org/far', manifest },
    { id: 'runc', version: '1.1.0', source: `${way.from}/runc`, manifest },
  ])
  const rules = rulesOf({
    ...way,
    repositories: ['kubernetes'],
    tags: { match: ['1.28.0'] },
    lockfiles: [path],
  })
  const first = await run(rules)
  expect(first.exit).toBe(0)
  expect(await all(b.client)).toEqual({ kubernetes: ['1.28.0'], runc: ['1.1.0'] })
  const warnings = first.events.flatMap((one) => (one.type === 'warning' ? [one.message] : []))
  expect(warnings).toEqual([expect.stringContaining('takes far from elsewhere')])
  await store.tag(await artifact(store, 'somebody else’s bytes'), [parseTag('1.1.0')])
  const second = await run(rules)
  expect(second.exit).toBe(1)
  const failed = second.repositories.find((one) => one.failures.length > 0)
  expect(failed?.failures).toEqual([expect.objectContaining({ code: 'MIRROR_NOT_LOCKED', tag: '1.1.0' })])
  expect((await b.client.repository('runc').resolve(parseTag('1.1.0')))?.digest).toBe(manifest)
  const gone = rulesOf({ ...way, repositories: ['kubernetes'], lockfiles: ['/nowhere/slipway.lock'] })
  expect(await rejection(run(gone))).toMatchObject({ code: 'LOCK_MISSING' })
})

test('a lock holds for a tag that another mirror brings, also when comparing, and two locks must agree', async () => {
  const { b, way } = await shop()
  const manifest = digestOf('what was published once')
  const [path, other] = [manifest, digestOf('something else')].map((digest) =>
    lockOf([{ id: 'runc', version: '1.1.0', source: `${way.from}/runc`, manifest: digest }]),
  )
  const first = { ...way, repositories: ['runc'] }
  const rules = rulesOf(first, { ...way, repositories: ['kubernetes'], lockfiles: [path] })
  const failures = (result: Awaited<ReturnType<typeof run>>) =>
    result.repositories.flatMap((one) => one.failures.map(({ code, tag }) => `${code} ${tag}`))
  expect(failures(await run(rules))).toEqual(['MIRROR_NOT_LOCKED 1.1.0'])
  expect(await tagsOf(b.client, 'runc')).toEqual(['1.1.4', '1.2.0'])
  await run(rulesOf(first))
  expect(failures(await run(rules, { verify: true }))).toEqual(['MIRROR_NOT_LOCKED 1.1.0'])
  b.fake.clearLog()
  for (const both of [
    rulesOf({ ...first, lockfiles: [path, other] }),
    rulesOf({ ...first, lockfiles: [path] }, { ...first, lockfiles: [other] }),
  ])
    expect(await rejection(run(both))).toMatchObject({ code: 'MIRROR_OVERLAP', exit: 2 })
  expect(b.fake.log()).toEqual([])
})

test('a dependency that another mirror brings back is a cycle, though no pattern takes it', async () => {
  const { b, way } = await shop()
  await stock(b.client, { 'runc 1.1.4': {} })
  const there = { ...way, repositories: ['containerd'], withDependencies: true }
  const back = { from: way.to[0], to: [way.from], repositories: ['runc'] }
  expect(await rejection(run(rulesOf(there, back)))).toMatchObject({ code: 'MIRROR_CYCLE', exit: 2 })
})

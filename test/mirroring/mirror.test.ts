import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { parseShard } from '../../src/mirroring/shard.ts'
import { children } from '../../src/oci/manifest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import type { Place } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { mirror } from '../../src/tasks/mirror.ts'
import { artifact, emptyConfig, indexOf } from '../contract/artifacts.ts'
import type { FakeRegistry } from '../fake/registry.ts'
import { fill, rulesOf, run, server, tagsOf } from './mirrors.ts'

const tag = parseTag
const oci = (fake: FakeRegistry, prefix = '') => `oci://${fake.host}${prefix}`
const signatureOf = (digest: string) => `${digest.replace(':', '-')}.sig`

/** Requests to a registry by method. */
function count(fake: FakeRegistry, pattern: RegExp): number {
  return fake.log(pattern).length
}

describe('a first run', () => {
  test('brings repositories, tags, moving tags on one digest, and says what it did', async () => {
    const [a, b] = [await server(), await server()]
    const made = await fill(a.client, { 'team/one': ['1.0.0', '1.1.0'], two: ['2.0.0'] })
    const one = a.client.repository('team/one')
    const latest = made('team/one:1.1.0')
    await one.tag(latest, [tag('latest')])
    const result = await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake, '/mirror')] }))
    expect(result.exit).toBe(0)
    expect(await tagsOf(b.client, 'mirror/team/one')).toEqual(['1.0.0', '1.1.0', 'latest'])
    expect(await tagsOf(b.client, 'mirror/two')).toEqual(['2.0.0'])
    expect((await b.client.repository('mirror/team/one').resolve(tag('latest')))?.digest).toBe(
      latest.descriptor.digest,
    )
    expect(result.repositories.map(({ state, tags }) => [state, tags.copied])).toEqual([
      ['copied', 3],
      ['copied', 1],
    ])
    expect(result.total.bytes.uploaded).toBeGreaterThan(0)
    expect(result.repositories[0]?.blobs).toMatchObject({ uploaded: 3 })
    expect(result.repositories[0]?.manifests).toMatchObject({ uploaded: 2 })
  })

  test('asks an empty repository for nothing but its first tag and its list', async () => {
    const [a, b] = [
      await server({ quirks: { referrers: 'no route' } }),
      await server({ quirks: { referrers: 'no route' } }),
    ]
    await fill(a.client, { one: ['1.0.0', '1.1.0', '1.2.0'] })
    a.fake.clearLog()
    await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)] }))
    expect(count(b.fake, /^HEAD/)).toBe(1)
    expect(count(b.fake, /^GET .*tags\/list/)).toBe(1)
    expect(count(b.fake, /^PUT .*manifests/)).toBe(3)
    expect(count(b.fake, /^(POST|PUT .*uploads)/)).toBe(8)
    expect(count(a.fake, /manifests/)).toBe(3)
    expect(count(a.fake, /^GET .*blobs/)).toBe(4)
    // Nobody asks for a list of referrers that the list of tags does not show: only for the API, once known.
    expect(count(a.fake, /manifests\/sha256-/)).toBe(0)
    expect(count(b.fake, /referrers/)).toBe(0)
  })

  test('brings a blob to a registry once, and the next repository mounts it', async () => {
    const [a, b] = [await server(), await server()]
    const text = 'x'.repeat(100_000)
    for (const name of ['one', 'two', 'three']) {
      const store = a.client.repository(name)
      await store.tag(await artifact(store, text), [tag('1.0.0')])
    }
    a.fake.clearLog()
    const result = await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)] }))
    expect(result.total.bytes.mounted).toBe(200_000)
    expect(
      a.fake.log(/^GET .*blobs/).filter((line) => !line.includes(emptyConfig.descriptor.digest)),
    ).toHaveLength(1)
  })
})

test('requests are counted once, though two targets share a source', async () => {
  const [a, b, c] = [await server(), await server(), await server()]
  await fill(a.client, { one: ['1.0.0', '1.1.0'] })
  a.fake.clearLog()
  const result = await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake), oci(c.fake)] }))
  const sent = [a, b, c].flatMap(({ fake }) => fake.log()).length
  // What selecting asked for: one list of repositories, one of tags.
  expect(result.total.requests).toBe(sent - 2)
})

describe('a run with nothing to do', () => {
  test('costs one list and one HEAD a side a tag', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0', '1.1.0', '1.2.0'], two: ['1.0.0'] })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)], referrers: false })
    await run(rules)
    a.fake.clearLog()
    b.fake.clearLog()
    const result = await run(rules)
    expect(result.repositories.map((one) => one.state)).toEqual(['unchanged', 'unchanged'])
    expect(
      a.fake
        .log()
        .sort()
        .map((line) => line.split(' ')[0]),
    ).toEqual(['GET', 'GET', 'GET', 'HEAD', 'HEAD', 'HEAD', 'HEAD'])
    expect(count(a.fake, /_catalog|tags\/list/)).toBe(3)
    expect(b.fake.log().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'HEAD', 'HEAD', 'HEAD'])
    expect(result.repositories[0]?.requests).toBe(1 + 3 + 3 - 1)
  })

  test('with signatures costs one request for referrers a side more, and finds one that was added', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const root = await artifact(store, 'root')
    await store.tag(root, [tag('1.0.0')])
    const type = 'application/vnd.dev.sigstore.bundle.v0.3+json'
    await artifact(store, 'first signature', { subject: root.descriptor, artifactType: type })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    await run(rules)
    a.fake.clearLog()
    b.fake.clearLog()
    expect((await run(rules)).repositories[0]?.state).toBe('unchanged')
    expect(a.fake.log(/referrers|manifests/).map((line) => line.split(' ')[0])).toEqual(['HEAD', 'GET'])
    expect(b.fake.log().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'GET'])
    const added = await artifact(store, 'second signature', { subject: root.descriptor, artifactType: type })
    const again = await run(rules)
    expect(again.repositories[0]).toMatchObject({ state: 'copied', tags: { unchanged: 1, copied: 0 } })
    const there = await Array.fromAsync(b.client.repository('one').referrers(root.descriptor))
    expect(there.map((one) => one.digest)).toContain(added.descriptor.digest)
  })

  test('asks no registry for lists of referrers that its tags do not show', async () => {
    const quirks = { referrers: 'no route', subjectHeader: false } as const
    const [a, b] = [await server({ quirks }), await server({ quirks })]
    await fill(a.client, { one: ['1.0.0', '1.1.0'] })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    await run(rules)
    a.fake.clearLog()
    b.fake.clearLog()
    await run(rules, { concurrency: 1 })
    expect(count(a.fake, /manifests/)).toBe(2)
    expect(count(a.fake, /referrers/)).toBeLessThanOrEqual(2)
    expect(b.fake.log()).toHaveLength(2)
  })
})

describe('what belongs to a manifest travels with it', () => {
  test('from the referrers API to a fallback tag and back', async () => {
    const [a, b, c] = [
      await server(),
      await server({ quirks: { referrers: 'no route', subjectHeader: false } }),
      await server(),
    ]
    const store = a.client.repository('one')
    const root = await artifact(store, 'root')
    await store.tag(root, [tag('1.0.0')])
    const sbom = await artifact(store, 'sbom', { subject: root.descriptor })
    const onSbom = await artifact(store, 'signature of the sbom', { subject: sbom.descriptor })
    await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)] }))
    expect(
      (await Array.fromAsync(b.client.repository('one').tags({ fallback: true }))).some((one) =>
        one.startsWith('sha256-'),
      ),
    ).toBe(true)
    await run(rulesOf({ from: oci(b.fake), to: [oci(c.fake)] }))
    const there = c.client.repository('one')
    expect((await Array.fromAsync(there.referrers(root.descriptor))).map((one) => one.digest)).toEqual([
      sbom.descriptor.digest,
    ])
    expect((await Array.fromAsync(there.referrers(sbom.descriptor))).map((one) => one.digest)).toEqual([
      onSbom.descriptor.digest,
    ])
    // The target with an API gets no list of its own that could contradict it.
    expect(await tagsOf(c.client, 'one')).toEqual(['1.0.0'])
  })

  test('cosign’s tags come for copied digests and the platforms of an index, orphans do not', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const platform = await artifact(store, 'amd64')
    const index = indexOf([platform])
    await store.put(index)
    await store.tag(index, [tag('1.0.0')])
    const onIndex = signatureOf(index.descriptor.digest)
    const onPlatform = signatureOf(platform.descriptor.digest)
    await store.tag(await artifact(store, 'signature'), [tag(onIndex)])
    await store.tag(await artifact(store, 'signature of amd64'), [tag(onPlatform)])
    await store.tag(await artifact(store, 'orphan'), [tag(signatureOf(`sha256:${'0'.repeat(64)}`))])
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    await run(rules)
    expect(await tagsOf(b.client, 'one')).toEqual(['1.0.0', onIndex, onPlatform].sort())
    // cosign writes a longer list of signatures under the same tag.
    const more = await artifact(store, 'two signatures')
    await store.tag(more, [tag(onIndex)])
    await run(rules)
    expect((await b.client.repository('one').resolve(tag(onIndex)))?.digest).toBe(more.descriptor.digest)
  })

  test('only the artifactTypes that are asked for', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const root = await artifact(store, 'root')
    await store.tag(root, [tag('1.0.0'), tag(signatureOf(root.descriptor.digest))])
    const sbom = await artifact(store, 'sbom', { subject: root.descriptor, artifactType: 'text/sbom' })
    await artifact(store, 'other', { subject: root.descriptor, artifactType: 'text/other' })
    await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)], referrers: ['text/sbom'] }))
    const there = await Array.fromAsync(b.client.repository('one').referrers(root.descriptor))
    expect(there.map((one) => one.digest)).toEqual([sbom.descriptor.digest])
    expect(await tagsOf(b.client, 'one')).toEqual(['1.0.0'])
  })
})

describe('a choice of platforms', () => {
  test('makes an index of them, leaves the signature of the old one behind and is settled by a second run', async () => {
    const [a, b] = [await server(), await server()]
    const store = a.client.repository('one')
    const [amd64, arm64] = [await artifact(store, 'amd64'), await artifact(store, 'arm64')]
    const index = indexOf([
      { ...amd64, descriptor: { ...amd64.descriptor, platform: { os: 'linux', architecture: 'amd64' } } },
      { ...arm64, descriptor: { ...arm64.descriptor, platform: { os: 'linux', architecture: 'arm64' } } },
    ])
    await store.put(index)
    await store.tag(index, [tag('1.0.0')])
    await artifact(store, 'signature of the index', { subject: index.descriptor })
    const onPlatform = await artifact(store, 'signature of amd64', { subject: amd64.descriptor })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)], platforms: ['linux/amd64'] })
    const first = await run(rules)
    expect(first.exit).toBe(0)
    const there = b.client.repository('one')
    const chosen = await there.manifest(tag('1.0.0'))
    expect(chosen?.descriptor.digest).not.toBe(index.descriptor.digest)
    expect(await there.exists(arm64.descriptor)).toBe(false)
    expect((await Array.fromAsync(there.referrers(amd64.descriptor))).map((one) => one.digest)).toEqual([
      onPlatform.descriptor.digest,
    ])
    expect(await there.exists(index.descriptor)).toBe(false)
    expect(first.events.some((one) => one.type === 'info' && one.message.includes('do not cover'))).toBe(true)
    expect((await run(rules)).repositories[0]?.state).toBe('unchanged')
    expect((await run(rules, { verify: true })).exit).toBe(0)
    const missing = await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)], platforms: ['linux/s390x'] }))
    expect(missing.repositories[0]?.failures[0]?.code).toBe('MIRROR_PLATFORM_MISSING')
  })
})

describe('what goes wrong in one repository', () => {
  test('stops no other one, and a rerun brings the rest', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { bad: ['1.0.0', '2.0.0'], good: ['1.0.0'] })
    b.fake.fail({ method: 'PUT', path: /bad\/manifests\/2.0.0/, status: 403, times: 100 })
    const rules = rulesOf({ name: 'all', from: oci(a.fake), to: [oci(b.fake)] })
    const result = await run(rules)
    expect(result.exit).toBe(1)
    expect(
      result.repositories.map(({ source, state, tags }) => [source.split('/').at(-1), state, tags]),
    ).toEqual([
      ['bad', 'partial', { copied: 1, unchanged: 0, failed: 1 }],
      ['good', 'copied', { copied: 1, unchanged: 0, failed: 0 }],
    ])
    expect(result.repositories[0]?.failures[0]).toMatchObject({
      tag: '2.0.0',
      code: 'DENIED',
      side: 'destination',
    })
    expect(await tagsOf(b.client, 'bad')).toEqual(['1.0.0'])
  })

  test('a repository whose tags cannot be listed is one failure, a source that is down is another', async () => {
    const [a, b, c] = [await server(), await server(), await server()]
    await fill(a.client, { closed: ['1.0.0'], open: ['1.0.0'] })
    a.fake.fail({ path: /closed\/tags/, status: 500, times: 100 })
    c.fake.fail({ path: /_catalog/, status: 500, times: 100 })
    const result = await run(
      rulesOf(
        { name: 'one', from: oci(a.fake), to: [oci(b.fake)] },
        { name: 'two', from: oci(c.fake), to: [oci(b.fake, '/c')] },
      ),
    )
    expect(result.exit).toBe(1)
    expect(result.repositories.map(({ mirror, state }) => [mirror, state]).sort()).toEqual([
      ['one', 'copied'],
      ['one', 'failed'],
      ['two', 'failed'],
    ])
  })
})

test('a referrer that is listed but gone is a warning, not a silent loss', async () => {
  const [a, b] = [await server(), await server()]
  const store = a.client.repository('one')
  const root = await artifact(store, 'root')
  await store.tag(root, [tag('1.0.0')])
  const { digest } = (await artifact(store, 'signature', { subject: root.descriptor })).descriptor
  a.fake.fail({ method: 'GET', path: new RegExp(`manifests/${digest}`), status: 404, times: 100 })
  const result = await run(rulesOf({ from: oci(a.fake), to: [oci(b.fake)] }))
  expect(result.repositories[0]?.skipped).toEqual([digest])
  const warned = result.events.find((one) => one.type === 'warning')
  expect(warned).toMatchObject({ code: 'MIRROR_REFERRER_SKIPPED' })
  expect(warned?.type === 'warning' && warned.message).toContain(digest)
})

describe('a dry run', () => {
  test('tells the bytes that would move, and moves none', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0', '1.1.0'] })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    const rehearsed = await run(rules, { rehearse: true })
    expect(b.fake.log(/^(POST|PUT|PATCH|DELETE)/)).toEqual([])
    expect(a.fake.log(/^GET .*blobs/)).toEqual([])
    const real = await run(rules)
    expect(rehearsed.total).toMatchObject({ tags: real.total.tags, bytes: real.total.bytes })
    expect(real.total.bytes.uploaded).toBeGreaterThan(0)
  })
})

describe('verification', () => {
  test('finds a tag that is missing, one that moved, a blob that is gone and a signature that was added', async () => {
    const [a, b] = [await server(), await server()]
    const made = await fill(a.client, { one: ['1.0.0', '1.1.0', '1.2.0', '1.3.0'] })
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    await run(rules)
    expect(await run(rules, { verify: true })).toMatchObject({
      exit: 0,
      total: { tags: { unchanged: 4, failed: 0 } },
    })
    const source = a.client.repository('one')
    await source.tag(await artifact(source, 'moved'), [tag('1.0.0')])
    b.fake.repository('one')?.tags.delete('1.1.0')
    const [layer] = children(made('one:1.2.0').manifest).slice(1)
    b.fake.repository('one')?.blobs.delete(layer?.digest ?? '')
    const fourth = made('one:1.3.0')
    const signature = await artifact(source, 'late', { subject: fourth.descriptor })
    b.fake.clearLog()
    const result = await run(rules, { verify: true })
    expect(result.exit).toBe(1)
    expect(b.fake.log(/^(POST|PUT|PATCH|DELETE)/)).toEqual([])
    const told = new Map(result.repositories[0]?.failures.map((one) => [one.tag as string, one]))
    expect([...told.values()].every((one) => one.code === 'MIRROR_DIFFERS')).toBe(true)
    expect(told.get('1.0.0')?.message).toContain('at the source it is')
    expect(told.get('1.1.0')?.message).toContain('is missing')
    expect(told.get('1.2.0')?.message).toContain('is missing')
    expect(told.get('1.3.0')?.message).toContain(signature.descriptor.digest)
  })
})

describe('parts of a mirror', () => {
  test('bring together what one run would bring, each repository once', async () => {
    const [a, b] = [await server(), await server()]
    const names = Array.from({ length: 20 }, (_, at) => `r${at}`)
    await fill(a.client, Object.fromEntries(names.map((name) => [name, ['1.0.0']])))
    const rules = rulesOf({ from: oci(a.fake), to: [oci(b.fake)] })
    const parts = [1, 2, 3].map((index) => run(rules, { shard: { index, of: 3 } }))
    const brought = (await Promise.all(parts)).map((one) => one.repositories.map(({ source }) => source))
    expect(brought.every((one) => one.length > 0)).toBe(true)
    expect(brought.flat().sort()).toEqual(names.map((name) => `${oci(a.fake)}/${name}`).sort())
    expect(() => parseShard('4/3')).toThrow('not one part of several')
    expect(parseShard('2/3')).toEqual({ index: 2, of: 3 })
  })
})

test('a target that fails at its end is a failure, and another one is still finished', async () => {
  const a = await server()
  await fill(a.client, { one: ['1.0.0'] })
  const finished: string[] = []
  const made = new Map<string, Registry>()
  const open = async (place: Place) => {
    if (place.scheme === 'oci') return a.client
    const known = made.get(place.path)
    if (known !== undefined) return known
    const finish = async () => {
      if (place.path.includes('bad'))
        throw new SlipwayError('DISK_FULL', 'no space left', { hint: 'Make room.' })
      finished.push(place.path)
    }
    const registry = Object.assign(memoryRegistry(place.path), { finish })
    made.set(place.path, registry)
    return registry
  }
  const rules = rulesOf({ from: oci(a.fake), to: ['archive:bad.tar', 'archive:good.tar'] })
  const result = await mirror(
    { rules, verify: false, concurrency: 4, layouts: defaultLayouts },
    {
      open,
      clock: systemClock,
      report: { emit() {}, secret() {} },
      signal: new AbortController().signal,
      environment: {},
      transport: () => Promise.reject(new Error('nobody asks for it')),
      scratch: () => Promise.reject(new Error('nobody asks for it')),
    },
  )
  expect(finished).toEqual(['/nowhere/good.tar'])
  expect(result.exit).toBe(1)
  const failed = result.repositories.filter((one) => one.failures.length > 0)
  expect(failed).toMatchObject([
    { target: 'archive:/nowhere/bad.tar', failures: [{ code: 'DISK_FULL', side: 'destination' }] },
  ])
})

import { describe, expect, test } from 'vitest'
import { SlipwayError } from '../../src/core/error.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { type ProviderOptions, providerOf } from '../../src/sources/provider.ts'
import { registrySource } from '../../src/sources/registry-source.ts'
import type { PackageSource } from '../../src/sources/source.ts'
import { parseTarget } from '../../src/store/address.ts'
import { core, extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { atLeast, setOf } from '../../src/version/version-set.ts'
import { rejection, start } from '../registry/client.ts'
import { memorySource } from './memory-source.ts'
import { published, taskserv } from './published.ts'

const redis = extensionId('redis')
const v = parseVersion

const provider = (sources: readonly PackageSource[], options: Partial<ProviderOptions> = {}) =>
  providerOf({ sourcesOf: () => sources, core: [], locked: new Map(), ...options })

/** Until nothing more happens by itself. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

describe('versions', () => {
  test('are those of all sources, and the first source that has one provides it', async () => {
    const near = memorySource({ 'redis 1.0.0': {} }, 'near')
    const far = memorySource({ 'redis 1.0.0': {}, 'redis 2.0.0': {} }, 'far')
    const all = provider([near, far])
    expect((await all.versions(redis)).map((one) => one.version)).toEqual(['1.0.0', '2.0.0'])
    await all.dependencies(redis, v('1.0.0'))
    await all.dependencies(redis, v('2.0.0'))
    expect(all.chosen(redis, v('1.0.0'))?.source).toBe('near:redis')
    expect(all.chosen(redis, v('2.0.0'))?.source).toBe('far:redis')
    expect(all.chosen(redis, v('3.0.0'))).toBeUndefined()
  })

  test('are not known where one source fails, and asked for again the next time', async () => {
    let failing = true
    const good = memorySource({ 'redis 1.0.0': {} })
    const bad: PackageSource = {
      ...memorySource({}),
      async versions() {
        if (failing) throw new SlipwayError('HOST_UNREACHABLE', 'gone')
        return []
      },
    }
    const both = provider([good, bad])
    expect(await rejection(both.versions(redis))).toMatchObject({ code: 'HOST_UNREACHABLE' })
    failing = false
    expect(await both.versions(redis)).toHaveLength(1)
  })

  test('of the core are given, and it requires nothing', async () => {
    const source = memorySource({})
    const one = provider([source], { core: [v('3.5.0')] })
    expect(await one.versions(core)).toEqual([v('3.5.0')])
    expect(await one.dependencies(core, v('3.5.0'))).toEqual({ requires: [] })
    expect(source.asked).toEqual([])
  })
})

describe('requirements on the core', () => {
  const asks = { id: core, set: atLeast(v('3.5.0')), text: '>=3.5.0' }
  const etcd = { id: extensionId('etcd'), set: setOf('^3'), text: '^3' }

  test('hold where its version is known', async () => {
    const one = provider([memorySource({ 'redis 1.0.0': { requires: [asks, etcd] } })], {
      core: [v('3.4.0')],
      onUnconstrainedCore: () => expect.fail('it is known'),
    })
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual({ requires: [asks, etcd] })
  })

  test('are left out and told where it is not', async () => {
    const told: string[] = []
    const one = provider([memorySource({ 'redis 1.0.0': { requires: [asks, etcd] } })], {
      onUnconstrainedCore: (id, text, { version }) => told.push(`${id} ${version} ${text}`),
    })
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual({ requires: [etcd] })
    expect(told).toEqual(['redis 1.0.0 >=3.5.0'])
  })
})

describe('a version is unavailable', () => {
  test.each([
    [['linux/amd64'], 'linux/arm64', 'is not available for linux/arm64 (only linux/amd64)'],
    [
      ['linux/arm/v7', 'linux/arm/v6'],
      'linux/arm',
      'is not available for linux/arm (only linux/arm/v7, linux/arm/v6)',
    ],
    [
      ['a/a', 'b/b', 'c/c', 'd/d', 'e/e', 'f/f', 'g/g'],
      'linux/amd64',
      'is not available for linux/amd64 (only a/a, b/b, c/c, d/d, e/e and 2 more)',
    ],
  ])('for %j on %s', async (platforms, platform, reason) => {
    const one = provider([memorySource({ 'redis 1.0.0': { platforms } })], { platform })
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual({ unavailable: { cause: 'platform', reason } })
  })

  test.each([
    [[], 'linux/arm64'],
    [['linux/amd64', 'linux/arm64'], 'linux/arm64'],
    [['linux/arm64/v8'], 'linux/arm64'],
    [['linux/arm64'], 'linux/arm64/v8'],
    [['linux/arm'], 'linux/arm/v7'],
    [['linux/amd64'], undefined],
  ])('not for %j on %s', async (platforms, platform) => {
    const one = provider(
      [memorySource({ 'redis 1.0.0': { platforms } })],
      platform === undefined ? {} : { platform },
    )
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual({ requires: [] })
  })

  test('that the highest release takes back, unless it is locked', async () => {
    const add = {
      'redis 1.0.0': {},
      'redis 1.1.0': { retracted: { '*': 'no more than an old opinion' } },
      'redis 1.2.0': { retracted: { '<1.1 || 1.2.0': 'loses data' } },
      'redis 2.0.0-rc.1': {},
    }
    const retracted = { unavailable: { cause: 'retracted', reason: 'was retracted: loses data' } }
    const one = provider([memorySource(add)])
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual(retracted)
    expect(await one.dependencies(redis, v('1.1.0'))).toEqual({ requires: [] })
    expect(await one.dependencies(redis, v('1.2.0'))).toEqual(retracted)
    const locked = memorySource(add)
    const kept = provider([locked], { locked: new Map([[redis, v('1.0.0')]]) })
    expect(await kept.dependencies(redis, v('1.0.0'))).toEqual({ requires: [] })
    expect(locked.asked).toEqual(['redis', 'redis 1.0.0'])
  })

  test('that are retracted stay so where the highest version is damaged, which is told', async () => {
    const told: string[] = []
    const broken = { unavailable: { cause: 'unreadable', reason: 'is broken' } } as const
    const source = memorySource({
      'redis 1.0.0': {},
      'redis 1.1.0': { retracted: { '1.0.0': 'loses data' } },
      'redis 1.2.0': broken,
      'redis 2.0.0-rc.1': {},
    })
    const one = provider([source], {
      onUnavailable: (id, version, why) => told.push(`${id} ${version.version} ${why.cause}`),
    })
    expect(await one.dependencies(redis, v('1.0.0'))).toMatchObject({ unavailable: { cause: 'retracted' } })
    expect(told).toEqual(['redis 1.2.0 unreadable', 'redis 1.0.0 retracted'])
  })

  test('that cannot be read or is gone, which is told with all others', async () => {
    const told: string[] = []
    const unavailable = { cause: 'unreadable', reason: 'has a broken manifest' } as const
    const one = provider([memorySource({ 'redis 1.0.0': { unavailable }, 'redis 0.9.0': undefined })], {
      onUnavailable: (id, { version }, why) => told.push(`${id} ${version} ${why.reason}`),
    })
    expect(await one.dependencies(redis, v('1.0.0'))).toEqual({ unavailable })
    expect(await one.dependencies(redis, v('0.9.0'))).toMatchObject({ unavailable: { cause: 'unreadable' } })
    expect(told).toEqual(['redis 1.0.0 has a broken manifest', 'redis 0.9.0 is listed, but is not there'])
    expect(one.chosen(redis, v('1.0.0'))).toBeUndefined()
  })

  test('never by another version of a KCL package, which would be one more to fetch', async () => {
    const source = memorySource({ 'kcl:net 1.0.0': {}, 'kcl:net 2.0.0': { retracted: { '*': 'no' } } })
    const one = provider([source])
    expect(await one.dependencies(kclId('net'), v('1.0.0'))).toEqual({ requires: [] })
    expect(source.asked).toEqual(['kcl:net', 'kcl:net 1.0.0'])
  })
})

describe('reading ahead', () => {
  test('is done a few at a time, and what is asked for meanwhile does not wait', async () => {
    let running = 0
    let most = 0
    const release: (() => void)[] = []
    const source: PackageSource = {
      ...memorySource(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`redis 1.${n}.0`, {}]))),
      async candidate() {
        running++
        most = Math.max(most, running)
        await new Promise<void>((resolve) => release.push(resolve))
        running--
        return undefined
      },
    }
    const one = provider([source], { concurrency: 2, locked: new Map([[redis, v('1.7.0')]]) })
    one.prefetch?.(redis, await one.versions(redis))
    await settled()
    expect(running).toBe(2)
    const asked = one.dependencies(redis, v('1.7.0'))
    await settled()
    expect(running).toBe(3)
    release.pop()?.()
    expect(await asked).toHaveProperty('unavailable')
    for (let rounds = 0; rounds < 9; rounds++) {
      for (const done of release.splice(0)) done()
      await settled()
    }
    expect({ running, most, asked: one.counts().candidates }).toEqual({ running: 0, most: 3, asked: 9 })
  })

  test('hides its failures until the same is asked for', async () => {
    const source = memorySource({
      'redis 1.0.0': async () => {
        throw new SlipwayError('HOST_UNREACHABLE', 'gone')
      },
    })
    const one = provider([source])
    one.prefetch?.(redis, [v('1.0.0')])
    await settled()
    expect(source.asked).toEqual(['redis', 'redis 1.0.0'])
    expect(await rejection(one.dependencies(redis, v('1.0.0')))).toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  test('ends when the provider is disposed of', async () => {
    let signal: AbortSignal | undefined
    const source: PackageSource = {
      ...memorySource({ 'redis 1.0.0': {}, 'redis 2.0.0': {} }),
      candidate: (_id, _version, call) =>
        new Promise((_resolve, reject) => {
          signal = call?.signal
          signal?.addEventListener('abort', () => reject(signal?.reason))
        }),
    }
    const one = provider([source], { concurrency: 1 })
    one.prefetch?.(redis, [v('1.0.0'), v('2.0.0')])
    await settled()
    await one[Symbol.asyncDispose]()
    expect(signal?.aborted).toBe(true)
    expect(one.counts().candidates).toBe(1)
  })
})

test('a name that is nearly one that exists is told', async () => {
  const one = provider([memorySource({ 'redis 1.0.0': {} }), memorySource({ 'etcd 1.0.0': {} })])
  expect(await one.nearest(extensionId('reddis'))).toEqual(['redis'])
  expect(await one.nearest(extensionId('kubernetes'))).toEqual([])
})

test('a version that is visited costs one request, and its highest sibling one more at most', async () => {
  const { fake, registry } = await start()
  for (const version of ['1.0.0', '1.1.0', '1.2.0'])
    await published(registry, { manifest: taskserv('redis', version) })
  fake.clearLog()
  const source = registrySource({
    target: parseTarget(`oci://${registry.name}/extensions`),
    layouts: defaultLayouts,
    open: async () => registry,
  })
  const one = provider([source])
  one.prefetch?.(redis, [v('1.1.0'), v('1.0.0')])
  for (const version of ['1.1.0', '1.0.0']) await one.dependencies(redis, v(version))
  expect(fake.log().toSorted()).toEqual([
    'GET /v2/extensions/redis/manifests/1.0.0',
    'GET /v2/extensions/redis/manifests/1.1.0',
    'GET /v2/extensions/redis/manifests/1.2.0',
    expect.stringContaining('GET /v2/extensions/redis/tags/list'),
  ])
  expect(one.counts()).toEqual({ lists: 1, candidates: 3, requests: 4, hits: 0 })
})

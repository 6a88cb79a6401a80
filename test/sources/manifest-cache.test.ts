import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Event, Report } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { manifestCache } from '../../src/sources/manifest-cache.ts'
import { type RegistrySourceOptions, registrySource } from '../../src/sources/registry-source.ts'
import { parseTarget } from '../../src/store/address.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import type { Registry } from '../../src/store/store.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { rejection, start } from '../registry/client.ts'
import { temporary } from './folder.ts'
import { published, publishedKcl, taskserv } from './published.ts'

const redis = extensionId('redis')
const one = parseVersion('1.0.0')

function collecting(): Report & { readonly events: Event[] } {
  const events: Event[] = []
  return { events, emit: (event) => void events.push(event), secret() {} }
}

/** A source as a new run has it: only the folder is the same. */
function run(
  registry: Registry,
  folder: string,
  {
    target = parseTarget(`oci://${registry.name}/extensions`),
    ...options
  }: Partial<RegistrySourceOptions> = {},
) {
  const report = collecting()
  const source = registrySource({
    target,
    layouts: defaultLayouts,
    open: async () => registry,
    cache: manifestCache(folder, report),
    ...options,
  })
  return { source, events: report.events }
}

const neverOpen = { offline: true, open: () => Promise.reject(new Error('it must not be opened')) }

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('what an earlier run read', () => {
  test('costs one small request a version, which tells that its tag has not moved', async () => {
    const folder = temporary()
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    const first = await run(registry, folder).source.candidate(redis, one)
    fake.clearLog()
    const { source } = run(registry, folder)
    expect(await source.candidate(redis, one)).toEqual(first)
    expect(fake.log()).toEqual(['HEAD /v2/extensions/redis/manifests/1.0.0'])
    expect(source.counts?.()).toEqual({ requests: 1, hits: 1 })
  })

  test('is read anew where the tag has moved, and forgotten where it is gone', async () => {
    const folder = temporary()
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    await run(registry, folder).source.candidate(redis, one)
    await published(registry, { manifest: taskserv('redis', '1.0.0', { etcd: '^3' }) })
    fake.clearLog()
    expect(await run(registry, folder).source.candidate(redis, one)).toMatchObject({
      requires: [{ id: 'etcd' }],
    })
    expect(fake.log()).toHaveLength(2)
    fake.repository('extensions/redis')?.tags.delete('1.0.0')
    expect(await run(registry, folder).source.candidate(redis, one)).toBeUndefined()
  })

  test('answers without any request when offline, and what nobody read says so', async () => {
    const folder = temporary()
    const { registry } = await start()
    for (const version of ['1.0.0', '2.0.0'])
      await published(registry, { manifest: taskserv('redis', version) })
    const online = run(registry, folder).source
    await online.versions(redis)
    await online.versions(extensionId('absent'))
    const candidate = await online.candidate(redis, one)
    const { source, events } = run(registry, folder, neverOpen)
    expect((await source.versions(redis)).map((each) => each.version)).toEqual(['1.0.0', '2.0.0'])
    expect(await source.versions(extensionId('absent'))).toEqual([])
    expect(await source.candidate(redis, one)).toEqual(candidate)
    expect(await source.candidate(redis, parseVersion('2.0.0'))).toMatchObject({
      unavailable: { cause: 'offline' },
    })
    expect(await rejection(source.versions(extensionId('etcd')))).toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining(`oci://${registry.name}/extensions/etcd`),
    })
    expect(await source.names?.()).toBeUndefined()
    expect(source.counts?.()).toEqual({ requests: 0, hits: 3 })
    expect(events).toEqual([])
  })

  test('includes a config and a KCL archive that had to be read', async () => {
    const folder = temporary()
    const { registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0'), told: 'config' })
    const mod = '[package]\nname = "net"\nversion = "1.0.0"\n[dependencies]\nk8s = "1.31.2"\n'
    await publishedKcl(registry, 'extensions/provisioning-kcl/net', mod)
    const online = run(registry, folder).source
    const found = [await online.candidate(redis, one), await online.candidate(kclId('net'), one)]
    const { source } = run(registry, folder, neverOpen)
    expect([await source.candidate(redis, one), await source.candidate(kclId('net'), one)]).toEqual(found)
    expect(found[1]).toMatchObject({ requires: [{ text: '>=1.31.2' }] })
  })

  test('is read again, and that is said, where a file was damaged', async () => {
    const folder = temporary()
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    const first = run(registry, folder).source
    const candidate = await first.candidate(redis, one)
    await first.versions(redis)
    expect(filesOf(folder)).toHaveLength(3)
    for (const file of filesOf(folder)) {
      const before = readFileSync(file)
      writeFileSync(file, `${before.subarray(0, before.length / 2)}`)
      fake.clearLog()
      const { source, events } = run(registry, folder)
      expect(await source.candidate(redis, one)).toEqual(candidate)
      expect(await source.versions(redis)).toHaveLength(1)
      const offline = run(registry, folder, neverOpen)
      expect(await offline.source.candidate(redis, one)).toEqual(candidate)
      expect([...events, ...offline.events].map((event) => 'code' in event && event.code)).toEqual(
        file.includes('lists') ? [] : ['CACHE_CORRUPT'],
      )
      expect(readFileSync(file)).toEqual(before)
    }
  })

  test('of a list that was damaged is not taken for an empty one when offline', async () => {
    const folder = temporary()
    const { registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    await run(registry, folder).source.versions(redis)
    for (const content of ['', 'null', '[]', '{"tags":["1.0.0", 7]}', '{"tags":["../x"]}']) {
      writeFileSync(filesOf(folder)[0] ?? join(folder, 'lists', 'gone'), content)
      const { source, events } = run(registry, folder, neverOpen)
      expect(await rejection(source.versions(redis))).toMatchObject({ code: 'OFFLINE' })
      expect(events).toMatchObject([{ type: 'warning', code: 'CACHE_CORRUPT' }])
      await run(registry, folder).source.versions(redis)
    }
  })

  test('is not kept of a layout, which is there itself when offline', async () => {
    const [folder, dir] = [temporary(), temporary()]
    const registry = layoutRegistry(dir)
    await published(registry, { repository: 'redis', manifest: taskserv('redis', '1.0.0') })
    const { source } = run(registry, folder, {
      target: parseTarget(`layout:${dir}`),
      offline: true,
    })
    expect(await source.versions(redis)).toHaveLength(1)
    expect(await source.candidate(redis, one)).toMatchObject({ source: `layout:${dir}#redis` })
    expect(filesOf(folder)).toEqual([])
  })
})

describe('the cache', () => {
  test('that cannot be written is done without, which is said once', async () => {
    const folder = join(temporary(), 'file')
    writeFileSync(folder, '')
    const { registry } = await start()
    for (const version of ['1.0.0', '2.0.0'])
      await published(registry, { manifest: taskserv('redis', version) })
    const { source, events } = run(registry, folder)
    expect(await source.versions(redis)).toHaveLength(2)
    for (const version of ['1.0.0', '2.0.0'])
      expect(await source.candidate(redis, parseVersion(version))).toHaveProperty('kind')
    expect(events).toMatchObject([{ type: 'warning', code: 'CACHE_UNUSABLE' }])
  })

  test('may be written by several at once', async () => {
    const folder = temporary()
    const bytes = new TextEncoder().encode('x'.repeat(100_000))
    const digest = digestOf(bytes)
    const report = collecting()
    const caches = Array.from({ length: 8 }, () => manifestCache(folder, report))
    await Promise.all(
      caches.map(async (cache) => {
        await cache.keep(digest, bytes)
        await cache.keepDigest('r', parseTag('1.0.0'), digest)
        await cache.keepTags('r', [parseTag('1.0.0')])
      }),
    )
    const fresh = manifestCache(folder, report)
    expect(await fresh.content(digest)).toEqual(Buffer.from(bytes))
    expect(await fresh.digest('r', parseTag('1.0.0'))).toBe(digest)
    expect(await fresh.tags('r')).toEqual(['1.0.0'])
    expect(filesOf(folder)).toHaveLength(3)
    expect(report.events).toEqual([])
  })

  test('keeps the hundred documents that were used last in memory', async () => {
    const folder = temporary()
    const cache = manifestCache(folder, collecting())
    const digests = []
    for (let n = 0; n < 101; n++) {
      const bytes = new TextEncoder().encode(`document ${n}`)
      digests.push(digestOf(bytes))
      await cache.keep(digestOf(bytes), bytes)
      // The first stays the most recently used but one.
      await cache.content(digests[0] ?? digestOf(''))
    }
    for (const file of filesOf(folder)) writeFileSync(file, 'damaged')
    const there = await Promise.all(
      digests.map(async (digest) => (await cache.content(digest)) !== undefined),
    )
    expect(there.map((yes, n) => (yes ? -1 : n)).filter((n) => n >= 0)).toEqual([1])
  })

  test('tells tags apart that differ in case only', async () => {
    const cache = manifestCache(temporary(), collecting())
    await cache.keepDigest('r', parseTag('1.0.0-RC'), digestOf('upper'))
    expect(await cache.digest('r', parseTag('1.0.0-rc'))).toBeUndefined()
  })
})

import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { defaultLayouts, layoutsWith } from '../../src/extension/kinds.ts'
import { annotation } from '../../src/oci/annotations.ts'
import { packageLayer } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { type RegistrySourceOptions, registrySource } from '../../src/sources/registry-source.ts'
import type { Candidate, Withheld } from '../../src/sources/source.ts'
import { parseTarget } from '../../src/store/address.ts'
import { archiveRegistry } from '../../src/store/archive.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { core, extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { atLeast, includes, setOf } from '../../src/version/version-set.ts'
import { rejection, start } from '../registry/client.ts'
import { temporary } from './folder.ts'
import { type Published, published, publishedKcl, taskserv } from './published.ts'

const redis = extensionId('redis')
const one = parseVersion('1.0.0')

const sourceOf = (
  registry: Registry,
  {
    target = parseTarget(`oci://${registry.name}/extensions`),
    ...options
  }: Partial<RegistrySourceOptions> = {},
) =>
  registrySource({
    target,
    layouts: defaultLayouts,
    open: async () => registry,
    ...options,
  })

const texts = (versions: readonly { readonly version: string }[]) => versions.map((each) => each.version)

function candidateOf(found: Candidate | Withheld | undefined): Candidate {
  if (found === undefined || 'unavailable' in found) throw new Error(JSON.stringify(found))
  return found
}

describe('versions in a registry', () => {
  test('are the full ones among its tags, whatever else stands there, over all pages', async () => {
    const { fake, registry } = await start({ quirks: { tagPage: 2 } })
    for (const tag of ['1.0.0', '1.2.0-rc.1', 'v1.1.0', '1', '1.2', 'latest', '1.10.0'])
      await published(registry, { manifest: taskserv('redis', '1.0.0'), tag })
    fake.clearLog()
    expect(texts(await sourceOf(registry).versions(redis))).toEqual(['1.0.0', '1.2.0-rc.1', '1.10.0'])
    expect(fake.log()).toHaveLength(4)
  })

  test('are listed once, by however many at the same time', async () => {
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    fake.clearLog()
    const source = sourceOf(registry)
    await Promise.all([source.versions(redis), source.versions(redis)])
    await source.versions(redis)
    expect(fake.log(/tags/)).toHaveLength(1)
    expect(source.counts?.()).toEqual({ requests: 1, hits: 0 })
  })

  test('of the core have a v in their tag, and those of KCL packages a repository apart', async () => {
    const registry = memoryRegistry('r')
    await published(registry, {
      repository: 'extensions/provisioning-core',
      manifest: { name: 'provisioning-core', type: 'core', version: '3.5.0' },
      tag: 'v3.5.0',
    })
    await published(registry, {
      repository: 'extensions/provisioning-kcl/redis',
      manifest: { name: 'redis', version: '2.0.0' },
    })
    const source = sourceOf(registry)
    expect(texts(await source.versions(core))).toEqual(['3.5.0'])
    expect(texts(await source.versions(kclId('redis')))).toEqual(['2.0.0'])
    expect(await source.versions(redis)).toEqual([])
    expect(candidateOf(await source.candidate(core, parseVersion('3.5.0')))).toMatchObject({ kind: 'core' })
  })

  test('of one name are those of every kind, where each kind has its own repositories', async () => {
    const registry = memoryRegistry('r')
    const layouts = layoutsWith({ cluster: { prefix: 'clusters', registryTag: 'c{version}' } })
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    await published(registry, {
      repository: 'extensions/clusters/redis',
      manifest: { ...taskserv('redis', '2.0.0'), type: 'cluster' },
      tag: 'c2.0.0',
    })
    const source = sourceOf(registry, { layouts })
    expect(texts(await source.versions(redis))).toEqual(['1.0.0', '2.0.0'])
    const two = candidateOf(await source.candidate(redis, parseVersion('2.0.0')))
    expect(two).toMatchObject({ kind: 'cluster', source: 'oci://r/extensions/clusters/redis' })
    expect(candidateOf(await source.candidate(redis, one)).kind).toBe('taskserv')
    expect(await source.candidate(redis, parseVersion('3.0.0'))).toBeUndefined()
  })

  test('are none where the repository does not exist, and none of a name that none can have', async () => {
    const { fake, registry } = await start()
    const source = sourceOf(registry)
    expect(await source.versions(redis)).toEqual([])
    expect(await source.versions(extensionId('../redis'))).toEqual([])
    expect(fake.log()).toHaveLength(1)
  })

  test('are none in a layout or an archive that is not there yet', async () => {
    const folder = temporary()
    for (const [address, registry] of [
      [`layout:${folder}/none`, layoutRegistry(`${folder}/none`)],
      [`archive:${folder}/none.tar`, archiveRegistry(`${folder}/none.tar`)],
    ] as const) {
      const source = sourceOf(registry, { target: parseTarget(address) })
      expect(await source.versions(redis)).toEqual([])
      expect(await source.candidate(redis, one)).toBeUndefined()
      expect(await source.names?.()).toEqual([])
    }
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    [{ status: 500 }, 'REGISTRY_ERROR'],
    [{ status: 403 }, 'DENIED'],
    [{ status: 404, body: '<html>' }, 'REGISTRY_ERROR'],
    [{ resetAfter: 0 }, 'HOST_UNREACHABLE'],
  ])('are an error with %o, which names the repository and the side', async (fault, code) => {
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    fake.fail({ path: /tags/, times: 9, ...fault })
    const error = await rejection(sourceOf(registry).versions(redis))
    expect(error).toMatchObject({
      code,
      side: 'source',
      message: expect.stringContaining(`${fake.host}/extensions/redis`),
    })
  })

  test.each([401, 403])(
    'that a registry answers with %i may be of no repository at all, which the hint says',
    async (status) => {
      const { fake, registry } = await start()
      fake.fail({ path: /tags/, times: 9, status })
      const error = await rejection(sourceOf(registry).versions(redis))
      expect(error).toMatchObject({
        side: 'source',
        message: expect.stringContaining('extensions/redis'),
        hint: expect.stringMatching(/^Check the name first: .* do not exist, too\. Otherwise: [A-Z]/),
      })
    },
  )

  test('are guessed at among ten thousand names, also in a registry that never ends its list', async () => {
    let asked = 0
    const endless: Registry = Object.assign(memoryRegistry('endless'), {
      async *repositories() {
        for (;;) yield `somebody/else${asked++}`
      },
    })
    const source = sourceOf(endless, { target: parseTarget('oci://ghcr.io/extensions') })
    expect(await source.names?.()).toEqual([])
    expect(asked).toBeLessThanOrEqual(10_000)
  })

  test('are an error when the registry dies between two pages, and can be asked for again', async () => {
    const { fake, registry } = await start({ quirks: { tagPage: 1 } })
    for (const version of ['1.0.0', '1.1.0'])
      await published(registry, { manifest: taskserv('redis', version) })
    fake.fail({ path: /tags\/list\?/, times: 4, resetAfter: 0 })
    const source = sourceOf(registry)
    expect(await rejection(source.versions(redis))).toMatchObject({ side: 'source' })
    expect(texts(await source.versions(redis))).toEqual(['1.0.0', '1.1.0'])
  })
})

describe('a version in a registry', () => {
  test('costs one request, however often it is asked for', async () => {
    const { fake, registry } = await start()
    const manifest = taskserv(
      'redis',
      '1.0.0',
      { containerd: '>=1.7 <2' },
      {
        platforms: ['linux/amd64'],
        min_provisioning_version: '3.5.0',
        retracted: { '<0.9': 'lost data' },
      },
    )
    const encoded = await published(registry, {
      manifest,
      annotations: {
        [annotation.kcl]:
          '{"name":"r","version":"1.0.0","dependencies":{"k8s":">=1.31.2","x":"*"},"sources":{"x":"oci://h.example/x"}}',
      },
    })
    fake.clearLog()
    const source = sourceOf(registry)
    const [found, same] = await Promise.all([source.candidate(redis, one), source.candidate(redis, one)])
    await source.candidate(redis, one)
    expect(same).toBe(found)
    expect(fake.log()).toEqual(['GET /v2/extensions/redis/manifests/1.0.0'])
    expect(found).toEqual({
      id: 'redis',
      kind: 'taskserv',
      version: one,
      source: `oci://${fake.host}/extensions/redis`,
      manifest: encoded.descriptor.digest,
      layer: packageLayer(encoded.manifest),
      requires: [
        { id: 'containerd', set: setOf('>=1.7 <2'), text: '>=1.7 <2' },
        { id: 'core', set: atLeast(parseVersion('3.5.0')), text: '>=3.5.0' },
        { id: 'kcl:k8s', set: atLeast(parseVersion('1.31.2')), text: '>=1.31.2' },
        { id: 'kcl:x', set: setOf('*'), text: '*', at: 'oci://h.example/x' },
      ],
      platforms: ['linux/amd64'],
      retracted: { '<0.9': 'lost data' },
    })
  })

  test('costs two where only the config has the manifest', async () => {
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0', { etcd: '^3' }), told: 'config' })
    fake.clearLog()
    expect(candidateOf(await sourceOf(registry).candidate(redis, one)).requires).toMatchObject([
      { id: 'etcd', text: '^3' },
    ])
    expect(fake.log()).toHaveLength(2)
  })

  test('of a KCL package, as kpm writes it, is read from its archive', async () => {
    const { fake, registry } = await start()
    const mod = `[package]\nname = "net"\nversion = "1.0.0"\n[dependencies]\nk8s = "1.31.2"\n
      exact = { oci = "oci://r/exact", tag = "1.0.0" }\n`
    await publishedKcl(registry, 'extensions/provisioning-kcl/net', mod)
    fake.clearLog()
    const found = candidateOf(await sourceOf(registry).candidate(kclId('net'), one))
    expect(found).toMatchObject({ kind: 'kcl', platforms: [], retracted: {} })
    expect(found.requires.map(({ id, text }) => `${id} ${text}`)).toEqual([
      'kcl:exact =1.0.0',
      'kcl:k8s >=1.31.2',
    ])
    expect(found.requires.map(({ at }) => at)).toEqual(['oci://r/exact', undefined])
    expect(includes(found.requires[1]?.set ?? setOf('0.0.1'), parseVersion('1.40.0-rc.1'))).toBe(true)
    expect(fake.log()).toHaveLength(2)
  })

  test.each([
    ['name = "other"\nversion = "1.0.0"', 'has the manifest of other'],
    ['name = "net"\nversion = "1.0.1"', 'has the manifest of version 1.0.1'],
  ])('of a KCL package is withheld where its kcl.mod has %j', async (lines, reason) => {
    const registry = memoryRegistry('r')
    await publishedKcl(registry, 'extensions/provisioning-kcl/net', `[package]\n${lines}\n`)
    expect(await sourceOf(registry).candidate(kclId('net'), one)).toEqual({
      unavailable: { cause: 'unreadable', reason },
    })
  })

  test('of a KCL package is withheld where its archive is none, or too large to be looked into', async () => {
    const registry = memoryRegistry('r')
    const net = { repository: 'extensions/provisioning-kcl/net', told: 'nowhere' } as const
    const manifest = { name: 'net', version: '1.0.0' }
    await published(registry, { ...net, manifest, layer: new TextEncoder().encode('no archive') })
    const found = await sourceOf(registry).candidate(kclId('net'), one)
    expect(found).toMatchObject({ unavailable: { cause: 'unreadable' } })
    const { fake, registry: real } = await start()
    await published(real, { ...net, manifest, layer: new Uint8Array(32 * 1024 * 1024 + 1) })
    fake.clearLog()
    expect(await sourceOf(real).candidate(kclId('net'), one)).toMatchObject({
      unavailable: { reason: expect.stringContaining('is not fetched for its kcl.mod') },
    })
    expect(fake.log()).toHaveLength(1)
  })

  test('is undefined where its tag is not there', async () => {
    const { registry } = await start()
    await published(registry, { manifest: taskserv('redis', '2.0.0') })
    expect(await sourceOf(registry).candidate(redis, one)).toBeUndefined()
  })

  test('is an error when the registry is down, which is forgotten', async () => {
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    fake.fail({ path: /manifests/, times: 4, status: 503 })
    const source = sourceOf(registry)
    const error = await rejection(source.candidate(redis, one))
    expect(error).toMatchObject({ side: 'source', message: expect.stringContaining('/extensions/redis') })
    expect(candidateOf(await source.candidate(redis, one)).version).toBe(one)
  })
})

describe('a manifest that is not to be trusted withholds its version', () => {
  const ranges = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`0.${index}.x`, 'x']))
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`a${index}`, '1']))
  test.each<[string, Omit<Published, 'manifest'> & { manifest?: object }, string]>([
    ['of another package', { manifest: taskserv('etcd', '1.0.0') }, 'has the manifest of etcd'],
    ['of another version', { manifest: taskserv('redis', '1.0.1') }, 'has the manifest of version 1.0.1'],
    ['of another kind', { manifest: { ...taskserv('redis', '1.0.0'), type: 'core' } }, 'of type core'],
    [
      'with a broken range',
      { manifest: taskserv('redis', '1.0.0', { etcd: 'newest' }) },
      'has a broken manifest at dependencies.etcd',
    ],
    [
      'with a name that is no name',
      { manifest: taskserv('redis', '1.0.0', { 'Et\u001b[31mcd': '1' }) },
      'has a broken manifest at dependencies.Et [31mcd',
    ],
    ['with a key of the prototype', { annotations: { [annotation.manifest]: '{"__proto__":1}' } }, 'broken'],
    ['that is no JSON', { annotations: { [annotation.manifest]: '{' } }, 'has a broken manifest'],
    [
      'that is larger than any',
      { annotations: { [annotation.manifest]: `"${'x'.repeat(1024 * 1024)}"` } },
      'has a broken manifest',
    ],
    [
      'with more dependencies than any',
      { manifest: taskserv('redis', '1.0.0', many) },
      'broken manifest at dependencies',
    ],
    [
      'with more KCL dependencies than any',
      { annotations: { [annotation.kcl]: JSON.stringify({ dependencies: many }) } },
      'has a broken description of its KCL package',
    ],
    [
      'that takes more versions back than any',
      { manifest: taskserv('redis', '1.0.0', {}, { retracted: ranges }) },
      'has a broken manifest at retracted',
    ],
    ['that is missing', { told: 'nowhere' }, 'has no manifest of Slipway'],
    ['with a broken KCL part', { annotations: { [annotation.kcl]: '[]' } }, 'of its KCL package'],
    [
      'whose KCL part names an address with a user',
      {
        annotations: {
          [annotation.kcl]: '{"dependencies":{"x":"*"},"sources":{"x":"oci://u:p@h.example/x"}}',
        },
      },
      'of its KCL package',
    ],
    [
      'without files',
      { change: (manifest) => ({ ...manifest, layers: [] }) },
      'is not a package of one archive layer',
    ],
    [
      'with a layer that is no archive',
      { change: (m) => ({ ...m, layers: m.layers.map((l) => ({ ...l, mediaType: mediaType.empty })) }) },
      'is not a package of one archive layer',
    ],
  ])('%s', async (_, one_, reason) => {
    const registry = memoryRegistry('r')
    const manifest = one_.manifest ?? taskserv('redis', '1.0.0')
    await published(registry, {
      ...one_,
      manifest: manifest as Published['manifest'],
      repository: 'extensions/redis',
      tag: '1.0.0',
    })
    const found = await sourceOf(registry).candidate(redis, one)
    expect(found).toEqual({
      unavailable: { cause: 'unreadable', reason: expect.stringContaining(reason) },
    })
    expect(JSON.stringify(found)).not.toMatch(/[^\x20-\x7e]/)
  })

  test('that was altered on the way', async () => {
    const { fake, registry } = await start()
    await published(registry, { manifest: taskserv('redis', '1.0.0') })
    fake.fail({ path: /manifests/, times: 9, corrupt: true })
    expect(await sourceOf(registry).candidate(redis, one)).toMatchObject({
      unavailable: { cause: 'unreadable', reason: expect.stringContaining('the manifest should be') },
    })
  })
})

describe('names', () => {
  test('are those that the layouts make, below the prefix', async () => {
    const registry = memoryRegistry('r')
    for (const repository of [
      'extensions/redis',
      'extensions/provisioning-kcl/net',
      'extensions/provisioning-core',
      'extensions/elsewhere/x',
      'other/etcd',
    ])
      await published(registry, { repository, manifest: taskserv('redis', '1.0.0') })
    expect((await sourceOf(registry).names?.())?.toSorted()).toEqual(['core', 'kcl:net', 'redis'])
  })

  test('are unknown where the registry lists none', async () => {
    const { fake, registry } = await start()
    fake.fail({ path: /_catalog/, times: 9, status: 404 })
    expect(await sourceOf(registry).names?.()).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { annotation } from '../../src/oci/annotations.ts'
import { encode, type ImageIndex } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { type CatalogueOptions, readCatalogue } from '../../src/sources/catalog.ts'
import { parseTarget } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { artifact } from '../publishing/artifacts.ts'
import { published, publishedKcl, taskserv } from './published.ts'

const read = (registry: Registry, more: Partial<CatalogueOptions> = {}) =>
  readCatalogue(registry, {
    target: parseTarget('oci://host.example/extensions'),
    layouts: defaultLayouts,
    concurrency: 4,
    ...more,
  })

describe('the catalogue of a registry', () => {
  it('describes a package by its highest stable version', async () => {
    const registry = memoryRegistry('host.example')
    const facts = {
      description: 'Container orchestration',
      tags: ['orchestration'],
      platforms: ['linux/amd64'],
    }
    await published(registry, { manifest: taskserv('kubernetes', '1.9.0', {}, { description: 'old' }) })
    const highest = await published(registry, {
      manifest: taskserv('kubernetes', '1.28.0', { containerd: '^1.7.0' }, facts),
    })
    await published(registry, { manifest: taskserv('kubernetes', '2.0.0-rc.1') })
    await registry.repository('extensions/kubernetes').tag(highest, [parseTag('latest')])
    const { packages, unread } = await read(registry)
    expect(unread).toEqual([])
    expect(packages).toEqual([
      {
        source: 'oci://host.example/extensions',
        repository: 'extensions/kubernetes',
        name: 'kubernetes',
        kind: 'taskserv',
        reference: 'oci://host.example/extensions/kubernetes:1.28.0',
        highest: '1.28.0',
        versions: ['2.0.0-rc.1', '1.28.0', '1.9.0'],
        digest: highest.descriptor.digest,
        description: 'Container orchestration',
        keywords: ['orchestration'],
        dependencies: { containerd: '^1.7.0' },
        platforms: ['linux/amd64'],
        problem: null,
      },
    ])
  })

  it('reads KCL packages and platform images as well, and nothing outside the prefix', async () => {
    const registry = memoryRegistry('host.example')
    const mod =
      '[package]\nname = "network"\nversion = "1.0.0"\ndescription = "Nets"\n\n[dependencies]\nbase = "1.2.0"\n'
    await publishedKcl(registry, 'extensions/provisioning-kcl/network', mod)
    await published(registry, {
      manifest: { name: 'told', version: '1.0.0' },
      repository: 'extensions/provisioning-kcl/told',
      told: 'nowhere',
      annotations: { [annotation.kcl]: '{"name":"told","dependencies":{"base":">=1.2.0"}}' },
    })
    const image = await artifact(registry.repository('extensions/provisioning-platform/orchestrator'), 'a')
    const index = encode<ImageIndex>({
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: [
        { ...image.descriptor, platform: { os: 'linux', architecture: 'arm64' } },
        { ...image.descriptor, platform: { os: 'unknown', architecture: 'unknown' } },
        { ...image.descriptor, platform: 'linux' as never },
        { ...image.descriptor, platform: { os: '\u001b[2J', architecture: 'x' } },
      ],
      annotations: { [annotation.description]: 'Runs it' },
    })
    await registry
      .repository('extensions/provisioning-platform/orchestrator')
      .tag(index, [parseTag('v3.5.0')])
    await published(registry, { manifest: taskserv('other', '1.0.0'), repository: 'elsewhere/other' })
    const { packages } = await read(registry)
    expect(packages).toMatchObject([
      { name: 'network', kind: 'kcl', highest: '1.0.0', dependencies: null, description: 'Nets' },
      { name: 'told', kind: 'kcl', dependencies: { base: '>=1.2.0' } },
      {
        name: 'orchestrator',
        kind: 'platform',
        highest: 'v3.5.0',
        description: 'Runs it',
        platforms: ['linux/arm64'],
      },
    ])
    expect(packages).toHaveLength(3)
  })

  it('keeps what breaks no rule of a manifest that breaks some, and believes no other package’s', async () => {
    const registry = memoryRegistry('host.example')
    const broken = {
      description: 'red \u001b[31m alert',
      platforms: 'everywhere',
      dependencies: { '../x': '*' },
      tags: ['fine'],
    }
    await published(registry, { manifest: taskserv('broken', '1.0.0', {}, broken) })
    await published(registry, {
      manifest: taskserv('kubernetes', '1.0.0', {}, { description: 'It is me' }),
      repository: 'extensions/imposter',
    })
    await published(registry, {
      manifest: taskserv('garbage', '1.0.0'),
      annotations: { [annotation.manifest]: '{"name":' },
    })
    const { packages } = await read(registry)
    const nothing = { description: null, keywords: [], dependencies: null, platforms: [] }
    expect(packages).toMatchObject([
      { ...nothing, name: 'broken', kind: 'taskserv', keywords: ['fine'], problem: null },
      { ...nothing, name: 'garbage', problem: 'its manifest cannot be read' },
      {
        ...nothing,
        dependencies: null,
        name: 'imposter',
        problem: 'its manifest is that of another package',
      },
    ])
  })

  it('tells of each repository that cannot be read, lists those without versions, and counts as it goes', async () => {
    const memory = memoryRegistry('host.example')
    await published(memory, { manifest: taskserv('kubernetes', '1.0.0') })
    await published(memory, { manifest: taskserv('empty', '1.0.0'), tag: 'edge' })
    const endless = {
      ...memory.repository('x'),
      name: 'endless',
      async *tags() {
        for (let at = 0; ; at++) yield parseTag(`t${at}`)
      },
    }
    const registry = {
      ...memory,
      repository: (path: string) =>
        path === 'extensions/endless' ? (endless as never) : memory.repository(path),
      async *repositories() {
        yield* memory.repositories()
        yield 'extensions/endless'
      },
    }
    const counts: string[] = []
    const { packages, unread } = await read(registry, {
      progress: (done, all) => counts.push(`${done}/${all}`),
    })
    expect(packages).toMatchObject([
      { name: 'empty', versions: [], highest: null, reference: null, digest: null },
      { name: 'kubernetes', versions: ['1.0.0'] },
    ])
    expect(unread).toMatchObject([{ repository: 'extensions/endless', code: 'CATALOG_TOO_LARGE' }])
    expect(counts.at(-1)).toBe('3/3')
  })

  it('ends where a registry lists repositories without end', async () => {
    const memory = memoryRegistry('host.example')
    const registry = {
      ...memory,
      async *repositories() {
        for (let at = 0; ; at++) yield `elsewhere/${at}`
      },
    }
    await expect(read(registry)).rejects.toMatchObject({ code: 'CATALOG_TOO_LARGE' })
  })
})

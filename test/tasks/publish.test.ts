import { beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { encode, type ImageIndex } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { parseAddress, parseTarget, showPlace } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import type { Context } from '../../src/tasks/context.ts'
import { type PublishOptions, publishPrebuilt } from '../../src/tasks/publish.ts'
import { artifact } from '../publishing/artifacts.ts'

let registries: Map<string, Registry>

beforeEach(() => {
  registries = new Map()
})

function open(text: string): Registry {
  const place = showPlace(text.startsWith('oci:') ? parseTarget(text) : parseAddress(text))
  const registry = registries.get(place) ?? memoryRegistry(place)
  registries.set(place, registry)
  return registry
}

const context: Context = {
  clock: systemClock,
  report: silent,
  signal: new AbortController().signal,
  environment: {},
  open: async (place) => open(showPlace(place)),
  transport: () => Promise.reject(new Error('nothing is downloaded here')),
  scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
}

function options(from: string, more: Partial<PublishOptions> = {}): PublishOptions {
  return {
    from: parseAddress(from),
    references: [],
    targets: [parseTarget('oci://host.example/prefix')],
    moving: ['latest'],
    allowOverwrite: false,
    concurrency: 4,
    layouts: defaultLayouts,
    ...more,
  }
}

async function staged(repository: string, ...versions: string[]): Promise<void> {
  const store = open('archive:/stage.tar').repository(repository)
  for (const version of versions)
    await store.tag(await artifact(store, `${repository} ${version}`), [parseTag(version)])
}

async function tagsOf(place: string, repository: string): Promise<string[]> {
  const tags: string[] = []
  for await (const tag of open(place).repository(repository).tags()) tags.push(tag)
  return tags.sort()
}

describe('publishing what is built already', () => {
  it('publishes every version of every repository under the target’s prefix', async () => {
    await staged('etcd', '3.5.0', '3.5.1')
    await staged('redis', '7.0.0')
    const result = await publishPrebuilt(options('archive:/stage.tar'), context)
    expect(result.exit).toBe(0)
    expect(await tagsOf('oci://host.example', 'prefix/etcd')).toEqual(['3.5.0', '3.5.1', 'latest'])
    expect(await tagsOf('oci://host.example', 'prefix/redis')).toEqual(['7.0.0', 'latest'])
  })

  it('publishes a multi-architecture index with all it holds, under v-tags', async () => {
    const store = open('layout:/build').repository('orchestrator')
    const manifests = [await artifact(store, 'amd64'), await artifact(store, 'arm64')]
    const index = encode<ImageIndex>({
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: manifests.map((one, at) => ({
        ...one.descriptor,
        platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
      })),
    })
    await store.put(index)
    await store.tag(index, [parseTag('v3.5.0')])
    const reference = 'oci://host.example/provisioning-platform/orchestrator:v3.5.0'
    await publishPrebuilt(
      options('layout:/build#orchestrator:v3.5.0', {
        targets: [],
        references: [parseAddress(reference)],
        moving: ['latest', 'major', 'minor'],
      }),
      context,
    )
    const path = 'provisioning-platform/orchestrator'
    expect(await tagsOf('oci://host.example', path)).toEqual(['latest', 'v3', 'v3.5', 'v3.5.0'])
    const there = open('oci://host.example').repository(path)
    expect((await there.resolve('latest' as Tag))?.digest).toBe(index.descriptor.digest)
    for (const one of manifests) expect(await there.exists(one.descriptor)).toBe(true)
  })

  it('refuses an archive with anything but what the git tags release, and publishes nothing', async () => {
    await staged('etcd', '3.5.0')
    await staged('kubernetes', '9.9.9')
    const only = ['taskservs/etcd/v3.5.0']
    await expect(publishPrebuilt(options('archive:/stage.tar', { only }), context)).rejects.toMatchObject({
      code: 'SOURCE_UNEXPECTED',
      exit: 3,
      message: expect.stringContaining('kubernetes:9.9.9'),
    })
    expect(await tagsOf('oci://host.example', 'prefix/etcd')).toEqual([])
    const both = [...only, 'taskservs/kubernetes/v9.9.9']
    expect((await publishPrebuilt(options('archive:/stage.tar', { only: both }), context)).exit).toBe(0)
  })

  it('takes nothing but a KCL package where an extension’s schema may be', async () => {
    await staged('etcd', '3.5.0')
    await staged('provisioning-kcl/etcd', '0.1.0')
    const only = ['taskservs/etcd/v3.5.0']
    await expect(publishPrebuilt(options('archive:/stage.tar', { only }), context)).rejects.toMatchObject({
      code: 'SOURCE_UNEXPECTED',
      message: expect.stringContaining('provisioning-kcl/etcd:0.1.0'),
    })
  })

  it('says which of the git tags the archive lacks', async () => {
    await staged('etcd', '3.5.0')
    const only = ['taskservs/etcd/v3.5.0', 'taskservs/redis/v7.0.0']
    await expect(publishPrebuilt(options('archive:/stage.tar', { only }), context)).rejects.toMatchObject({
      code: 'SOURCE_UNKNOWN',
      message: expect.stringContaining('redis:7.0.0'),
    })
  })

  it.each([
    ['archive:/empty.tar', {}, 'SOURCE_EMPTY'],
    ['archive:/stage.tar#etcd:1.0.0', {}, 'SOURCE_UNKNOWN'],
    ['archive:/stage.tar', { targets: [] }, 'TARGET_MISSING'],
    ['archive:/stage.tar', { references: [parseAddress('oci://host.example/x')] }, 'REFERENCE_NEEDS_TAG'],
  ])('refuses %s with %o', async (from, more, code) => {
    await staged('etcd', '3.5.0')
    await expect(publishPrebuilt(options(from, more), context)).rejects.toMatchObject({ code, exit: 2 })
  })

  it('refuses a tag that stands for another digest than the one beside it', async () => {
    await staged('etcd', '3.5.0', '3.5.1')
    const other = await open('archive:/stage.tar').repository('etcd').resolve(parseTag('3.5.1'))
    const from = `archive:/stage.tar#etcd:3.5.0@${other?.digest}`
    await expect(publishPrebuilt(options(from), context)).rejects.toMatchObject({ code: 'SOURCE_MISMATCH' })
  })

  it('tells a full address from many artifacts', async () => {
    await staged('etcd', '3.5.0', '3.5.1')
    const references = [parseAddress('oci://host.example/etcd:3.5.0')]
    await expect(
      publishPrebuilt(options('archive:/stage.tar', { references }), context),
    ).rejects.toMatchObject({
      code: 'REFERENCES_NEED_ONE_ARTIFACT',
    })
  })
})

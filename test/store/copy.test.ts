import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { SlipwayError } from '../../src/core/error.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { children } from '../../src/oci/manifest.ts'
import { isManifestType, mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { copy } from '../../src/store/copy.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { artifact, blobOf, emptyConfig, indexOf, large, manifestOf, pushBlob } from '../contract/artifacts.ts'
import { temporaryFolder } from './folder.ts'
import { counting, watched } from './recording.ts'

const open = (name = 'a') => memoryRegistry(name).repository('tools/one')
const latest = parseTag('latest')

/** An index of two platforms; a signature on the index and one on a platform; a signature on a signature. */
async function release(store: Store) {
  const amd64 = await artifact(store, 'for amd64')
  const arm64 = await artifact(store, 'for arm64')
  const index = indexOf([amd64, arm64])
  await store.put(index)
  const onIndex = await artifact(store, 'signature of the index', { subject: index.descriptor })
  const onPlatform = await artifact(store, 'signature of arm64', { subject: arm64.descriptor })
  const onSignature = await artifact(store, 'countersignature', { subject: onIndex.descriptor })
  return { amd64, arm64, index, referrers: [onIndex, onPlatform, onSignature] }
}

describe('the order of a copy', () => {
  test('children come before parents, referrers after their subjects and tags last', async () => {
    const from = open()
    const { index, arm64, referrers } = await release(from)
    const done: string[] = []
    const inner = open('b')
    const to = watched(inner, {
      async put(manifest) {
        for (const child of children(manifest.manifest)) expect(await inner.exists(child)).toBe(true)
        const subject = manifest.manifest.subject
        if (subject !== undefined) expect(done).toContain(subject.digest)
        done.push(manifest.descriptor.digest)
      },
      async tag() {
        done.push('tag')
      },
    })
    const result = await copy(from, index.descriptor, to, { referrers: true, tags: [latest] })
    expect(done.at(-1)).toBe('tag')
    expect(done.indexOf(index.descriptor.digest)).toBeGreaterThan(done.indexOf(arm64.descriptor.digest))
    expect(done).toHaveLength(7)
    expect(result.manifests).toEqual({ uploaded: 6, mounted: 0, present: 0 })
    expect(result.blobs).toEqual({ uploaded: 6, mounted: 0, present: 0 })
    const digests = referrers.map((one) => one.descriptor.digest).sort()
    expect(result.referrers.map((one) => one.digest).sort()).toEqual(digests)
    expect((await inner.resolve(latest))?.digest).toBe(index.descriptor.digest)
    const platform = await Array.fromAsync(inner.referrers(arm64.descriptor))
    expect(platform).toHaveLength(1)
  })

  test('no more than `concurrency` requests are in flight', async () => {
    const from = open()
    const manifests = await Promise.all(
      Array.from({ length: 12 }, (_, at) => artifact(from, `platform ${at}`)),
    )
    const index = indexOf(manifests)
    await from.put(index)
    let running = 0
    let most = 0
    const slowly = async () => {
      running += 1
      most = Math.max(most, running)
      await sleep(2)
      running -= 1
    }
    const to = watched(open('b'), { push: slowly, put: slowly, exists: slowly })
    await copy(from, index.descriptor, to, { concurrency: 3 })
    expect(most).toBe(3)
  })

  test('without `referrers` none is asked for', async () => {
    const from = open()
    const { index } = await release(from)
    const to = open('b')
    const result = await copy(from, index.descriptor, to)
    expect(result.referrers).toEqual([])
    expect(await Array.fromAsync(to.referrers(index.descriptor))).toEqual([])
  })
})

describe('a copy that was interrupted', () => {
  test('leaves no tag, and the next one moves only what is missing', async () => {
    const from = open()
    const { index } = await release(from)
    const inner = open('b')
    let puts = 0
    const dying = watched(inner, {
      async put() {
        puts += 1
        if (puts === 2) throw new Error('killed')
      },
    })
    const options = { referrers: true, tags: [latest] }
    await expect(copy(from, index.descriptor, dying, options)).rejects.toThrow('killed')
    expect(await inner.resolve(latest)).toBeUndefined()
    const source = counting(from)
    const result = await copy(source, index.descriptor, inner, options)
    expect((await inner.resolve(latest))?.digest).toBe(index.descriptor.digest)
    expect(result.manifests.present).toBe(1)
    expect(source.fetched).not.toContain(emptyConfig.descriptor.digest)
    expect(source.fetched).not.toContain(blobOf('for amd64').descriptor.digest)
  })

  test('stops at the signal and writes no tag', async () => {
    const from = open()
    const { index } = await release(from)
    const stop = new AbortController()
    const inner = open('b')
    const to = watched(inner, {
      async put() {
        stop.abort(new Error('stopped by the user'))
      },
    })
    const options = { tags: [latest], signal: stop.signal }
    await expect(copy(from, index.descriptor, to, options)).rejects.toThrow('stopped by the user')
    expect(await inner.resolve(latest)).toBeUndefined()
  })
})

describe('a copy of what is there', () => {
  test('reads no blob and looks at one manifest only', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    const to = open('b')
    await copy(from, root.descriptor, to)
    const source = counting(from)
    const asked: string[] = []
    const target = watched(to, {
      async exists(content) {
        asked.push(content.digest)
      },
    })
    const result = await copy(source, root.descriptor, target)
    expect([source.fetched, source.loaded]).toEqual([[], []])
    expect(asked).toEqual([root.descriptor.digest])
    expect(result.manifests).toEqual({ uploaded: 0, mounted: 0, present: 1 })
  })

  test('still brings referrers that came later', async () => {
    const from = open()
    const { index, arm64 } = await release(from)
    const to = open('b')
    await copy(from, index.descriptor, to, { referrers: true })
    const late = await artifact(from, 'a late report', { subject: arm64.descriptor })
    const result = await copy(from, index.descriptor, to, { referrers: true })
    expect(result.manifests).toEqual({ uploaded: 1, mounted: 0, present: 4 })
    const listed = (await Array.fromAsync(to.referrers(arm64.descriptor))).map((one) => one.digest)
    expect(listed).toContain(late.descriptor.digest)
  })

  test('repairs missing children when asked to look deep', async () => {
    await using folder = await temporaryFolder()
    const from = open()
    const root = await artifact(from, 'layer')
    const registry = layoutRegistry(folder.path)
    const to = registry.repository('tools/one')
    await copy(from, root.descriptor, to)
    const layer = blobOf('layer').descriptor
    const { rm } = await import('node:fs/promises')
    await rm(`${folder.path}/tools/one/blobs/${layer.digest.replace(':', '/')}`)
    await copy(from, root.descriptor, to)
    expect(await to.exists(layer)).toBe(false)
    const result = await copy(from, root.descriptor, to, { check: 'deep' })
    expect(await to.exists(layer)).toBe(true)
    expect(result.blobs).toEqual({ uploaded: 1, mounted: 0, present: 1 })
  })

  test('mounts from a neighbour without opening anything', async () => {
    const registry = memoryRegistry()
    const root = await artifact(registry.repository('tools/one'), 'layer')
    const source = registry.repository('tools/one')
    const result = await copy(source, root.descriptor, registry.repository('tools/two'))
    expect(result.blobs).toEqual({ uploaded: 0, mounted: 2, present: 0 })
    expect(result.bytes).toMatchObject({ mounted: 7, uploaded: root.descriptor.size })
  })
})

describe('the fewest writes', () => {
  const writes = (inner: Store) => {
    const done: string[] = []
    const to = watched(inner, {
      async put() {
        done.push('put')
      },
      async tag() {
        done.push('tag')
      },
    })
    return { to, done }
  }

  test('a root that nothing refers to is written under its tags alone', async () => {
    const from = open()
    const root = await artifact(from, 'alone')
    const { to, done } = writes(open('b'))
    const result = await copy(from, root.descriptor, to, { referrers: true, tags: [latest] })
    expect(done).toEqual(['tag'])
    expect(result.manifests.uploaded).toBe(1)
  })

  test('a root with a signature stands under its digest before its signature, and both before the tag', async () => {
    const from = open()
    const root = await artifact(from, 'signed')
    await artifact(from, 'signature', { subject: root.descriptor })
    const { to, done } = writes(open('b'))
    await copy(from, root.descriptor, to, { referrers: true, tags: [latest] })
    expect(done).toEqual(['put', 'put', 'tag'])
  })

  test('only referrers of the types that are wanted travel', async () => {
    const from = open()
    const root = await artifact(from, 'root')
    const sbom = await artifact(from, 'sbom', { subject: root.descriptor, artifactType: 'text/sbom' })
    await artifact(from, 'signature', { subject: root.descriptor, artifactType: 'text/signature' })
    const to = open('b')
    const result = await copy(from, root.descriptor, to, { referrers: ['text/sbom'] })
    expect(result.referrers.map((one) => one.digest)).toEqual([sbom.descriptor.digest])
    expect(await Array.fromAsync(to.referrers(root.descriptor))).toHaveLength(1)
  })

  test('what a list shows under the type of its empty config is asked for its own', async () => {
    const from = open()
    const root = await artifact(from, 'root')
    const bundle = await artifact(from, 'bundle', { subject: root.descriptor, artifactType: 'text/bundle' })
    const listed: Store = {
      ...watched(from, {}),
      async *referrers(subject) {
        for await (const one of from.referrers(subject)) yield { ...one, artifactType: mediaType.empty }
      },
    }
    const result = await copy(listed, root.descriptor, open('b'), { referrers: ['text/bundle'] })
    expect(result.referrers.map((one) => one.digest)).toEqual([bundle.descriptor.digest])
  })

  test('a manifest that was read already is not read again', async () => {
    const from = open()
    const root = await artifact(from, 'known')
    const source = counting(from)
    await copy(source, root.descriptor, open('b'), { manifest: root, tags: [latest] })
    expect(source.loaded).toEqual([])
  })
})

describe('copies at once', () => {
  test('share every blob and every manifest', async () => {
    const from = open()
    const { index } = await release(from)
    const pushed: string[] = []
    const put: string[] = []
    const inner = open('b')
    const to = watched(inner, {
      async put(manifest) {
        await sleep(5)
        put.push(manifest.descriptor.digest)
      },
    })
    const source = counting(from)
    const copies = Array.from({ length: 8 }, () => copy(source, index.descriptor, to, { tags: [latest] }))
    await Promise.all(copies)
    pushed.push(...source.fetched)
    expect(new Set(pushed).size).toBe(pushed.length)
    expect(new Set(put).size).toBe(put.length)
    // The platforms; the index itself is written under its tag.
    expect(put).toHaveLength(2)
  })

  test('do not fail because another one was stopped', async () => {
    const from = open()
    const { index } = await release(from)
    const stop = new AbortController()
    const inner = open('b')
    const to = watched(inner, { push: () => sleep(20) })
    const stopped = copy(from, index.descriptor, to, { signal: stop.signal })
    const kept = copy(from, index.descriptor, to, { tags: [latest] })
    setTimeout(() => stop.abort(new Error('stopped by the user')), 10)
    await expect(stopped).rejects.toThrow('stopped by the user')
    await kept
    expect((await inner.resolve(latest))?.digest).toBe(index.descriptor.digest)
  })
})

describe('a destination that forgets', () => {
  test('gets the children again and then takes the manifest', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    let denied = 0
    let pushes = 0
    const to = watched(open('b'), {
      async push() {
        pushes += 1
      },
      async put() {
        denied += 1
        if (denied <= 2) throw new SlipwayError('MANIFEST_BLOB_UNKNOWN', 'the registry lost a blob')
      },
    })
    const result = await copy(from, root.descriptor, to)
    expect(pushes).toBe(6)
    expect(result.manifests.uploaded).toBe(1)
  })

  test('is believed in the end, and named as the destination', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    const to = watched(open('b'), {
      async put() {
        throw new SlipwayError('MANIFEST_BLOB_UNKNOWN', 'the registry lost a blob')
      },
    })
    await expect(copy(from, root.descriptor, to)).rejects.toMatchObject({
      code: 'MANIFEST_BLOB_UNKNOWN',
      side: 'destination',
    })
  })
})

describe('a damaged source', () => {
  test('a missing blob is named with its side', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    const holed: Store = {
      ...watched(from, {}),
      async *fetch(content, call) {
        if (content.digest === blobOf('layer').descriptor.digest)
          throw new SlipwayError('BLOB_UNKNOWN', `no blob ${content.digest}`)
        yield* from.fetch(content, call)
      },
    }
    await expect(copy(holed, root.descriptor, open('b'))).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      side: 'source',
    })
  })

  test('a missing manifest is named with its side', async () => {
    const root = manifestOf([blobOf('layer')])
    await expect(copy(open(), root.descriptor, open('b'))).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      side: 'source',
    })
  })

  test('bytes that differ never become a blob', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    const lying: Store = {
      ...watched(from, {}),
      async *fetch(content) {
        yield Buffer.alloc(content.size, 'x')
      },
    }
    const to = open('b')
    await expect(copy(lying, root.descriptor, to)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(await to.exists(blobOf('layer').descriptor)).toBe(false)
    expect(await to.exists(root.descriptor)).toBe(false)
  })

  test('referrers that are listed but gone, or refer to something else, are skipped and told', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    const stranger = await artifact(from, 'no referrer at all')
    const gone = manifestOf([blobOf('gone')], { subject: root.descriptor })
    const listing: Store = {
      ...watched(from, {}),
      async *referrers(subject: Descriptor) {
        if (subject.digest === root.descriptor.digest) yield* [stranger.descriptor, gone.descriptor]
      },
    }
    const to = open('b')
    const result = await copy(listing, root.descriptor, to, { referrers: true })
    expect(result.skipped).toEqual([
      { descriptor: stranger.descriptor, reason: 'has another subject' },
      { descriptor: gone.descriptor, reason: 'missing at the source' },
    ])
    expect(result.referrers).toEqual([])
    expect(await to.exists(stranger.descriptor)).toBe(false)
  })
})

describe('hostile graphs', () => {
  test('one with too many manifests ends', async () => {
    const from = open()
    const manifests = await Promise.all(Array.from({ length: 20 }, (_, at) => artifact(from, `${at}`)))
    const index = indexOf(manifests)
    await from.put(index)
    await expect(copy(from, index.descriptor, open('b'), { maxManifests: 10 })).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
      side: 'source',
    })
  })

  test('a chain of referrers counts too', async () => {
    const from = open()
    const root = await artifact(from, 'layer')
    let subject = root.descriptor
    for (let at = 0; at < 20; at += 1) subject = (await artifact(from, `link ${at}`, { subject })).descriptor
    const options = { referrers: true, maxManifests: 10 }
    await expect(copy(from, root.descriptor, open('b'), options)).rejects.toMatchObject({
      code: 'GRAPH_TOO_LARGE',
    })
    const result = await copy(from, root.descriptor, open('c'), { referrers: true })
    expect(result.referrers).toHaveLength(20)
  })

  test('an index that is called an image manifest is refused', async () => {
    const from = open()
    const inner = indexOf([await artifact(from, 'layer')])
    await from.put(inner)
    const disguised = { ...inner, descriptor: { ...inner.descriptor, mediaType: mediaType.manifest } }
    const outer = indexOf([disguised])
    await from.put(outer)
    await expect(copy(from, outer.descriptor, open('b'))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      side: 'source',
    })
  })

  test('images whose layers are called images are refused instead of waiting for each other for ever', async () => {
    const inner = open()
    const inside = await Promise.all(Array.from({ length: 4 }, (_, at) => artifact(inner, `${at}`)))
    const images = inside.map((one) => manifestOf([{ descriptor: one.descriptor, bytes: one.bytes }]))
    for (const one of images) await inner.put(one)
    const index = indexOf(images)
    await inner.put(index)
    const refused = { code: 'MANIFEST_INVALID', side: 'source' }
    await expect(copy(inner, index.descriptor, open('b'), { concurrency: 2 })).rejects.toMatchObject(refused)
    const root = await artifact(inner, 'root')
    const [layer] = inside
    if (layer === undefined) throw new Error('nothing was made')
    await inner.put(manifestOf([layer], { subject: root.descriptor }))
    const options = { referrers: true, concurrency: 1 }
    await expect(copy(inner, root.descriptor, open('c'), options)).rejects.toMatchObject(refused)
  })

  test('indexes in indexes end', async () => {
    const from = open()
    let below = await artifact(from, 'at the bottom')
    for (let level = 0; level < 20; level += 1) {
      below = indexOf([below])
      await from.put(below)
    }
    await expect(copy(from, below.descriptor, open('b'))).rejects.toMatchObject({ code: 'GRAPH_TOO_DEEP' })
  })
})

describe('what a copy moves', () => {
  test('foreign layers stay where their addresses point', async () => {
    const from = open()
    const layer = blobOf('not for everybody', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')
    const foreign = { ...layer, descriptor: { ...layer.descriptor, urls: ['https://example.org/layer'] } }
    const root = manifestOf([foreign])
    await pushBlob(from, emptyConfig)
    await from.put(root)
    const to = open('b')
    const result = await copy(from, root.descriptor, to)
    expect(result.blobs.uploaded).toBe(1)
    expect(await to.exists(root.descriptor)).toBe(true)
  })

  test('progress adds up to the bytes of the blobs', async () => {
    const from = open()
    const { descriptor, content } = large(1024 * 1024)
    await from.push(descriptor, content)
    const root = manifestOf([{ descriptor, bytes: new Uint8Array() }])
    await pushBlob(from, emptyConfig)
    await from.put(root)
    let moved = 0
    const onProgress = (bytes: number) => {
      moved += bytes
    }
    const result = await copy(from, root.descriptor, open('b'), { onProgress })
    expect(moved).toBe(descriptor.size + emptyConfig.descriptor.size)
    expect(result.bytes.uploaded).toBe(moved + root.descriptor.size)
  })

  test('a single blob can be a root', async () => {
    const from = open()
    const blob = blobOf('alone', mediaType.layerTar)
    await pushBlob(from, blob)
    expect(isManifestType(blob.descriptor.mediaType)).toBe(false)
    const to = open('b')
    expect((await copy(from, blob.descriptor, to)).blobs.uploaded).toBe(1)
    expect(await to.exists(blob.descriptor)).toBe(true)
  })

  test('memory does not grow with the size of a blob', async () => {
    await using folder = await temporaryFolder()
    const from = layoutRegistry(`${folder.path}/a`).repository('large')
    const { descriptor, content } = large(256 * 1024 * 1024)
    await from.push(descriptor, content)
    const before = process.memoryUsage().rss
    const to = layoutRegistry(`${folder.path}/b`).repository('large')
    let most = before
    const onProgress = () => {
      most = Math.max(most, process.memoryUsage.rss())
    }
    await copy(from, descriptor, to, { onProgress })
    expect(await to.exists(descriptor)).toBe(true)
    expect(most - before).toBeLessThan(100 * 1024 * 1024)
  })
})

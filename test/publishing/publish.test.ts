import { beforeEach, describe, expect, it } from 'vitest'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { type PublishOptions, publish } from '../../src/publishing/publish.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { artifact } from './artifacts.ts'

let stage: Store
let target: Store
/** Writes at the target, in order. */
let writes: string[]

beforeEach(() => {
  stage = memoryRegistry('stage').repository('kubernetes')
  target = memoryRegistry('target').repository('kubernetes')
  writes = []
})

function watched(store: Store, overrides: Partial<Store> = {}): Store {
  const watching: Store = {
    id: store.id,
    name: store.name,
    resolve: (reference, call) => store.resolve(reference, call),
    manifest: (reference, call) => store.manifest(reference, call),
    exists: (content, call) => store.exists(content, call),
    fetch: (content, call) => store.fetch(content, call),
    tags: (call) => store.tags(call),
    referrers: (subject, filter) => store.referrers(subject, filter),
    async push(content, bytes, call) {
      const outcome = await store.push(content, bytes, call)
      if (outcome === 'uploaded') writes.push('blob')
      return outcome
    },
    async put(manifest, call) {
      const outcome = await store.put(manifest, call)
      if (outcome === 'uploaded') writes.push('manifest')
      return outcome
    },
    tag(manifest, tags, call) {
      writes.push(...tags)
      return store.tag(manifest, tags, call)
    },
  }
  return { ...watching, ...overrides }
}

function options(version: string, more: Partial<PublishOptions> = {}): PublishOptions {
  return {
    tag: parseTag(version),
    prefix: '',
    moving: ['latest'],
    now: () => 0,
    allowOverwrite: false,
    ...more,
  }
}

async function release(version: string, text = version, more: Partial<PublishOptions> = {}) {
  return await publish(stage, await artifact(stage, text), watched(target), options(version, more))
}

async function digestOf(tag: string): Promise<string | undefined> {
  return (await target.resolve(tag as Tag))?.digest
}

describe('publishing one artifact', () => {
  it('writes blobs, then the manifest, then the exact tag, then moving tags', async () => {
    const published = await release('1.2.3')
    expect(writes).toEqual(['blob', 'blob', 'manifest', '1.2.3', 'latest'])
    expect(published).toMatchObject({ outcome: 'published', moved: [{ tag: 'latest', to: '1.2.3' }] })
    expect(await digestOf('latest')).toBe(published.artifact.descriptor.digest)
  })

  it('changes nothing when the same content stands there, from whatever commit', async () => {
    const first = await release('1.2.3')
    writes = []
    const other = await artifact(stage, '1.2.3', 'b')
    expect(other.descriptor.digest).not.toBe(first.artifact.descriptor.digest)
    const second = await publish(stage, other, watched(target), options('1.2.3'))
    expect(second.outcome).toBe('unchanged')
    expect(second.artifact.descriptor.digest).toBe(first.artifact.descriptor.digest)
    expect(writes).toEqual([])
  })

  it('refuses other content under an existing tag, and says how to go on', async () => {
    await release('1.2.3')
    writes = []
    await expect(release('1.2.3', 'other')).rejects.toMatchObject({
      code: 'TAG_EXISTS',
      exit: 3,
      message: expect.stringContaining('target/kubernetes:1.2.3'),
      hint: expect.stringContaining('--allow-overwrite'),
    })
    expect(writes).toEqual([])
  })

  it('overwrites when it is allowed to', async () => {
    await release('1.2.3')
    const second = await release('1.2.3', 'other', { allowOverwrite: true })
    expect(second.outcome).toBe('overwritten')
    expect(await digestOf('latest')).toBe(second.artifact.descriptor.digest)
  })

  it('sets no tag when what it reads back has other bytes', async () => {
    const encoded = await artifact(stage, 'x')
    const lying = watched(target, {
      async manifest(reference, call) {
        const found = await target.manifest(reference, call)
        return found === undefined ? undefined : { ...found, bytes: new Uint8Array([...found.bytes, 32]) }
      },
    })
    await expect(publish(stage, encoded, lying, options('1.0.0'))).rejects.toMatchObject({
      code: 'READ_BACK_FAILED',
    })
    expect(await digestOf('1.0.0')).toBeUndefined()
  })

  it('sets no tag when the registry lost a blob, after trying once to bring it back', async () => {
    const encoded = await artifact(stage, 'x')
    const looks: string[] = []
    const forgetful = watched(target, {
      async exists(content) {
        looks.push(content.digest)
        return false
      },
    })
    await expect(publish(stage, encoded, forgetful, options('1.0.0'))).rejects.toMatchObject({
      code: 'READ_BACK_FAILED',
    })
    const layer = encoded.manifest.layers[0]?.digest
    expect(looks.filter((digest) => digest === layer).length).toBeGreaterThanOrEqual(2)
    expect(writes).not.toContain('1.0.0')
  })

  it('notices another release of other content that came first meanwhile', async () => {
    const other = await artifact(target, 'theirs')
    const racing = watched(target, {
      async put(manifest, call) {
        await target.tag(other, [parseTag('1.0.0')])
        return await target.put(manifest, call)
      },
    })
    await expect(
      publish(stage, await artifact(stage, 'ours'), racing, options('1.0.0')),
    ).rejects.toMatchObject({
      code: 'TAG_CONTESTED',
      exit: 3,
    })
    expect(await digestOf('1.0.0')).toBe(other.descriptor.digest)
  })

  it('accepts another release of the same content that came first meanwhile', async () => {
    const theirs = await artifact(target, 'same', 'their commit')
    const racing = watched(target, {
      async put(manifest, call) {
        await target.tag(theirs, [parseTag('1.0.0')])
        return await target.put(manifest, call)
      },
    })
    const published = await publish(stage, await artifact(stage, 'same'), racing, options('1.0.0'))
    expect(published.outcome).toBe('unchanged')
    expect(await digestOf('1.0.0')).toBe(theirs.descriptor.digest)
  })

  it('completes what a killed run left: everything but the tag', async () => {
    const encoded = await artifact(stage, 'x')
    const dying = watched(target, {
      tag: async () => {
        throw new Error('killed')
      },
    })
    await expect(publish(stage, encoded, dying, options('1.0.0'))).rejects.toThrow('killed')
    expect(await digestOf('1.0.0')).toBeUndefined()
    writes = []
    const again = await publish(stage, encoded, watched(target), options('1.0.0'))
    expect(again.outcome).toBe('published')
    expect(writes).toEqual(['1.0.0', 'latest'])
  })

  it('brings a referrer that came after the first publishing', async () => {
    const first = await release('1.2.3')
    const signature = encode({
      ...(first.artifact.manifest as ImageManifest),
      artifactType: 'application/x.signature',
      subject: first.artifact.descriptor,
    })
    await stage.put(signature)
    expect((await release('1.2.3')).outcome).toBe('unchanged')
    const listed = await Array.fromAsync(target.referrers(first.artifact.descriptor))
    expect(listed.map((one) => one.digest)).toEqual([signature.descriptor.digest])
  })

  it('looks whether unchanged content is still there, and fails when it cannot be brought back', async () => {
    const encoded = await artifact(stage, 'x')
    await publish(stage, encoded, watched(target), options('1.0.0'))
    const forgetful = watched(target, { exists: async () => false })
    await expect(publish(stage, encoded, forgetful, options('1.0.0'))).rejects.toMatchObject({
      code: 'READ_BACK_FAILED',
    })
  })

  it('carries referrers along before any tag is set', async () => {
    const encoded = await artifact(stage, 'signed')
    const signature: Encoded = await (async () => {
      const base = encoded.manifest
      const one = encode({ ...base, artifactType: 'application/x.signature', subject: encoded.descriptor })
      await stage.put(one)
      return one
    })()
    await publish(stage, encoded, watched(target), options('1.0.0'))
    const listed = await Array.fromAsync(target.referrers(encoded.descriptor))
    expect(listed.map((one) => one.digest)).toEqual([signature.descriptor.digest])
    expect(writes.indexOf('1.0.0')).toBeGreaterThan(writes.lastIndexOf('manifest'))
  })
})

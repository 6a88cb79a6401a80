import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { type Content, contentFrom, contentOf, type Registry } from '../../src/store/store.ts'
import { artifact, blobOf, counted, emptyConfig, indexOf, large, manifestOf, pushBlob } from './artifacts.ts'

export interface Opened {
  readonly registry: Registry
  /** The same place opened anew, as another process would; left out where nothing outlives the object. */
  reopen?(): Promise<Registry>
  dispose(): Promise<void>
}

/** Tests of the contract that a store cannot pass by its nature, and why. */
export interface Skipped {
  readonly reason: string
  readonly tests: readonly string[]
}

async function read(source: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(source)).toString()
}

const tag = (text: string) => parseTag(text)

/** What every Store promises, whatever stands behind it. */
export function storeContract(name: string, open: () => Promise<Opened>, skipped?: Skipped): void {
  describe(`${name} as a store`, () => {
    let opened: Opened
    let registry: Registry
    beforeEach(async () => {
      opened = await open()
      registry = opened.registry
    })
    afterEach(() => opened.dispose())
    const met = new Set<string>()
    const promise = (title: string, work: () => Promise<void>) => {
      met.add(title)
      const left = skipped?.tests.includes(title) === true
      test.skipIf(left)(left ? `${title} (skipped: ${skipped.reason})` : title, work)
    }

    promise('a tag stands for the manifest with its exact bytes', async () => {
      const store = registry.repository('tools/one')
      const manifest = await artifact(store, 'layer')
      await store.tag(manifest, [tag('1.0.0'), tag('latest')])
      expect(await store.resolve(tag('1.0.0'))).toMatchObject(manifest.descriptor)
      expect(await store.resolve(manifest.descriptor.digest)).toMatchObject(manifest.descriptor)
      for (const reference of [tag('latest'), manifest.descriptor.digest, manifest.descriptor]) {
        const found = await store.manifest(reference)
        expect(Buffer.from(found?.bytes ?? [])).toEqual(Buffer.from(manifest.bytes))
        expect(found?.descriptor).toEqual(manifest.descriptor)
      }
    })

    promise('what is not there is undefined, false or empty, and fetching it names it', async () => {
      const store = registry.repository('never/written')
      const blob = blobOf('nothing')
      const manifest = manifestOf([blob])
      expect(await store.resolve(tag('1.0.0'))).toBeUndefined()
      expect(await store.resolve(blob.descriptor.digest)).toBeUndefined()
      expect(await store.manifest(tag('1.0.0'))).toBeUndefined()
      expect(await store.manifest(manifest.descriptor)).toBeUndefined()
      expect(await store.exists(blob.descriptor)).toBe(false)
      expect(await store.exists(manifest.descriptor)).toBe(false)
      expect(await Array.fromAsync(store.tags())).toEqual([])
      expect(await Array.fromAsync(store.referrers(manifest.descriptor))).toEqual([])
      await expect(read(store.fetch(blob.descriptor))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
      await expect(read(store.fetch(manifest.descriptor))).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    })

    promise('a blob comes back, whole and from an offset', async () => {
      const store = registry.repository('tools/one')
      const blob = blobOf('0123456789')
      expect(await store.push(blob.descriptor, contentOf(blob.bytes))).toBe('uploaded')
      expect(await store.exists(blob.descriptor)).toBe(true)
      expect(await read(store.fetch(blob.descriptor))).toBe('0123456789')
      expect(await read(store.fetch(blob.descriptor, { offset: 4 }))).toBe('456789')
      expect(await read(store.fetch(blob.descriptor, { offset: 10 }))).toBe('')
    })

    promise('a manifest is content too', async () => {
      const store = registry.repository('tools/one')
      const manifest = await artifact(store, 'layer')
      expect(await store.exists(manifest.descriptor)).toBe(true)
      expect(await read(store.fetch(manifest.descriptor))).toBe(Buffer.from(manifest.bytes).toString())
    })

    promise('empty content can be pushed and fetched', async () => {
      const store = registry.repository('tools/one')
      const blob = blobOf('')
      expect(await store.push(blob.descriptor, contentOf(blob.bytes))).toBe('uploaded')
      expect(await read(store.fetch(blob.descriptor))).toBe('')
    })

    promise('content that is present is not opened again', async () => {
      const store = registry.repository('tools/one')
      const blob = blobOf('once')
      await pushBlob(store, blob)
      const again = counted(blob.bytes)
      expect(await store.push(blob.descriptor, again)).toBe('present')
      expect(again.opened).toBe(0)
    })

    promise('content of another digest leaves nothing behind', async () => {
      const store = registry.repository('tools/one')
      const right = blobOf('right')
      const wrong = contentOf(blobOf('wrong').bytes)
      await expect(store.push(right.descriptor, wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
      expect(await store.exists(right.descriptor)).toBe(false)
      expect(await store.push(right.descriptor, contentOf(right.bytes))).toBe('uploaded')
      expect(await read(store.fetch(right.descriptor))).toBe('right')
    })

    promise('content of another size leaves nothing behind', async () => {
      const store = registry.repository('tools/one')
      const right = blobOf('right')
      for (const text of ['righ', 'right and more'])
        await expect(store.push(right.descriptor, contentOf(blobOf(text).bytes))).rejects.toMatchObject({
          code: 'SIZE_MISMATCH',
        })
      expect(await store.exists(right.descriptor)).toBe(false)
      expect(await store.push(right.descriptor, contentOf(right.bytes))).toBe('uploaded')
    })

    promise('sixteen pushes of one blob at once open it at most once', async () => {
      const store = registry.repository('tools/one')
      const blob = blobOf('shared by all')
      const content = counted(blob.bytes)
      const slow: Content = {
        async *open(offset) {
          await sleep(20)
          yield* content.open(offset)
        },
      }
      const outcomes = await Promise.all(Array.from({ length: 16 }, () => store.push(blob.descriptor, slow)))
      expect(content.opened).toBe(1)
      expect(outcomes.filter((one) => one === 'uploaded')).toHaveLength(1)
      expect(outcomes.filter((one) => one === 'present')).toHaveLength(15)
      expect(await read(store.fetch(blob.descriptor))).toBe('shared by all')
    })

    promise('one failed push does not fail those that waited for it', async () => {
      const store = registry.repository('tools/one')
      const blob = blobOf('wanted')
      const begun = Promise.withResolvers<void>()
      const broken: Content = {
        async *open() {
          begun.resolve()
          await sleep(20)
          yield blobOf('broken').bytes
        },
      }
      const [first, second] = await Promise.allSettled([
        store.push(blob.descriptor, broken),
        begun.promise.then(() => store.push(blob.descriptor, contentOf(blob.bytes))),
      ])
      expect(first).toMatchObject({ status: 'rejected', reason: { code: 'DIGEST_MISMATCH' } })
      expect(second).toMatchObject({ status: 'fulfilled', value: 'uploaded' })
    })

    promise('what another repository holds is not here until it is pushed', async () => {
      const one = registry.repository('tools/one')
      const two = registry.repository('tools/two')
      const manifest = await artifact(one, 'only in one')
      await one.tag(manifest, [tag('1.0.0')])
      const layer = blobOf('only in one').descriptor
      expect(await two.exists(layer)).toBe(false)
      expect(await two.resolve(tag('1.0.0'))).toBeUndefined()
      expect(await two.resolve(manifest.descriptor.digest)).toBeUndefined()
      const outcome = await two.push(layer, contentFrom(one, layer))
      expect(['uploaded', 'mounted']).toContain(outcome)
      expect(await two.exists(layer)).toBe(true)
      expect(await read(two.fetch(layer))).toBe('only in one')
    })

    promise('a manifest is refused while a child is missing', async () => {
      const store = registry.repository('tools/one')
      const layer = blobOf('comes late')
      const manifest = manifestOf([layer])
      await pushBlob(store, emptyConfig)
      await expect(store.put(manifest)).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
      await expect(store.tag(manifest, [tag('1.0.0')])).rejects.toMatchObject({
        code: 'MANIFEST_BLOB_UNKNOWN',
      })
      expect(await store.resolve(tag('1.0.0'))).toBeUndefined()
      await pushBlob(store, layer)
      expect(await store.put(manifest)).toBe('uploaded')
      expect(await store.put(manifest)).toBe('present')
    })

    promise('an index needs its manifests', async () => {
      const store = registry.repository('tools/one')
      const layer = blobOf('for one platform')
      const below = manifestOf([layer])
      const index = indexOf([below])
      await expect(store.put(index)).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
      await artifact(store, 'for one platform')
      expect(await store.put(index)).toBe('uploaded')
      await store.tag(index, [tag('1.0.0')])
      expect(await store.resolve(tag('1.0.0'))).toMatchObject(index.descriptor)
    })

    promise('tags are complete, sorted or not, and moving one leaves the others', async () => {
      const store = registry.repository('tools/one')
      const first = await artifact(store, 'first')
      const second = await artifact(store, 'second')
      const names = Array.from({ length: 30 }, (_, patch) => tag(`1.0.${patch}`))
      await store.tag(first, [...names, tag('latest')])
      await store.tag(second, [tag('2.0.0'), tag('latest')])
      const listed = await Array.fromAsync(store.tags())
      expect(listed.sort()).toEqual([...names, tag('2.0.0'), tag('latest')].sort())
      expect((await store.resolve(tag('latest')))?.digest).toBe(second.descriptor.digest)
      expect((await store.resolve(tag('1.0.7')))?.digest).toBe(first.descriptor.digest)
    })

    promise('a manifest that lost its last tag is still there by digest', async () => {
      const store = registry.repository('tools/one')
      const first = await artifact(store, 'first')
      const second = await artifact(store, 'second')
      await store.tag(first, [tag('latest')])
      await store.tag(second, [tag('latest')])
      expect(await store.resolve(first.descriptor.digest)).toMatchObject(first.descriptor)
    })

    promise('sixteen tags set at once are all there', async () => {
      const store = registry.repository('tools/one')
      const names = Array.from({ length: 16 }, (_, patch) => tag(`3.0.${patch}`))
      const manifests = await Promise.all(names.map((one) => artifact(store, one)))
      await Promise.all(manifests.map((manifest, at) => store.tag(manifest, names.slice(at, at + 1))))
      expect((await Array.fromAsync(store.tags())).sort()).toEqual([...names].sort())
    })

    promise('a referrer is listed when put returns', async () => {
      const store = registry.repository('tools/one')
      const subject = await artifact(store, 'subject')
      const referrer = await artifact(store, 'signature', {
        subject: subject.descriptor,
        artifactType: 'application/vnd.example.signature',
        annotations: { 'org.example.by': 'somebody' },
      })
      const [listed, ...others] = await Array.fromAsync(store.referrers(subject.descriptor))
      expect(others).toEqual([])
      expect(listed).toMatchObject({
        ...referrer.descriptor,
        artifactType: 'application/vnd.example.signature',
        annotations: { 'org.example.by': 'somebody' },
      })
    })

    promise('referrers are filtered by artifact type', async () => {
      const store = registry.repository('tools/one')
      const subject = (await artifact(store, 'subject')).descriptor
      const signature = await artifact(store, 'a', {
        subject,
        artifactType: 'application/vnd.example.signature',
      })
      await artifact(store, 'b', { subject, artifactType: 'application/vnd.example.report' })
      const listed = store.referrers(subject, { artifactType: 'application/vnd.example.signature' })
      expect((await Array.fromAsync(listed)).map((one) => one.digest)).toEqual([signature.descriptor.digest])
    })

    promise('a referrer may come before its subject', async () => {
      const store = registry.repository('tools/one')
      const subject = manifestOf([blobOf('comes later')])
      const referrer = await artifact(store, 'signature', { subject: subject.descriptor })
      const listed = await Array.fromAsync(store.referrers(subject.descriptor))
      expect(listed.map((one) => one.digest)).toEqual([referrer.descriptor.digest])
    })

    promise('sixteen referrers of one subject put at once are all listed', async () => {
      const store = registry.repository('tools/one')
      const subject = (await artifact(store, 'subject')).descriptor
      const texts = Array.from({ length: 16 }, (_, at) => `signature ${at}`)
      const referrers = await Promise.all(texts.map((text) => artifact(store, text, { subject })))
      const listed = (await Array.fromAsync(store.referrers(subject))).map((one) => one.digest)
      expect(listed.sort()).toEqual(referrers.map((one) => one.descriptor.digest).sort())
    })

    promise('a signal that has fired stops every call', async () => {
      const store = registry.repository('tools/one')
      const manifest = await artifact(store, 'layer')
      const call = { signal: AbortSignal.abort(new Error('stopped by the user')) }
      const blob = blobOf('never arrives')
      const calls = [
        store.resolve(tag('1.0.0'), call),
        store.manifest(tag('1.0.0'), call),
        store.exists(blob.descriptor, call),
        store.push(blob.descriptor, contentOf(blob.bytes), call),
        store.put(manifest, call),
        store.tag(manifest, [tag('1.0.0')], call),
        read(store.fetch(manifest.descriptor, call)),
        Array.fromAsync(store.tags(call)),
        Array.fromAsync(store.referrers(manifest.descriptor, call)),
      ]
      for (const one of await Promise.allSettled(calls))
        expect(one).toMatchObject({ status: 'rejected', reason: { message: 'stopped by the user' } })
      expect(await store.exists(blob.descriptor)).toBe(false)
      expect(await Array.fromAsync(store.tags())).toEqual([])
    })

    promise('a signal that fires on the way stops an upload, and nothing stays', async () => {
      const store = registry.repository('tools/one')
      const { descriptor, content } = large(8 * 1024 * 1024)
      const stop = new AbortController()
      const stopping: Content = {
        async *open(offset) {
          let sent = 0
          for await (const chunk of content.open(offset)) {
            yield chunk
            sent += chunk.byteLength
            if (sent > 2_000_000) stop.abort(new Error('stopped by the user'))
          }
        },
      }
      await expect(store.push(descriptor, stopping, { signal: stop.signal })).rejects.toThrow(
        'stopped by the user',
      )
      expect(await store.exists(descriptor)).toBe(false)
    })

    promise('names that could lead elsewhere are refused', async () => {
      for (const path of [
        '../up',
        'a//b',
        '/root',
        'a/../b',
        'UPPER',
        'a b',
        '.hidden',
        'a/.git',
        'a\\b',
        'x'.repeat(300),
      ])
        expect(() => registry.repository(path), path).toThrow(
          expect.objectContaining({ code: 'REPOSITORY_INVALID' }),
        )
    })

    promise('a repository is one object', async () => {
      expect(registry.repository('tools/one')).toBe(registry.repository('tools/one'))
      expect(registry.repository('tools/one').id).not.toBe(registry.repository('tools/two').id)
    })

    promise('repositories are listed once they hold something', async () => {
      for (const path of ['tools/one', 'tools/one/below', 'alone']) {
        const store = registry.repository(path)
        await store.tag(await artifact(store, path), [tag('1.0.0')])
      }
      const listed = await Array.fromAsync(registry.repositories())
      expect(listed.sort()).toEqual(['alone', 'tools/one', 'tools/one/below'])
    })

    promise('eight megabytes go through as a stream', async () => {
      const store = registry.repository('tools/one')
      const { descriptor, content } = large(8 * 1024 * 1024)
      expect(await store.push(descriptor, content)).toBe('uploaded')
      let chunks = 0
      let size = 0
      for await (const chunk of store.fetch(descriptor)) {
        chunks += 1
        size += chunk.byteLength
      }
      expect(size).toBe(descriptor.size)
      expect(chunks).toBeGreaterThan(8)
      const middle = Buffer.concat(await Array.fromAsync(store.fetch(descriptor, { offset: 5_000_000 })))
      const expected = Buffer.concat(await Array.fromAsync(content.open(0))).subarray(5_000_000)
      expect(digestOf(middle)).toBe(digestOf(expected))
    })

    promise('everything is there when the place is opened again', async () => {
      if (opened.reopen === undefined) throw new Error('give `reopen`, or skip this test with a reason')
      const store = registry.repository('tools/one')
      const subject = await artifact(store, 'kept')
      const referrer = await artifact(store, 'signature', { subject: subject.descriptor })
      await store.tag(subject, [tag('1.0.0'), tag('latest')])
      await registry.finish()
      const again = (await opened.reopen()).repository('tools/one')
      expect((await Array.fromAsync(again.tags())).sort()).toEqual(['1.0.0', 'latest'])
      expect((await again.manifest(tag('latest')))?.descriptor).toEqual(subject.descriptor)
      const listed = await Array.fromAsync(again.referrers(subject.descriptor))
      expect(listed.map((one) => one.digest)).toEqual([referrer.descriptor.digest])
      expect(await read(again.fetch(blobOf('kept').descriptor))).toBe('kept')
    })

    test('every skipped promise is one of the contract', () => {
      expect(skipped?.tests.filter((title) => !met.has(title)) ?? []).toEqual([])
    })
  })
}

import { describe, expect, it } from 'vitest'
import { contentOf } from '../../src/store/store.ts'
import { type Quirks, vendors } from '../fake/quirks.ts'
import type { FakeOptions } from '../fake/registry.ts'
import { connect, publish, random, read, start } from './client.ts'

const MiB = 1024 * 1024

async function withBlob(size: number, options: FakeOptions = {}) {
  const { fake, registry } = await start(options)
  const { bytes, content } = random(size)
  await registry.repository('a').push(content, contentOf(bytes))
  fake.clearLog()
  return { fake, bytes, content, store: registry.repository('a') }
}

describe('fetching a blob', () => {
  it('brings its bytes in one GET', async () => {
    const { fake, store, bytes, content } = await withBlob(MiB)
    expect((await read(store.fetch(content))).equals(bytes)).toBe(true)
    expect(fake.log()).toEqual([`GET /v2/a/blobs/${content.digest}`])
  })

  it('begins at an offset', async () => {
    const { fake, store, bytes, content } = await withBlob(1000)
    const rest = await read(store.fetch(content, { offset: 600 }))
    expect(rest.equals(bytes.subarray(600))).toBe(true)
    expect(fake.requests[0]?.headers.range).toBe('bytes=600-')
  })

  it('brings an empty blob', async () => {
    const { store, content } = await withBlob(0)
    expect((await read(store.fetch(content))).byteLength).toBe(0)
  })

  it('brings a manifest too, verified', async () => {
    const { registry } = await start()
    const store = registry.repository('a')
    const manifest = await publish(store)
    expect((await read(store.fetch(manifest.descriptor))).equals(manifest.bytes)).toBe(true)
    await expect(read(store.fetch({ ...manifest.descriptor, size: 3 }))).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    })
  })

  it('follows a redirect to storage without its credential', async () => {
    const credential = { kind: 'basic', username: 'AWS', password: 'p', source: 'test' } as const
    const { fake, registry } = await start(
      { auth: { kind: 'basic', username: 'AWS', password: 'p' }, quirks: vendors.ecr },
      { credential },
    )
    const { bytes, content } = random(1000)
    await registry.repository('a').push(content, contentOf(bytes))
    const store = connect(fake, credential).repository('a')
    expect((await read(store.fetch(content))).equals(bytes)).toBe(true)
  })

  it('says BLOB_UNKNOWN where there is none', async () => {
    const { store } = await withBlob(10)
    const missing = random(10).content
    await expect(read(store.fetch(missing))).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      message: expect.stringContaining(`/a@${missing.digest}`),
    })
    expect(await store.exists(missing)).toBe(false)
  })

  it('can be left early without holding the connection', async () => {
    const { store, content } = await withBlob(8 * MiB)
    for (let i = 0; i < 40; i++) for await (const _ of store.fetch(content)) break
    expect(await store.exists(content)).toBe(true)
  })
})

describe('a download that is interrupted', () => {
  it.each([
    ['asks for the rest', {}, /blobs/],
    ['skips what it has where Range is ignored', { ignoreRange: true }, /blobs/],
    ['asks storage for the rest', { blobRedirect: true }, /^storage/],
  ] satisfies [string, Quirks, RegExp][])('%s', async (_, quirks, path) => {
    const { fake, store, bytes, content } = await withBlob(300_000, { quirks })
    fake.fail({ method: 'GET', path, truncate: 100_000 })
    fake.fail({ method: 'GET', path, truncate: 50_000 })
    expect((await read(store.fetch(content))).equals(bytes)).toBe(true)
    expect(fake.log(/^GET/)).toHaveLength(3)
  })

  it('goes on from its offset', async () => {
    const { fake, store, bytes, content } = await withBlob(300_000)
    fake.fail({ method: 'GET', truncate: 100_000 })
    expect((await read(store.fetch(content, { offset: 1000 }))).equals(bytes.subarray(1000))).toBe(true)
    expect(fake.requests[1]?.headers.range).toBe('bytes=101000-')
  })

  it('fails when there is no progress', async () => {
    const { fake, store, content } = await withBlob(300_000)
    fake.fail({ method: 'GET', truncate: 1000, times: 100 })
    await expect(read(store.fetch(content))).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    expect(fake.log(/^GET/)).toHaveLength(4)
  })

  it('is forgiven as long as it moves on', async () => {
    const { fake, store, bytes, content } = await withBlob(8 * MiB)
    fake.fail({ method: 'GET', truncate: 1.25 * MiB, times: 100 })
    expect((await read(store.fetch(content))).equals(bytes)).toBe(true)
    expect(fake.log(/^GET/).length).toBeGreaterThan(4)
  })

  it('stops when it is cancelled', async () => {
    const { fake, store, content } = await withBlob(300_000)
    fake.fail({ method: 'GET', truncate: 1000, times: 100 })
    const stop = new AbortController()
    const reading = (async () => {
      for await (const _ of store.fetch(content, { signal: stop.signal })) stop.abort(new Error('enough'))
    })()
    await expect(reading).rejects.toThrow('enough')
  })
})

describe('bytes that are wrong', () => {
  it('are DIGEST_MISMATCH', async () => {
    const { fake, store, content } = await withBlob(100_000)
    fake.fail({ method: 'GET', corrupt: true })
    await expect(read(store.fetch(content))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it.each([-1, 1])('by number are SIZE_MISMATCH (%i)', async (more) => {
    const { store, content } = await withBlob(1000)
    const wrong = { ...content, size: 1000 + more }
    await expect(read(store.fetch(wrong))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' })
    await expect(read(store.fetch(wrong, { offset: 500 }))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' })
  })
})

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import { contentFrom, contentOf } from '../../src/store/store.ts'
import { vendors } from '../fake/quirks.ts'
import { connect, holds, manifestOf, publish, random, rejection, start, tag } from './client.ts'

const MiB = 1024 * 1024

describe('pushing a blob', () => {
  it('asks first, then sends it in one PUT', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(1000)
    const store = registry.repository('a/b')
    expect(await store.push(content, contentOf(bytes))).toBe('uploaded')
    expect(fake.log().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT'])
    expect(fake.repository('a/b')?.blobs.get(content.digest)).toEqual(bytes)
    expect(fake.requests.at(-1)?.headers['content-length']).toBe('1000')
    expect(fake.requests.at(-1)?.headers['transfer-encoding']).toBeUndefined()
  })

  it('streams what is too large to hold, with its length', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(3 * MiB)
    expect(await registry.repository('a').push(content, inPieces(bytes))).toBe('uploaded')
    expect(holds(fake, 'a', content, bytes)).toBe(true)
    expect(fake.requests.at(-1)?.headers['content-length']).toBe(String(3 * MiB))
  })

  it('does not open content that is present', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(100)
    await registry.repository('a').push(content, contentOf(bytes))
    const again = connect(fake).repository('a')
    expect(await again.push(content, unopenable)).toBe('present')
    fake.clearLog()
    expect(await again.push(content, unopenable)).toBe('present')
    expect(fake.log()).toEqual([])
  })

  it('does not ask in a repository that the registry does not know', async () => {
    const { fake, registry } = await start()
    const store = registry.repository('new')
    expect(await Array.fromAsync(store.tags())).toEqual([])
    await publish(store, ['1.0.0'])
    expect(fake.log(/^(HEAD|GET) /)).toEqual(['GET /v2/new/tags/list'])
  })

  it('does not ask again for what was found missing', async () => {
    const { fake, registry } = await start()
    const store = registry.repository('a')
    const { bytes, content } = random(10)
    expect(await store.exists(content)).toBe(false)
    await store.push(content, contentOf(bytes))
    expect(fake.log(/^HEAD/)).toHaveLength(1)
  })

  it('uploads once however many callers there are at a time', async () => {
    const { fake, registry } = await start({ quirks: vendors.distribution })
    const { bytes, content } = random(100)
    const store = registry.repository('a')
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, () => store.push(content, contentOf(bytes))),
    )
    expect(outcomes.filter((one) => one === 'uploaded')).toHaveLength(1)
    expect(fake.log(/^PUT/)).toHaveLength(1)
    expect(fake.repository('a')?.blobs.has(content.digest)).toBe(true)
  })

  it('lets the others go on when the first caller brought wrong bytes', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(100)
    const store = registry.repository('a')
    const [wrong, right] = await Promise.allSettled([
      store.push(content, contentOf(random(100).bytes)),
      store.push(content, contentOf(bytes)),
    ])
    expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'DIGEST_MISMATCH' } })
    expect(right).toEqual({ status: 'fulfilled', value: 'uploaded' })
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('pushes an empty blob', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(0)
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(fake.repository('a')?.blobs.get(content.digest)?.byteLength).toBe(0)
  })

  it('says so where a registry refuses an empty blob', async () => {
    const { registry } = await start({ quirks: vendors.gar })
    const { bytes, content } = random(0)
    const push = registry.repository('a').push(content, contentOf(bytes))
    await expect(push).rejects.toMatchObject({ message: expect.stringContaining('empty blob') })
  })

  it('uploads content digested with sha512', async () => {
    const { fake, registry } = await start()
    const { bytes } = random(50)
    const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}` as Digest
    const content = { mediaType: 'application/octet-stream', digest, size: 50 }
    await registry.repository('a').push(content, contentOf(bytes))
    expect(fake.repository('a')?.blobs.has(digest)).toBe(true)
  })
})

describe('bytes that are not what their descriptor says', () => {
  it.each([1000, 3 * MiB])('never become a blob (%i bytes)', async (size) => {
    const { fake, registry } = await start()
    const { content } = random(size)
    const { bytes } = random(size)
    const push = registry.repository('a').push(content, inPieces(bytes))
    await expect(push).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(fake.repository('a')?.blobs.size ?? 0).toBe(0)
    expect(fake.state.uploads.size).toBe(0)
  })

  it.each([-1, 1])('are refused by size (%i)', async (more) => {
    const { fake, registry } = await start()
    const { bytes, content } = random(MiB)
    const push = registry.repository('a').push({ ...content, size: MiB + more }, inPieces(bytes))
    await expect(push).rejects.toMatchObject({ code: 'SIZE_MISMATCH' })
    expect(fake.repository('a')?.blobs.size ?? 0).toBe(0)
  })

  it('are the error, not the connection they broke', async () => {
    const { registry } = await start()
    const { bytes, content } = random(MiB)
    const failing = {
      async *open() {
        yield bytes.subarray(0, 100_000)
        throw new Error('the disk went away')
      },
    }
    const error = await rejection(registry.repository('a').push(content, failing))
    expect(error).toMatchObject({ message: 'the disk went away' })
  })
})

describe('an upload that is interrupted', () => {
  it.each([
    ['reset before anything arrived', { resetAfter: 0 }],
    ['reset half-way', { resetAfter: 500 }],
    ['lost its answer', { loseAnswer: true }],
    ['answered 500', { status: 500 }],
    ['answered 503', { status: 503 }],
    ['answered 404 for the upload', { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' }],
    [
      'said the bytes that arrived are wrong',
      { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' },
    ],
  ])('starts over when the PUT was %s', async (_, fault) => {
    const { fake, registry } = await start()
    const { bytes, content } = random(1000)
    fake.fail({ method: 'PUT', ...fault })
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('is sent in chunks the second time when it is large', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(9 * MiB)
    fake.fail({ method: 'PUT', resetAfter: 2 * MiB })
    await registry.repository('a').push(content, inPieces(bytes))
    expect(fake.log(/^PATCH/)).toHaveLength(3)
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('fails after the retries it is allowed', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(1000)
    fake.fail({ method: 'PUT', status: 502, times: 100 })
    await expect(registry.repository('a').push(content, contentOf(bytes))).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      status: 502,
    })
    expect(fake.log(/^PUT/)).toHaveLength(4)
  })

  it('stops when it is cancelled and leaves no upload behind', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(2 * MiB)
    const stop = new AbortController()
    const slow = {
      async *open() {
        yield bytes.subarray(0, MiB)
        stop.abort(new Error('enough'))
        yield bytes.subarray(MiB)
      },
    }
    const error = await rejection(registry.repository('a').push(content, slow, { signal: stop.signal }))
    expect(error).toMatchObject({ message: 'enough' })
    expect(fake.state.uploads.size).toBe(0)
    expect(fake.repository('a')?.blobs.size ?? 0).toBe(0)
  })

  it.each([
    ['in seconds', () => '1'],
    ['as a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('waits as long as 429 asks, %s', async (_, after) => {
    const { fake, registry } = await start()
    const { bytes, content } = random(1000)
    const body = 'retry-after: 1.16676ms, allowed: 44000/minute'
    fake.fail({ method: 'PUT', status: 429, headers: { 'retry-after': after() }, body })
    const before = Date.now()
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(Date.now() - before).toBeGreaterThan(400)
  })
})

describe('mounting', () => {
  it('takes a blob over from where its bytes come', async () => {
    const { fake, registry } = await start()
    const { bytes, content } = random(100)
    const from = registry.repository('from')
    await from.push(content, contentOf(bytes))
    fake.clearLog()
    expect(await registry.repository('to').push(content, contentFrom(from, content))).toBe('mounted')
    expect(fake.log(/^(GET|PUT)/)).toEqual([])
    expect(fake.repository('to')?.blobs.has(content.digest)).toBe(true)
  })

  it('takes a large blob over from wherever this process saw it', async () => {
    const { registry } = await start()
    const { bytes, content } = random(100_000)
    await registry.repository('from').push(content, contentOf(bytes))
    expect(await registry.repository('to').push(content, unopenable)).toBe('mounted')
  })

  it('goes on in the upload that the registry opened instead', async () => {
    const { fake, registry } = await start({ quirks: vendors.ecr })
    const { bytes, content } = random(100)
    const from = registry.repository('from')
    await from.push(content, contentOf(bytes))
    fake.clearLog()
    expect(await registry.repository('to').push(content, contentFrom(from, content))).toBe('uploaded')
    expect(fake.log(/^POST/)).toHaveLength(1)
  })

  it.each([
    ['Harbor, across projects', vendors.harbor],
    ['Docker Hub, from a repository it does not like', vendors.dockerHub],
    ['a registry that fails', { mount: 403 }],
  ])('uploads where it is refused: %s', async (_, quirks) => {
    const { fake, registry } = await start({ quirks })
    const from = registry.repository('from')
    const one = random(100)
    const two = random(100)
    await from.push(one.content, contentOf(one.bytes))
    await from.push(two.content, contentOf(two.bytes))
    const to = registry.repository('to')
    expect(await to.push(one.content, contentFrom(from, one.content))).toBe('uploaded')
    expect(await to.push(two.content, contentFrom(from, two.content))).toBe('uploaded')
    expect(fake.log(/mount=/)).toHaveLength(1)
  })

  it('uploads where the token for the other repository is refused', async () => {
    const credential = { kind: 'basic', username: 'u', password: 'p', source: 'test' } as const
    const { fake, registry } = await start(
      { auth: { kind: 'bearer', username: 'u', password: 'p' }, quirks: { mount: 401 } },
      { credential },
    )
    const from = registry.repository('from')
    const { bytes, content } = random(100)
    await from.push(content, contentOf(bytes))
    expect(await registry.repository('to').push(content, contentFrom(from, content))).toBe('uploaded')
    expect(fake.repository('to')?.blobs.has(content.digest)).toBe(true)
  })
})

describe('a registry that lost a blob', () => {
  it('says MANIFEST_BLOB_UNKNOWN, and the blob is asked for again', async () => {
    const { fake, registry } = await start({ quirks: vendors.distribution })
    const store = registry.repository('a')
    const { bytes, content } = random(10)
    await store.push(content, contentOf(bytes))
    fake.repository('a')?.blobs.delete(content.digest)
    const manifest = manifestOf({}, content)
    await expect(store.put(manifest)).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
    expect(await store.push(content, contentOf(bytes))).toBe('uploaded')
    expect(await store.put(manifest)).toBe('uploaded')
    await store.tag(manifest, [tag('1')])
  })
})

const unopenable = {
  open(): never {
    throw new Error('opened')
  },
}

function inPieces(bytes: Uint8Array) {
  return {
    async *open(offset = 0) {
      for (let at = offset; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536)
    },
  }
}

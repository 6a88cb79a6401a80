import { describe, expect, it } from 'vitest'
import { contentOf } from '../../src/store/store.ts'
import { type Quirks, vendors } from '../fake/quirks.ts'
import { holds, random, start } from './client.ts'

const KiB = 1024
const MiB = 1024 * KiB
/** Small enough that a test is quick; a PUT of more than 600 kB is refused. */
const uploadSizes = { chunk: 256 * KiB, buffered: 100, resumable: 512 * KiB }
const quirks: Quirks = { ...vendors.acr, putLimit: 600_000 }

describe('a blob in chunks', () => {
  it('follows a PUT that was too large, each piece with its length and a plain range', async () => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { bytes, content } = random(MiB + 1)
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(holds(fake, 'a', content, bytes)).toBe(true)
    const patches = fake.requests.filter((one) => one.method === 'PATCH')
    expect(patches.map((one) => one.headers['content-range'])).toEqual([
      '0-262143',
      '262144-524287',
      '524288-786431',
      '786432-1048575',
      '1048576-1048576',
    ])
    expect(patches.every((one) => one.headers['content-length'] !== undefined)).toBe(true)
    expect(fake.state.uploads.size).toBe(0)
  })

  it('sends pieces that ghcr.io takes when nothing else is said', async () => {
    const { fake, registry } = await start({ quirks: { ...vendors.ghcr, putLimit: 5 * MiB } })
    const { bytes, content } = random(9 * MiB)
    await registry.repository('a').push(content, contentOf(bytes))
    expect(holds(fake, 'a', content, bytes)).toBe(true)
    expect(fake.log(/^PATCH/)).toHaveLength(3)
  })

  it.each([
    ['cuts its pieces until a proxy lets them through', { ...quirks, bodyLimit: 100 * KiB }],
    ['cuts its pieces until the registry takes them', { ...quirks, patchLimit: 70 * KiB }],
    ['sends pieces as large as the registry wants', { ...quirks, chunkMinLength: 400 * KiB }],
    ['does not believe a stale Range', { ...quirks, staleRange: true, patchCreated: true }],
    ['follows relative addresses', { ...quirks, location: 'relative' as const }],
  ])('%s', async (_, quirks) => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { bytes, content } = random(MiB)
    await registry.repository('a').push(content, contentOf(bytes))
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('gives up where even small pieces are too large', async () => {
    const { fake, registry } = await start({ quirks: { ...quirks, bodyLimit: 10 * KiB } }, { uploadSizes })
    const { bytes, content } = random(MiB)
    const push = registry.repository('a').push(content, contentOf(bytes))
    await expect(push).rejects.toMatchObject({ code: 'TOO_LARGE', hint: expect.stringContaining('proxy') })
    expect(fake.state.uploads.size).toBe(0)
  })

  it('refuses pieces too large to hold in memory', async () => {
    const { registry } = await start({ quirks: { ...quirks, chunkMinLength: 200 * MiB } }, { uploadSizes })
    const { bytes, content } = random(MiB)
    const push = registry.repository('a').push(content, contentOf(bytes))
    await expect(push).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('never becomes a blob when its bytes are wrong', async () => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { content } = random(MiB)
    const push = registry.repository('a').push(content, contentOf(random(MiB).bytes))
    await expect(push).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(fake.repository('a')?.blobs.size ?? 0).toBe(0)
    expect(fake.state.uploads.size).toBe(0)
  })
})

describe('chunks that are interrupted', () => {
  it.each([
    ['the connection is reset half-way', { resetAfter: 100_000 }],
    ['the connection is reset at once', { resetAfter: 0 }],
    ['the answer is lost', { loseAnswer: true }],
    ['the registry fails for a moment', { status: 503 }],
  ])('resume where the registry stands when %s', async (_, fault) => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { bytes, content } = random(MiB)
    let opened = 0
    const counted = {
      open() {
        opened++
        return contentOf(bytes).open()
      },
    }
    fake.fail({ method: 'PATCH', after: 2, ...fault })
    await registry.repository('a').push(content, counted)
    expect(holds(fake, 'a', content, bytes)).toBe(true)
    // Once for the PUT that was too large, once for all chunks.
    expect(opened).toBe(2)
    expect(fake.log(/^GET .*uploads/)).toHaveLength(1)
  })

  it('start over when the registry forgot the upload', async () => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { bytes, content } = random(MiB)
    const body = '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}'
    fake.fail({ method: 'PATCH', after: 2, status: 404, body })
    await registry.repository('a').push(content, contentOf(bytes))
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('start over when the closing PUT fails', async () => {
    const { fake, registry } = await start({ quirks }, { uploadSizes })
    const { bytes, content } = random(MiB)
    fake.fail({ method: 'PUT', after: 1, loseAnswer: true })
    await registry.repository('a').push(content, contentOf(bytes))
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })
})

describe('memory', () => {
  it('does not grow with the blob', async () => {
    const { registry } = await start({ quirks: { ...quirks, bodyLimit: 1 } }, { uploadSizes })
    const { content } = random(10)
    let pulled = 0
    const endless = {
      async *open() {
        for (;;) {
          pulled += 65_536
          yield new Uint8Array(65_536)
        }
      },
    }
    const push = registry.repository('a').push({ ...content, size: 2 ** 40 }, endless)
    await expect(push).rejects.toMatchObject({ code: expect.stringMatching(/TOO_LARGE|HOST_UNREACHABLE/) })
    expect(pulled).toBeLessThan(32 * MiB)
  })
})

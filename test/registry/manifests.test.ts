import { describe, expect, it } from 'vitest'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { contentOf } from '../../src/store/store.ts'
import { vendors } from '../fake/quirks.ts'
import { connect, emptyConfig, manifestOf, publish, random, start, tag } from './client.ts'

describe('resolving', () => {
  it('is one HEAD', async () => {
    const { fake, registry } = await start()
    const manifest = await publish(registry.repository('a'), ['1.0.0'])
    fake.clearLog()
    expect(await registry.repository('a').resolve(tag('1.0.0'))).toEqual(manifest.descriptor)
    expect(fake.log()).toEqual(['HEAD /v2/a/manifests/1.0.0'])
  })

  it('reads the manifest where HEAD does not tell', async () => {
    const { registry } = await start({ quirks: vendors.artifactory })
    const manifest = await publish(registry.repository('a'), ['1.0.0'])
    expect(await registry.repository('a').resolve(tag('1.0.0'))).toEqual(manifest.descriptor)
  })

  it('is undefined where 403 stands for missing', async () => {
    const { registry } = await start({ quirks: vendors.artifactory })
    const store = registry.repository('a')
    const manifest = await publish(store, ['1.0.0'])
    expect(await store.resolve(tag('2.0.0'))).toBeUndefined()
    expect(await store.manifest(manifestOf({ annotations: { a: 'b' } }).descriptor)).toBeUndefined()
    expect(await store.exists(manifest.descriptor)).toBe(true)
    expect(await registry.repository('new').resolve(tag('1.0.0'))).toBeUndefined()
  })

  it('is DENIED where 403 means that', async () => {
    const credential = { kind: 'basic', username: 'u', password: 'p', source: 'test' } as const
    const auth = { kind: 'basic', username: 'u', password: 'p', denied: ['a'] } as const
    const { registry } = await start({ auth }, { credential })
    await expect(registry.repository('a').resolve(tag('1.0.0'))).rejects.toMatchObject({ code: 'DENIED' })
  })

  it('is DENIED where a tag is listed but may not be read', async () => {
    const { fake, registry } = await start()
    await publish(registry.repository('a'), ['1.0.0'])
    fake.fail({ path: /manifests/, status: 403, times: 2 })
    await expect(registry.repository('a').resolve(tag('1.0.0'))).rejects.toMatchObject({ code: 'DENIED' })
  })
})

describe('reading a manifest', () => {
  it('verifies the digest that was asked for and the one the registry names', async () => {
    const { fake, registry } = await start()
    const manifest = await publish(registry.repository('a'), ['1.0.0'])
    for (const reference of [manifest.descriptor.digest, tag('1.0.0')]) {
      fake.fail({ method: 'GET', corrupt: true })
      await expect(registry.repository('a').manifest(reference)).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      })
    }
  })

  it('refuses more than 4 MiB', async () => {
    const { fake, registry } = await start()
    const bytes = Buffer.alloc(4 * 1024 * 1024 + 1, ' ')
    fake.fail({ method: 'GET', status: 200, body: bytes.toString() })
    await expect(registry.repository('a').manifest(tag('1.0.0'))).rejects.toMatchObject({
      code: 'MANIFEST_TOO_LARGE',
    })
  })

  it('refuses what is no manifest', async () => {
    const { fake, registry } = await start()
    fake.fail({ method: 'GET', status: 200, body: '<html>' })
    await expect(registry.repository('a').manifest(tag('1.0.0'))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    })
  })
})

describe('writing a manifest', () => {
  it('is one PUT in a repository that is new', async () => {
    const { fake, registry } = await start()
    const store = registry.repository('a')
    await Array.fromAsync(store.tags())
    await store.push(descriptorOf(mediaType.empty, emptyConfig), contentOf(emptyConfig))
    fake.clearLog()
    const manifest = manifestOf()
    expect(await store.put(manifest)).toBe('uploaded')
    expect(await store.put(manifest)).toBe('present')
    expect(fake.log()).toEqual([`PUT /v2/a/manifests/${manifest.descriptor.digest}`])
    expect(fake.requests[0]?.headers['content-type']).toBe(mediaType.manifest)
  })

  it('asks first elsewhere', async () => {
    const { fake, registry } = await start()
    const manifest = await publish(registry.repository('a'))
    fake.clearLog()
    expect(await connect(fake).repository('a').put(manifest)).toBe('present')
    expect(fake.log()).toEqual([`HEAD /v2/a/manifests/${manifest.descriptor.digest}`])
  })

  it('sets tags in order', async () => {
    const { fake, registry } = await start()
    const manifest = await publish(registry.repository('a'))
    fake.clearLog()
    await registry.repository('a').tag(manifest, ['1.0.0', '1.0', 'latest'].map(tag))
    expect(fake.log()).toEqual(['1.0.0', '1.0', 'latest'].map((one) => `PUT /v2/a/manifests/${one}`))
  })

  it('keeps the code when a child is missing, also of an index', async () => {
    const { registry } = await start()
    const store = registry.repository('a')
    const { content } = random(10)
    const missing = manifestOf({}, content)
    await expect(store.put(missing)).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
    const index = { schemaVersion: 2, mediaType: mediaType.index, manifests: [missing.descriptor] } as const
    await expect(store.put(encode(index))).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
  })

  it.each([400, 500])('finds out that a child is missing where the registry only says %i', async (status) => {
    const { fake, registry } = await start()
    const store = registry.repository('a')
    const { bytes, content } = random(10)
    const manifest = manifestOf({}, content)
    const fault = { method: 'PUT', path: /manifests/, status, times: status === 500 ? 4 : 1 }
    fake.fail(fault)
    await expect(store.put(manifest)).rejects.toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' })
    await store.push(content, contentOf(bytes))
    fake.fail(fault)
    await expect(store.put(manifest)).rejects.toMatchObject({ code: 'REGISTRY_ERROR', status })
    expect(await store.put(manifest)).toBe('uploaded')
  })

  it('refuses more than 4 MiB before sending it', async () => {
    const { fake, registry } = await start({ quirks: vendors.harbor })
    const large = manifestOf({ annotations: { a: 'x'.repeat(4 * 1024 * 1024) } })
    await expect(registry.repository('a').tag(large, [tag('1')])).rejects.toMatchObject({
      code: 'MANIFEST_TOO_LARGE',
    })
    expect(fake.requests).toHaveLength(0)
  })

  it('says TOO_LARGE where the registry takes less', async () => {
    const { registry } = await start({ quirks: { manifestLimit: 100 } })
    await expect(registry.repository('a').put(manifestOf())).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  it('repeats a PUT whose answer was lost', async () => {
    const { fake, registry } = await start()
    fake.fail({ method: 'PUT', path: /manifests/, loseAnswer: true })
    const manifest = await publish(registry.repository('a'), ['1.0.0'])
    expect(fake.repository('a')?.tags.get('1.0.0')).toBe(manifest.descriptor.digest)
  })
})

describe.each([
  ['ECR', vendors.ecr],
  ['Harbor', vendors.harbor],
])('immutable tags (%s)', (_, quirks) => {
  it('may be set again to what they are', async () => {
    const { fake, registry } = await start({ quirks })
    const manifest = await publish(registry.repository('a'), ['1.0.0'])
    await connect(fake)
      .repository('a')
      .tag(manifest, [tag('1.0.0')])
    expect(fake.repository('a')?.tags.get('1.0.0')).toBe(manifest.descriptor.digest)
  })

  it('are TAG_IMMUTABLE for anything else', async () => {
    const { fake, registry } = await start({ quirks })
    await publish(registry.repository('a'), ['1.0.0'])
    const other = publish(registry.repository('a'), ['1.0.0'], { annotations: { other: 'yes' } })
    await expect(other).rejects.toMatchObject({
      code: 'TAG_IMMUTABLE',
      exit: 3,
      message: expect.stringContaining(`${fake.host}/a:1.0.0`),
    })
  })
})

describe('errors', () => {
  it('carry what the registry said, on one line and short', async () => {
    const { fake, registry } = await start()
    const message = `bad\n\u001b[31mred\u202e${'x'.repeat(10_000)}`
    const body = JSON.stringify({ errors: [{ code: 'SOMETHING', message }] })
    fake.fail({ method: 'PUT', status: 418, body })
    const put = registry.repository('a').put(manifestOf())
    const error = await put.catch((thrown: unknown) => thrown as Error & { code: string })
    expect(error).toMatchObject({ code: 'REGISTRY_ERROR' })
    expect(String(error)).toMatch(/answered 418 \(SOMETHING: bad \[31mred x+\)$/)
    expect(String(error).length).toBeLessThan(600)
  })

  it('do not read an endless answer', async () => {
    const { fake, registry } = await start()
    fake.fail({ method: 'PUT', status: 418, body: 'x'.repeat(5_000_000) })
    await expect(registry.repository('a').put(manifestOf())).rejects.toMatchObject({ status: 418 })
  })
})

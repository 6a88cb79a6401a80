import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTransport } from '../../src/http/client.ts'
import { createAuth } from '../../src/registry/auth.ts'
import { openRegistry, type RegistryOptions } from '../../src/registry/registry.ts'
import { contentFrom, contentOf } from '../../src/store/store.ts'
import { storeContract } from '../contract/store.ts'
import { type RegistryKind, startRegistry } from '../peers/registries.ts'
import { blob, manifestOf, publish, read, tag } from './client.ts'

function client(host: string, options: Partial<RegistryOptions> = {}) {
  const transport = createTransport({ environment: {}, userAgent: 'test' })
  const auth = createAuth({ transport, credentials: { for: async () => undefined } })
  const release = async () => transport[Symbol.asyncDispose]()
  return openRegistry({ host, plainHttp: true, auth, release, ...options })
}

const kinds = ['distribution2', 'distribution3', 'referrers'] satisfies RegistryKind[]

for (const kind of kinds)
  storeContract(kind, async () => {
    const server = await startRegistry(kind)
    const registry = client(server.url)
    return {
      registry,
      reopen: async () => client(server.url),
      async dispose() {
        await registry[Symbol.asyncDispose]()
        await server.stop()
      },
    }
  })

describe.each(kinds)('%s', (kind) => {
  async function start(options: Partial<RegistryOptions> = {}) {
    const server = await startRegistry(kind)
    const registry = client(server.url, options)
    onTestFinished(async () => {
      await registry[Symbol.asyncDispose]()
      await server.stop()
    })
    return registry
  }

  it('takes a large blob in one piece and in chunks, and mounts it', async () => {
    const registry = await start({ uploadSizes: { buffered: 0 } })
    const bytes = randomBytes(20 * 1024 * 1024)
    const content = blob(bytes)
    const from = registry.repository('from')
    expect(await from.push(content, contentOf(bytes))).toBe('uploaded')
    expect((await read(from.fetch(content))).equals(bytes)).toBe(true)
    expect((await read(from.fetch(content, { offset: 123_456 }))).equals(bytes.subarray(123_456))).toBe(true)
    const outcome = await registry.repository('to').push(content, contentFrom(from, content))
    expect(['mounted', 'uploaded']).toContain(outcome)
    expect(await registry.repository('to').exists(content)).toBe(true)
  })

  it('takes 16 manifests at a time that share one small blob', async () => {
    const registry = await start()
    const store = registry.repository('a')
    await Promise.all(
      Array.from({ length: 16 }, (_, at) => publish(store, [`1.0.${at}`], { annotations: { at: `${at}` } })),
    )
    expect((await Array.fromAsync(store.tags())).length).toBe(16)
  })

  it('keeps referrers of 8 writers at a time', async () => {
    const registry = await start()
    const store = registry.repository('a')
    const subject = await publish(store, ['1.0.0'])
    const all = Array.from({ length: 8 }, (_, at) =>
      manifestOf({ subject: subject.descriptor, artifactType: 'x/y', annotations: { at: `${at}` } }),
    )
    await Promise.all(all.map((one) => store.put(one)))
    const listed = await Array.fromAsync(store.referrers(subject.descriptor, { artifactType: 'x/y' }))
    expect(listed.map((one) => one.digest).sort()).toEqual(all.map((one) => one.descriptor.digest).sort())
    expect((await store.resolve(tag('1.0.0')))?.digest).toBe(subject.descriptor.digest)
  })
})

import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/registry/credential.ts'
import { contentOf } from '../../src/store/store.ts'
import type { AuthMode } from '../fake/auth.ts'
import { vendors } from '../fake/quirks.ts'
import { connect, holds, publish, random, read, start } from './client.ts'

const basic: Credential = { kind: 'basic', username: 'u', password: 'p', source: 'test' }
const identity: Credential = { kind: 'identity', token: 'refresh', source: 'test' }
const user = { username: 'u', password: 'p' }

describe('a registry that wants to know who asks', () => {
  it.each([
    ['by basic', { kind: 'basic', ...user }, basic],
    ['by bearer token', { kind: 'bearer', ...user }, basic],
    ['by identity token', { kind: 'bearer', identity: 'refresh' }, identity],
    ['either way, without a service (Gitea)', { kind: 'gitea', ...user }, basic],
    [
      'and refuses tokens that may delete (Quay)',
      { kind: 'bearer', ...user, refusedAction: 'delete' },
      basic,
    ],
  ] satisfies [string, AuthMode, Credential][])('is told %s', async (_, auth, credential) => {
    const { fake, registry } = await start({ auth }, { credential })
    const { bytes, content } = random(1000)
    const store = registry.repository('a')
    await store.push(content, contentOf(bytes))
    await publish(store, ['1.0.0'])
    expect(holds(fake, 'a', content, bytes)).toBe(true)
    const reader = connect(fake, credential).repository('a')
    expect((await read(reader.fetch(content))).equals(bytes)).toBe(true)
    expect(await Array.fromAsync(reader.tags())).toEqual(['1.0.0'])
  })

  it('is asked for few tokens', async () => {
    const { fake, registry } = await start({ auth: { kind: 'bearer', ...user } }, { credential: basic })
    await publish(registry.repository('a'), ['1', '2', '3'])
    expect(fake.requests.filter((one) => one.path.startsWith('/token'))).toHaveLength(1)
  })

  it('lets anybody read where it wants to', async () => {
    const auth = { kind: 'bearer', ...user, anonymousPull: true } as const
    const { fake, registry } = await start({ auth }, { credential: basic })
    const { bytes, content } = random(10)
    await registry.repository('a').push(content, contentOf(bytes))
    const anonymous = connect(fake).repository('a')
    expect((await read(anonymous.fetch(content))).equals(bytes)).toBe(true)
    await expect(anonymous.push(random(5).content, contentOf(random(5).bytes))).rejects.toHaveProperty('code')
  })
})

describe('a token that ends', () => {
  it('in the middle of an upload is renewed, and the bytes are sent again', async () => {
    const auth = { kind: 'bearer', ...user, tokenUses: 2 } as const
    const { fake, registry } = await start({ auth }, { credential: basic })
    const { bytes, content } = random(1024 * 1024)
    // HEAD and POST use the token up; the PUT is refused with its body under way.
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('between chunks is renewed', async () => {
    const auth = { kind: 'bearer', ...user, tokenUses: 3 } as const
    const uploadSizes = { chunk: 128 * 1024, buffered: 100 }
    const quirks = { ...vendors.acr, putLimit: 500_000 }
    const { fake, registry } = await start({ auth, quirks }, { credential: basic, uploadSizes })
    const { bytes, content } = random(1024 * 1024)
    expect(await registry.repository('a').push(content, contentOf(bytes))).toBe('uploaded')
    expect(holds(fake, 'a', content, bytes)).toBe(true)
  })

  it('before a download is resumed is renewed', async () => {
    const { fake, registry } = await start({ auth: { kind: 'bearer', ...user } }, { credential: basic })
    const { bytes, content } = random(300_000)
    const store = registry.repository('a')
    await store.push(content, contentOf(bytes))
    fake.fail({ method: 'GET', path: /blobs/, truncate: 100_000 })
    const chunks: Uint8Array[] = []
    for await (const chunk of store.fetch(content)) {
      if (chunks.length === 0) fake.expireTokens()
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  })
})

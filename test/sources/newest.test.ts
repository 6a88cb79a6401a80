import { describe, expect, it } from 'vitest'
import { newest } from '../../src/sources/newest.ts'
import { providerOf } from '../../src/sources/provider.ts'
import { extensionId } from '../../src/version/package-id.ts'
import { memorySource } from './memory-source.ts'

const [redis, etcd] = [extensionId('redis'), extensionId('etcd')]
const offline = { unavailable: { cause: 'offline', reason: 'was not fetched before' } } as const

async function found(add: Parameters<typeof memorySource>[0]) {
  const source = memorySource(add)
  await using provider = providerOf({ sourcesOf: () => [source], core: [], locked: new Map() })
  const versions = [...(await newest(provider, [redis, etcd], 2))].map(([id, { version }]) => [id, version])
  return { versions: Object.fromEntries(versions), asked: source.asked.filter((one) => one.includes(' ')) }
}

describe('the newest version that could be chosen', () => {
  it('is a release, and costs one question where nothing is wrong with the highest', async () => {
    const add = { 'redis 1.0.0': {}, 'redis 1.1.0': {}, 'redis 2.0.0-rc.1': {}, 'etcd 3.5.16': {} }
    expect(await found(add)).toEqual({
      versions: { redis: '1.1.0', etcd: '3.5.16' },
      asked: ['redis 1.1.0', 'etcd 3.5.16'],
    })
  })

  it('is none that nobody may ask for: of those that are known the highest', async () => {
    const add = { 'redis 1.0.0': {}, 'redis 1.1.0': offline, 'etcd 3.5.16': offline }
    expect((await found(add)).versions).toEqual({ redis: '1.0.0' })
  })

  it('is not sought below the five highest', async () => {
    const broken = [9, 8, 7, 6, 5].map((minor) => [`redis 1.${minor}.0`, undefined])
    const { versions, asked } = await found({ 'redis 1.0.0': {}, ...Object.fromEntries(broken) })
    expect(versions).toEqual({})
    expect(new Set(asked)).toEqual(new Set(broken.map(([key]) => key)))
  })
})

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Event } from '../../src/core/report.ts'
import { encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { pack } from '../../src/package/pack.ts'
import { parseAddress } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry, Store } from '../../src/store/store.ts'
import { pull } from '../../src/tasks/pull.ts'
import { memoryTree } from '../../src/tree/memory.ts'

let dir: string
let events: Event[]
let store: Store
/** Layers that were read from the registry. */
let fetched: number

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-pull-'))
  events = []
  fetched = 0
  store = memoryRegistry().repository('x/etcd')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function published(annotations?: Record<string, string>): Promise<void> {
  const tree = memoryTree({ 'manifest.yaml': 'name: etcd\ntype: taskserv\nversion: 3.5.16\n' })
  const input = { kind: 'taskserv', name: 'etcd', version: '3.5.16', tree }
  const { encoded } = await pack(input, store, { allowIrreproducible: true })
  const own = { ...encoded.manifest.annotations, ...annotations }
  const artifact = encode<ImageManifest>({ ...encoded.manifest, annotations: own })
  await store.tag(artifact, [parseTag('3.5.16')])
}

function pulled(how: { cacheOnly?: boolean; output?: string } = {}) {
  const counted: Store = {
    ...delegate(store),
    async *fetch(content, call) {
      fetched++
      yield* store.fetch(content, call)
    },
  }
  return pull(
    {
      address: parseAddress('oci://localhost:5000/x/etcd:3.5.16'),
      output: join(dir, how.output ?? 'out'),
      replace: false,
      cacheOnly: how.cacheOnly ?? false,
      cacheDirectory: join(dir, 'cache'),
    },
    {
      clock: systemClock,
      report: { emit: (event) => events.push(event), secret() {} },
      signal: new AbortController().signal,
      environment: {},
      open: async () => ({ repository: () => counted }) as unknown as Registry,
      transport: () => Promise.reject(new Error('nothing is downloaded here')),
      scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
    },
  )
}

const place = 'cache/extensions/taskserv/etcd/3.5.16/artifact.tar.gz'

describe('pulling through the cache', () => {
  it('leaves an extension where the provisioning system looks for it, and fetches it once', async () => {
    await published()
    expect(await pulled()).toMatchObject({ cached: join(dir, place), output: join(dir, 'out') })
    expect(existsSync(join(dir, place))).toBe(true)
    expect(await pulled({ output: 'again' })).toMatchObject({ cached: join(dir, place) })
    expect(fetched).toBe(1)
    expect(readdirSync(join(dir, 'again'))).toEqual(readdirSync(join(dir, 'out')))
  })

  it('fetches again, and says so, what is damaged there', async () => {
    await published()
    await pulled()
    writeFileSync(join(dir, place), 'damaged')
    await pulled({ output: 'again' })
    expect(fetched).toBe(2)
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'CACHE_CORRUPT' }))
    expect(readFileSync(join(dir, 'again/manifest.yaml'), 'utf8')).toContain('name: etcd')
  })

  it('unpacks nothing where only the cache is asked for', async () => {
    await published()
    const result = await pulled({ cacheOnly: true })
    expect(result).toMatchObject({ cached: join(dir, place), files: 0 })
    expect(result.output).toBeUndefined()
    expect(existsSync(join(dir, 'out'))).toBe(false)
  })

  it('keeps what tells no honest name or version out of the cache', async () => {
    await published({ 'dev.slipway.manifest': '{"name":"../etcd","type":"taskserv","version":"3.5.16"}' })
    expect((await pulled()).cached).toBeUndefined()
    expect(existsSync(join(dir, 'cache'))).toBe(false)
    await expect(pulled({ cacheOnly: true })).rejects.toMatchObject({ code: 'NOT_CACHEABLE', exit: 2 })
  })
})

function delegate(to: Store): Store {
  return {
    id: to.id,
    name: to.name,
    resolve: (...args) => to.resolve(...args),
    manifest: (...args) => to.manifest(...args),
    exists: (...args) => to.exists(...args),
    fetch: (...args) => to.fetch(...args),
    tags: (...args) => to.tags(...args),
    referrers: (...args) => to.referrers(...args),
    push: (...args) => to.push(...args),
    put: (...args) => to.put(...args),
    tag: (...args) => to.tag(...args),
  }
}

import { describe, expect, it } from 'vitest'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { aims, listTags, type Moving, moveTags } from '../../src/publishing/moving-tags.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { artifact } from './artifacts.ts'

const all: Moving[] = ['latest', 'major', 'minor']

describe('where moving tags belong', () => {
  it('is the highest stable version each one covers', () => {
    const found = aims(['1.2.3', '1.2.10', '1.10.0', '2.0.0-rc.1', '0.9.0'], all, '')
    expect(Object.fromEntries(found)).toEqual({
      latest: '1.10.0',
      '1': '1.10.0',
      '1.2': '1.2.10',
      '1.10': '1.10.0',
      '0': '0.9.0',
      '0.9': '0.9.0',
    })
  })

  it('never follows a prerelease, even when there is nothing else', () => {
    expect(aims(['1.0.0-alpha', '2.0.0-0'], all, '').size).toBe(0)
  })

  it('never reads a moving tag, another form or rubbish as a version', () => {
    const tags = ['1', '1.9', 'latest', 'v9.0.0', '01.0.0', '1.0', '1.0.0.0', 'sha256-abc.sig', '1.0.0']
    expect(Object.fromEntries(aims(tags, ['latest'], ''))).toEqual({ latest: '1.0.0' })
    expect(Object.fromEntries(aims(tags, all, 'v'))).toEqual({
      latest: 'v9.0.0',
      v9: 'v9.0.0',
      'v9.0': 'v9.0.0',
    })
  })
})

describe('moving tags', () => {
  it('leaves latest alone after a backport and moves the older line only', async () => {
    const store = memoryRegistry().repository('x')
    await tagged(store, '2.0.0', '1.5.0')
    await moveTags(store, { moving: all, prefix: '', now: Date.now }, undefined)
    const backport = await tagged(store, '1.5.1')
    await moveTags(store, { moving: all, prefix: '', now: Date.now }, backport)
    expect(await standing(store, 'latest', '2', '1', '1.5')).toEqual(['2.0.0', '2.0.0', '1.5.1', '1.5.1'])
  })

  it('repairs what a killed release left behind', async () => {
    const store = memoryRegistry().repository('x')
    await tagged(store, '1.0.0')
    await moveTags(store, { moving: ['latest'], prefix: '', now: Date.now }, undefined)
    await tagged(store, '1.1.0')
    expect(await standing(store, 'latest')).toEqual(['1.0.0'])
    await moveTags(store, { moving: ['latest'], prefix: '', now: Date.now }, undefined)
    expect(await standing(store, 'latest')).toEqual(['1.1.0'])
  })

  it('needs two listings and one write for a release that nobody disturbs', async () => {
    const store = memoryRegistry().repository('x')
    const known = await tagged(store, '1.0.0')
    const calls: string[] = []
    await moveTags(counted(store, calls), { moving: ['latest'], prefix: '', now: Date.now }, known)
    expect(calls).toEqual(['tags', 'tag latest', 'tags'])
  })

  it('spares its first listing while an earlier one is fresh, never its last', async () => {
    const store = memoryRegistry().repository('x')
    let time = 0
    const options = { moving: ['latest'] as const, prefix: '' as const, now: () => time }
    const before = await listTags(store, options.now)
    const known = await tagged(store, '1.0.0')
    const calls: string[] = []
    await moveTags(counted(store, calls), options, known, before)
    expect(calls).toEqual(['tag latest', 'tags'])
    time = 5000
    const stale: string[] = []
    await moveTags(counted(store, stale), options, known, before)
    expect(stale).toEqual(['tags', 'resolve latest'])
  })

  it('never trusts an earlier listing alone, even when it asks for nothing', async () => {
    const store = memoryRegistry().repository('x')
    const first = await tagged(store, '1.0.0')
    await store.tag(first.artifact, [parseTag('latest')])
    const options = { moving: ['latest'] as const, prefix: '' as const, now: () => 0 }
    const before = await listTags(store, options.now)
    await tagged(store, '1.1.0')
    await moveTags(store, options, first, before)
    expect(await standing(store, 'latest')).toEqual(['1.1.0'])
  })

  it('sees a version that arrives between its listing and its write', async () => {
    const store = memoryRegistry().repository('x')
    const known = await tagged(store, '1.0.0')
    let arrived = false
    const disturbed: Store = delegate(store, {
      async tag(manifest, tags, call) {
        if (!arrived) {
          arrived = true
          const newer = await tagged(store, '1.1.0')
          await store.tag(newer.artifact, [parseTag('latest')])
        }
        await store.tag(manifest, tags, call)
      },
    })
    await moveTags(disturbed, { moving: ['latest'], prefix: '', now: Date.now }, known)
    expect(await standing(store, 'latest')).toEqual(['1.1.0'])
  })

  it('ends right after 40 releases of one package at once, in any interleaving', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const store = memoryRegistry().repository('x')
      const random = generator(seed)
      const slow = delegate(store, {
        async tag(manifest, tags, call) {
          await ticks(random() * 20)
          await store.tag(manifest, tags, call)
        },
        async *tags(call) {
          const found = await Array.fromAsync(store.tags(call))
          await ticks(random() * 20)
          yield* found
        },
      })
      const versions = Array.from({ length: 40 }, (_, index) => `1.${index % 8}.${Math.floor(index / 8)}`)
      await Promise.all(
        versions.map(async (version) => {
          await ticks(random() * 30)
          const known = await tagged(store, version)
          await moveTags(slow, { moving: all, prefix: '', now: Date.now }, known)
        }),
      )
      expect(await standing(store, 'latest', '1', '1.3')).toEqual(['1.7.4', '1.7.4', '1.3.4'])
    }
  })

  it('goes on with the next version where a listed one has no manifest', async () => {
    const store = memoryRegistry().repository('x')
    const known = await tagged(store, '1.28.0')
    await tagged(store, '1.30.0')
    const broken = delegate(store, {
      manifest: async (reference, call) =>
        reference === '1.30.0' ? undefined : await store.manifest(reference, call),
    })
    await moveTags(broken, { moving: ['latest'], prefix: '', now: Date.now }, known)
    expect(await standing(store, 'latest')).toEqual(['1.28.0'])
  })

  it('asks again for a version that was listed a moment before it could be read', async () => {
    const store = memoryRegistry().repository('x')
    const known = await tagged(store, '1.28.0')
    await tagged(store, '1.30.0')
    let asked = false
    const early = delegate(store, {
      async manifest(reference, call) {
        const found = await store.manifest(reference, call)
        if (reference !== '1.30.0' || asked) return found
        asked = true
        // Its own releaser moves `latest` and ends before this run goes on with what it has seen.
        if (found !== undefined) await store.tag(found, [parseTag('latest')])
        return undefined
      },
    })
    await moveTags(early, { moving: ['latest'], prefix: '', now: Date.now }, known)
    expect(await standing(store, 'latest')).toEqual(['1.30.0'])
  })

  it('gives up with a name and a remedy when versions never stop arriving', async () => {
    const store = memoryRegistry().repository('x')
    let patch = 0
    const known = await tagged(store, '1.0.0')
    const busy = delegate(store, {
      async tag(manifest, tags, call) {
        await store.tag(manifest, tags, call)
        patch += 1
        await tagged(store, `1.0.${patch}`)
      },
    })
    await expect(
      moveTags(busy, { moving: ['latest'], prefix: '', now: Date.now }, known),
    ).rejects.toMatchObject({ code: 'TAGS_NOT_QUIET' })
  })
})

async function tagged(store: Store, ...versions: string[]) {
  let last: { tag: Tag; artifact: Awaited<ReturnType<typeof artifact>> } | undefined
  for (const version of versions) {
    last = { tag: parseTag(version), artifact: await artifact(store, version) }
    await store.tag(last.artifact, [last.tag])
  }
  if (last === undefined) throw new Error('no version given')
  return last
}

/** The version tag that each moving tag equals. */
async function standing(store: Store, ...moving: string[]): Promise<(string | undefined)[]> {
  const versions = new Map<string | undefined, string>()
  for await (const tag of store.tags())
    if (/^\d+\.\d+\.\d+/.test(tag)) versions.set((await store.resolve(tag))?.digest, tag)
  return Promise.all(moving.map(async (tag) => versions.get((await store.resolve(tag as Tag))?.digest)))
}

function delegate(store: Store, overrides: Partial<Store>): Store {
  return {
    id: store.id,
    name: store.name,
    resolve: (...args) => store.resolve(...args),
    manifest: (...args) => store.manifest(...args),
    exists: (...args) => store.exists(...args),
    fetch: (...args) => store.fetch(...args),
    tags: (...args) => store.tags(...args),
    referrers: (...args) => store.referrers(...args),
    push: (...args) => store.push(...args),
    put: (...args) => store.put(...args),
    tag: (...args) => store.tag(...args),
    ...overrides,
  }
}

function counted(store: Store, calls: string[]): Store {
  return delegate(store, {
    tags(call) {
      calls.push('tags')
      return store.tags(call)
    },
    resolve(reference, call) {
      calls.push(`resolve ${reference}`)
      return store.resolve(reference, call)
    },
    tag(manifest, tags, call) {
      calls.push(`tag ${tags.join(' ')}`)
      return store.tag(manifest, tags, call)
    },
  })
}

async function ticks(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await Promise.resolve()
}

/** A small deterministic generator, so that a failing interleaving fails again. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

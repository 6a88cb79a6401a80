import { beforeEach, describe, expect, it } from 'vitest'
import { SlipwayError } from '../../src/core/error.ts'
import type { Event } from '../../src/core/report.ts'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode, type ImageIndex, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { parseAddress } from '../../src/store/address.ts'
import type { Inventory } from '../../src/store/inventory.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import { contentOf, type Registry, type Store } from '../../src/store/store.ts'
import type { Context } from '../../src/tasks/context.ts'
import { type DeleteOptions, deleteReferences } from '../../src/tasks/delete.ts'
import { artifact } from '../publishing/artifacts.ts'

const place = 'oci://host.example/x/kubernetes'
let registry: Registry
let store: Store
let events: Event[]

beforeEach(() => {
  registry = memoryRegistry('host.example')
  store = registry.repository('x/kubernetes')
  events = []
})

const context = (opened: Registry): Context => ({
  clock: { now: () => 0, random: () => 0.5, sleep: async () => {} },
  report: { emit: (event) => events.push(event), secret() {} },
  signal: new AbortController().signal,
  environment: {},
  open: async () => opened,
  transport: () => Promise.reject(new Error('nothing is downloaded here')),
  scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
})

const run = (references: string | string[], options: Partial<DeleteOptions> = {}, opened = registry) =>
  deleteReferences(
    {
      references: [references].flat().map((one) => parseAddress(`${place}${one}`)),
      yes: true,
      withTags: false,
      referrers: false,
      force: false,
      concurrency: 4,
      ...options,
    },
    context(opened),
  )

/** The registry, but its inventory can less. */
function limited(change: (inventory: Inventory) => Partial<Inventory>): Registry {
  const inventory = registry.inventory?.('x/kubernetes') as Inventory
  return { ...registry, inventory: () => ({ ...inventory, ...change(inventory) }) }
}

async function push(name: string, ...tags: string[]): Promise<Encoded> {
  const encoded = await artifact(store, name)
  if (tags.length > 0) await store.tag(encoded, tags.map(parseTag))
  return encoded
}

async function index(children: readonly Encoded[], ...tags: string[]): Promise<Encoded> {
  const manifests = children.map((one) => one.descriptor)
  const encoded = encode<ImageIndex>({ schemaVersion: 2, mediaType: mediaType.index, manifests })
  await store.tag(encoded, tags.map(parseTag))
  return encoded
}

async function signature(subject: Encoded, name: string, ...tags: string[]): Promise<Encoded> {
  const bytes = new TextEncoder().encode(name)
  const layer = descriptorOf('application/octet-stream', bytes)
  await store.push(layer, contentOf(bytes))
  const encoded = encode<ImageManifest>({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    artifactType: 'application/x.signature',
    config: layer,
    layers: [layer],
    subject: subject.descriptor,
  })
  await store.put(encoded)
  if (tags.length > 0) await store.tag(encoded, tags.map(parseTag))
  return encoded
}

const tags = async () => (await Array.fromAsync(store.tags())).sort()
const there = async (one: Encoded) => (await store.resolve(one.descriptor.digest)) !== undefined
const at = (one: Encoded) => `@${one.descriptor.digest}`
const code = (expected: string, exit: number, message = '') =>
  expect.objectContaining({ code: expected, exit, message: expect.stringContaining(message) })

describe('deleting', () => {
  it('only tells what would go until it is told to', async () => {
    const one = await push('a', '1.0.0')
    const told = await run(':1.0.0', { yes: false })
    expect(told).toMatchObject({ exit: 0, repositories: [{ repository: place }] })
    expect(told.repositories[0]?.steps).toMatchObject([
      { do: 'delete', digest: one.descriptor.digest, tags: ['1.0.0'] },
    ])
    expect(told.repositories[0]?.applied).toBeUndefined()
    expect(await there(one)).toBe(true)
    const done = await run(':1.0.0')
    expect(done.repositories[0]?.applied).toMatchObject({
      deleted: [{ digest: one.descriptor.digest }],
      incomplete: [],
    })
    expect(await there(one)).toBe(false)
    expect(await tags()).toEqual([])
  })

  it('takes one of several tags away, and all with their content where that is asked for', async () => {
    const one = await push('a', '1.0.0', '1', 'latest')
    expect((await run(':1')).repositories[0]?.applied).toMatchObject({ untagged: ['1'], deleted: [] })
    expect(await tags()).toEqual(['1.0.0', 'latest'])
    expect(await there(one)).toBe(true)
    await run([':1.0.0', ':latest'])
    expect(await there(one)).toBe(false)
    const other = await push('b', '2.0.0', '2')
    await run(':2', { withTags: true })
    expect(await there(other)).toBe(false)
  })

  it('refuses a digest that has tags, and a shared tag where tags cannot go alone', async () => {
    const one = await push('a', '1.0.0', '1')
    await expect(run(at(one))).rejects.toEqual(code('DELETE_REFUSED', 3, 'also has the tags 1, 1.0.0'))
    const without = limited(({ can }) => ({ can: { ...can, untag: false } }))
    await expect(run(':1', {}, without)).rejects.toEqual(code('DELETE_REFUSED', 3, '--with-tags'))
    expect(await tags()).toEqual(['1', '1.0.0'])
    await run(at(one), { withTags: true })
    expect(await there(one)).toBe(false)
  })

  it('says that a tag stays where only trying told that it cannot go alone', async () => {
    await push('a', '1.0.0', '1')
    const failing = limited(({ can }) => ({
      can: { ...can, untag: 'perhaps' },
      untag: () => Promise.reject(new SlipwayError('UNTAG_UNSUPPORTED', 'no')),
    }))
    expect((await run(':1', {}, failing)).exit).toBe(3)
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'TAG_STAYS' }))
    expect(await tags()).toEqual(['1', '1.0.0'])
  })

  it('refuses what an index needs, but takes its tag away', async () => {
    const child = await push('amd64', '1.0.0-amd64')
    const list = await index([child], '1.0.0')
    await expect(run(at(child), { withTags: true })).rejects.toEqual(
      code('DELETE_REFUSED', 3, `is part of the index 1.0.0 (${list.descriptor.digest})`),
    )
    expect((await run(':1.0.0-amd64')).repositories[0]?.applied).toMatchObject({ untagged: ['1.0.0-amd64'] })
    expect(await there(child)).toBe(true)
    const forced = await run(at(child), { force: true })
    expect(forced.exit).toBe(0)
    expect(await there(child)).toBe(false)
    expect(await there(list)).toBe(true)
  })

  it('deletes an index and says which of its manifests nothing names any more', async () => {
    const [shared, alone] = [await push('amd64'), await push('arm64')]
    const list = await index([shared, alone], '1.0.0')
    await index([shared], '1.0.0-small')
    const result = await run(':1.0.0')
    expect(result.repositories[0]?.left).toEqual([alone.descriptor.digest])
    expect(await there(list)).toBe(false)
    expect(await there(alone)).toBe(true)
  })

  it('leaves no signature without what it signs: refuses, or deletes it first, all the way down', async () => {
    const one = await push('a', '1.0.0')
    const signed = await signature(one, 'sbom')
    const twice = await signature(signed, 'signature of the SBOM')
    await expect(run(':1.0.0')).rejects.toEqual(code('DELETE_REFUSED', 3, '--referrers'))
    expect(await tags()).toEqual(['1.0.0'])
    const result = await run(':1.0.0', { referrers: true })
    expect(result.repositories[0]?.applied?.deleted.map(({ digest }) => digest)).toEqual(
      [twice, signed, one].map((each) => each.descriptor.digest),
    )
    expect(await Promise.all([one, signed, twice].map(there))).toEqual([false, false, false])
  })

  it('takes cosign’s tags with what they are made of, but no other tag of a referrer', async () => {
    const one = await push('a', '1.0.0')
    const style = `sha256-${one.descriptor.digest.slice(7)}.sig`
    await push('signature', style)
    await expect(run(':1.0.0')).rejects.toEqual(code('DELETE_REFUSED', 3, style))
    await run(':1.0.0', { referrers: true })
    expect(await tags()).toEqual([])
    const other = await push('b', '2.0.0')
    await signature(other, 'named', 'signature-of-b')
    await expect(run(':2.0.0', { referrers: true })).rejects.toEqual(
      code('DELETE_REFUSED', 3, 'signature-of-b'),
    )
  })

  it('refuses a signature whose subject stays, unless forced', async () => {
    const one = await push('a', '1.0.0')
    const signed = await signature(one, 'signature')
    await expect(run(at(signed))).rejects.toEqual(code('DELETE_REFUSED', 3, 'which stays'))
    await run(at(signed), { force: true })
    expect(await there(signed)).toBe(false)
    expect(await there(one)).toBe(true)
  })

  it('deletes nothing at all while one of several references is refused or unknown', async () => {
    const one = await push('a', '1.0.0')
    const shared = await push('b', '2.0.0', '2')
    await expect(run([':1.0.0', at(shared)])).rejects.toEqual(code('DELETE_REFUSED', 3))
    await expect(run([':1.0.0', ':9.9.9'])).rejects.toEqual(code('REFERENCE_UNKNOWN', 2, '9.9.9'))
    await expect(run([':1.0.0', ''])).rejects.toEqual(code('REFERENCE_INCOMPLETE', 2))
    expect(await there(one)).toBe(true)
  })

  it('refuses a tag that does not stand for the digest beside it', async () => {
    const one = await push('a', '1.0.0')
    const other = await push('b', '2.0.0')
    await expect(run(`:2.0.0${at(one)}`)).rejects.toEqual(code('REFERENCE_MOVED', 3, other.descriptor.digest))
    await run(`:2.0.0${at(other)}`)
    expect(await tags()).toEqual(['1.0.0'])
  })

  it('stops when a tag came to the digest after it was looked at', async () => {
    const one = await push('a', '1.0.0')
    const racing = limited((inventory) => ({
      delete: async (...given) => {
        await store.tag(one, [parseTag('late')])
        return await inventory.delete(...given)
      },
    }))
    const result = await run(':1.0.0', {}, racing)
    expect(result).toMatchObject({
      exit: 3,
      repositories: [{ applied: { error: { code: 'INVENTORY_CHANGED' }, deleted: [] } }],
    })
    expect(await there(one)).toBe(true)
  })

  it('is refused where nothing can be deleted', async () => {
    const { inventory: _, ...layout } = registry
    await expect(run(':1.0.0', {}, layout)).rejects.toEqual(code('SOURCE_UNSUPPORTED', 2))
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { cached } from '../../src/store/cached.ts'
import { layoutRegistry } from '../../src/store/layout.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { artifact, blobOf } from '../contract/artifacts.ts'
import { temporaryFolder } from './folder.ts'
import { counting } from './recording.ts'

const latest = parseTag('latest')

async function filled() {
  const registry = memoryRegistry()
  const store = counting(registry.repository('one'))
  const root = await artifact(store, 'layer')
  await store.tag(root, [latest])
  const facade: Registry = { ...registry, repository: () => store }
  return { store, root, facade }
}

async function text(source: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(source)).toString()
}

test('content is read once, also by a later process; tags are always asked for', async () => {
  await using folder = await temporaryFolder()
  const { store, root, facade } = await filled()
  const layer = blobOf('layer').descriptor
  for (let run = 0; run < 3; run += 1) {
    const cache = layoutRegistry(folder.path).repository('cache')
    const read = cached(facade, cache).repository('one')
    expect((await read.manifest(latest))?.descriptor).toEqual(root.descriptor)
    expect((await read.manifest(root.descriptor.digest))?.descriptor).toEqual(root.descriptor)
    expect(await text(read.fetch(layer))).toBe('layer')
    expect(await text(read.fetch(layer, { offset: 2 }))).toBe('yer')
  }
  expect(store.fetched).toEqual([layer.digest])
  expect(store.loaded).toEqual([root.descriptor.digest])
  const second = await artifact(store, 'second')
  await store.tag(second, [latest])
  const read = cached(facade, layoutRegistry(folder.path).repository('cache')).repository('one')
  expect((await read.manifest(latest))?.descriptor).toEqual(second.descriptor)
  expect(await Array.fromAsync(layoutRegistry(folder.path).repository('cache').tags())).toEqual([])
})

test('a cache that cannot be written is done without', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'file'), '')
  const { root, facade } = await filled()
  const read = cached(facade, layoutRegistry(join(folder.path, 'file')).repository('cache')).repository('one')
  expect((await read.manifest(latest))?.descriptor).toEqual(root.descriptor)
  expect(await text(read.fetch(blobOf('layer').descriptor))).toBe('layer')
})

test('a range that is not cached comes from the registry', async () => {
  const { store, facade } = await filled()
  const cache = memoryRegistry('cache').repository('cache')
  const read = cached(facade, cache).repository('one')
  const layer = blobOf('layer').descriptor
  expect(await text(read.fetch(layer, { offset: 2 }))).toBe('yer')
  expect(await cache.exists(layer)).toBe(false)
  expect(store.fetched).toEqual([layer.digest])
})

import { expect, test } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { copy } from '../../src/store/copy.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import { rehearse } from '../../src/store/rehearse.ts'
import { artifact } from '../contract/artifacts.ts'
import { counting } from './recording.ts'

const [first, latest] = [parseTag('1.0.0'), parseTag('latest')]

test('a rehearsal tells what would be written, in order, and writes nothing', async () => {
  const source = memoryRegistry('source').repository('one')
  const root = await artifact(source, 'layer')
  const signature = await artifact(source, 'signature', { subject: root.descriptor })
  const registry = memoryRegistry()
  const old = await artifact(registry.repository('one'), 'old')
  await registry.repository('one').tag(old, [latest])
  const rehearsal = rehearse(registry)
  const store = rehearsal.repository('one')
  const from = counting(source)
  await copy(from, root.descriptor, store, { referrers: true, tags: [first, latest] })
  await rehearsal.finish()

  const writes = rehearsal.writes()
  expect(writes.map((one) => [one.repository, one.kind, one.outcome])).toEqual([
    ['one', 'blob', 'uploaded'],
    ['one', 'manifest', 'uploaded'],
    ['one', 'blob', 'uploaded'],
    ['one', 'manifest', 'uploaded'],
    ['one', 'tag', 'created'],
    ['one', 'tag', 'moved'],
  ])
  expect(from.fetched).toEqual([])
  expect((await store.resolve(latest))?.digest).toBe(root.descriptor.digest)
  expect(await Array.fromAsync(store.referrers(root.descriptor))).toHaveLength(1)

  const real = registry.repository('one')
  expect((await real.resolve(latest))?.digest).toBe(old.descriptor.digest)
  expect(await real.resolve(first)).toBeUndefined()
  expect(await real.exists(root.descriptor)).toBe(false)
  expect(await real.exists(signature.descriptor)).toBe(false)
})

test('what is there already is no write', async () => {
  const registry = memoryRegistry()
  const root = await artifact(registry.repository('one'), 'layer')
  await registry.repository('one').tag(root, [latest])
  const rehearsal = rehearse(registry)
  const store = rehearsal.repository('one')
  await artifact(store, 'layer')
  await store.tag(root, [latest])
  expect(rehearsal.writes()).toEqual([])
})

test('a neighbour of the same registry would be mounted from', async () => {
  const registry = memoryRegistry()
  const root = await artifact(registry.repository('one'), 'layer')
  const rehearsal = rehearse(registry)
  const result = await copy(rehearsal.repository('one'), root.descriptor, rehearsal.repository('two'))
  expect(result.blobs).toEqual({ uploaded: 0, mounted: 2, present: 0 })
})

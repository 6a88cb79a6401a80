import { expect, test } from 'vitest'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag, type Tag } from '../../src/oci/reference.ts'
import { applySteps } from '../../src/retention/apply.ts'
import { takeSnapshot } from '../../src/retention/scan.ts'
import type { Inventory } from '../../src/store/inventory.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import { contentOf, type Store } from '../../src/store/store.ts'
import { newest, planOf, policy } from './build.ts'
import { oracle } from './oracle.ts'
import { day, now, type Randomness, randomness } from './random.ts'

const path = 'example/kubernetes'

test('what is read, planned and deleted leaves exactly what the oracle wants, on 400 random registries', async () => {
  let deletions = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomness(seed)
    let time = now
    const registry = memoryRegistry('memory', () => time)
    const store = registry.repository(path)
    await fill(store, random, () => {
      time = now - random.pick([0.01, 2, 50, 300]) * day
    })
    const inventory = registry.inventory?.(path) as Inventory
    const before = await takeSnapshot(path, store, inventory, { concurrency: 4 })
    const { stays } = oracle(before, { newest: 1, otherTags: 'keep', untagged: 'delete', locked: new Set() })
    const { repositories } = await planOf(before, policy(newest(1)))
    const [planned] = repositories
    if (planned === undefined) throw new Error('nothing was planned')
    const applied = await applySteps(planned, before, store, inventory, {})
    expect(applied, `seed ${seed}`).toMatchObject({ incomplete: [], stays: [] })
    expect(applied.error, `seed ${seed}`).toBeUndefined()
    const after = await takeSnapshot(path, store, inventory, { concurrency: 4 })
    expect([...after.manifests.keys()].sort(), `seed ${seed}`).toEqual([...stays].sort())
    // Nothing that is left has lost what it names, and every tag that was promised is where it was.
    for (const [digest, held] of after.manifests)
      expect(held, `seed ${seed}`).toEqual(before.manifests.get(digest))
    for (const { tag, digest } of planned.keep) expect(after.tags.get(tag), `seed ${seed}`).toBe(digest)
    deletions += applied.deleted.length
    // A second run finds nothing left to do.
    const [again] = (await planOf(after, policy(newest(1)))).repositories
    expect(again?.steps, `seed ${seed}`).toEqual([])
  }
  expect(deletions).toBeGreaterThan(400)
}, 120_000)

/** Images, nested indexes that share children, chains of referrers, lists and signatures under tags, moving tags. */
async function fill(store: Store, random: Randomness, wait: () => void): Promise<void> {
  const config = new TextEncoder().encode('{}')
  const empty = descriptorOf(mediaType.empty, config)
  await store.push(empty, contentOf(config))
  const all: Encoded[] = []
  const put = async (manifest: Encoded, tags: readonly string[] = []) => {
    wait()
    await store.tag(manifest, tags.map(parseTag))
    all.push(manifest)
    return manifest
  }
  const image = (name: string, subject?: Encoded) =>
    encode({
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      config: empty,
      layers: [],
      annotations: { name },
      ...(subject === undefined ? {} : { subject: subject.descriptor }),
    })
  const index = (children: readonly Encoded[], name: string) =>
    encode({
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: children.map(({ descriptor }) => descriptor),
      annotations: { name },
    })
  for (let at = 0; at < 1 + random.below(5); at++) await put(image(`image ${at}`))
  for (let at = 0; at < random.below(4); at++)
    await put(index([...new Set([random.pick(all), random.pick(all)])], `index ${at}`))
  for (let at = 0; at < random.below(4); at++) await put(image(`referrer ${at}`, random.pick(all)))
  for (let at = 0; at < random.below(3); at++) {
    const subject = random.pick(all)
    const prefix = subject.descriptor.digest.replace(':', '-')
    const list = all.filter(({ manifest }) => manifest.subject?.digest === subject.descriptor.digest)
    await put(image(`signature ${random.below(2)}`), [`${prefix}.sig`])
    await put(index(list, `list ${at}`), [prefix])
  }
  const names: readonly string[] = [
    '1.0.0',
    '1.1.0',
    '1.2.0',
    '2.0.0-rc.1',
    '2.0.0-rc.2',
    'latest',
    '1',
    'nightly',
  ]
  for (const name of names) {
    if (!random.chance(0.6)) continue
    wait()
    const tag: Tag = parseTag(name)
    await store.tag(random.pick(all), [tag])
  }
}

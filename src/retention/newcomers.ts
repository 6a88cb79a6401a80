import type { Digest } from '../oci/digest.ts'
import { isIndex } from '../oci/manifest.ts'
import { type Inventory, neededAgain } from '../store/inventory.ts'
import type { Call, ReadableStore } from '../store/store.ts'
import { type Snapshot, subjectOfTag } from './snapshot.ts'

/**
 * Looks for what came after a repository was read and needs, or belongs to, what is about to go: a release that
 * shares a platform with an old one, a signature.
 * @throws INVENTORY_CHANGED
 */
export async function refuseNewcomers(
  { manifests, tags }: Snapshot,
  { going, gone }: { readonly going: ReadonlySet<Digest>; readonly gone: ReadonlySet<Digest> },
  store: ReadableStore,
  inventory: Inventory,
  call: Call,
): Promise<void> {
  const fresh = new Set<Digest>()
  for await (const entry of inventory.entries(call)) {
    if (!manifests.has(entry.digest) || gone.has(entry.digest)) fresh.add(entry.digest)
    for (const tag of entry.tags) {
      const subject = subjectOfTag(tag)
      if (subject !== undefined && going.has(subject) && !tags.has(tag))
        throw neededAgain(`${store.name}@${subject}`, tag)
    }
  }
  for (const digest of fresh) {
    const found = await store.manifest(digest, call)
    if (found === undefined) continue
    const { manifest } = found
    const named = isIndex(manifest) ? manifest.manifests : []
    for (const one of manifest.subject === undefined ? named : [...named, manifest.subject]) {
      if (going.has(one.digest)) throw neededAgain(`${store.name}@${one.digest}`, digest)
      // What was not here before may name more.
      if (!manifests.has(one.digest)) fresh.add(one.digest)
    }
  }
}

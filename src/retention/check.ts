import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import { requiredChildren } from '../store/rules.ts'
import type { Call, ReadableStore } from '../store/store.ts'
import type { Snapshot } from './snapshot.ts'

/** Requests at once. */
const concurrency = 16

/**
 * What should still be there and is not: every tag that was not taken away at its digest, every manifest that was
 * not deleted, and the blobs they name. A tag that somebody moved meanwhile is none of our doing.
 */
export async function incompleteness(
  { tags, manifests }: Snapshot,
  { gone, untagged }: { readonly gone: ReadonlySet<Digest>; readonly untagged: ReadonlySet<Tag> },
  store: ReadableStore,
  call: Call,
): Promise<string[]> {
  const faults: string[] = []
  const attempt = async (what: string, look: () => Promise<boolean>) => {
    try {
      if (!(await look())) faults.push(`${what} is gone`)
    } catch (error) {
      call.signal?.throwIfAborted()
      if (!(error instanceof SlipwayError)) throw error
      faults.push(`${what} cannot be checked: ${error.message}`)
    }
  }
  const kept = [...tags].filter(([tag, digest]) => !gone.has(digest) && !untagged.has(tag))
  await mapConcurrent(kept, concurrency, ([tag]) =>
    attempt(`${store.name}:${tag}`, async () => (await store.resolve(tag, call)) !== undefined),
  )
  const blobs = new Set<Digest>()
  await mapConcurrent(
    [...manifests.keys()].filter((digest) => !gone.has(digest)),
    concurrency,
    (digest) =>
      attempt(`${store.name}@${digest}`, async () => {
        const found = await store.manifest(digest, call)
        if (found === undefined) return false
        for (const child of requiredChildren(found.manifest)) {
          if (isManifestType(child.mediaType) || blobs.has(child.digest)) continue
          blobs.add(child.digest)
          await attempt(`${store.name}@${child.digest}, which ${digest} names,`, () =>
            store.exists(child, call),
          )
        }
        return true
      }),
  )
  return faults.sort()
}

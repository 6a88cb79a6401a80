import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import { children, type Encoded } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import { isForeign } from '../store/rules.ts'
import type { Call, ReadableStore } from '../store/store.ts'

/**
 * Proves that a store holds an artifact before a public tag points at it: the manifest's bytes are equal
 * and everything it points to answers a HEAD, down through indexes.
 * @throws READ_BACK_FAILED
 */
export async function readBack(store: ReadableStore, artifact: Encoded, call?: Call): Promise<void> {
  const [found] = await Promise.all([
    store.manifest(artifact.descriptor, call),
    mapConcurrent(children(artifact.manifest), 8, async (child) => {
      if (isForeign(child)) return
      if (isManifestType(child.mediaType)) {
        const below = await store.manifest(child, call)
        if (below === undefined) throw missing(store, child.digest)
        return readBack(store, below, call)
      }
      if (!(await store.exists(child, call))) throw missing(store, child.digest)
    }),
  ])
  if (found === undefined) throw missing(store, artifact.descriptor.digest)
  if (Buffer.compare(found.bytes, artifact.bytes) !== 0)
    throw new SlipwayError(
      'READ_BACK_FAILED',
      `${store.name}@${artifact.descriptor.digest} came back with other bytes`,
    )
}

function missing(store: ReadableStore, digest: string) {
  return new SlipwayError('READ_BACK_FAILED', `${store.name} took ${digest} but does not have it`, {
    hint: 'No tag was moved. Run the same command again; if it stays, the registry loses uploads.',
  })
}

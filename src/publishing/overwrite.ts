import { refused } from '../core/error.ts'
import { type Encoded, isIndex } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import type { ReadableStore } from '../store/store.ts'

export type Verdict = 'new' | 'unchanged' | 'overwrite'

/**
 * What publishing under a tag means for what stands there now. The same config and layers are the same
 * content, from whatever commit: the manifest that is there stays.
 * @throws TAG_EXISTS (exit 3) for other content, unless overwriting is allowed
 */
export function judge(
  existing: Encoded | undefined,
  artifact: Encoded,
  place: { readonly store: ReadableStore; readonly tag: Tag; readonly allowOverwrite: boolean },
): Verdict {
  if (existing === undefined) return 'new'
  if (sameContent(existing, artifact)) return 'unchanged'
  if (place.allowOverwrite) return 'overwrite'
  throw refused(
    'TAG_EXISTS',
    `${place.store.name}:${place.tag} holds other content already (${existing.descriptor.digest}, not ${artifact.descriptor.digest})`,
    {
      hint: 'Raise the version; published versions never change. --allow-overwrite replaces it all the same.',
    },
  )
}

/** Equal config and layers; for an index, equal digests. */
export function sameContent(a: Encoded, b: Encoded): boolean {
  if (a.descriptor.digest === b.descriptor.digest) return true
  if (isIndex(a.manifest) || isIndex(b.manifest)) return false
  const [one, other] = [a.manifest, b.manifest]
  return (
    one.config.digest === other.config.digest &&
    one.artifactType === other.artifactType &&
    one.layers.length === other.layers.length &&
    one.layers.every((layer, index) => layer.digest === other.layers[index]?.digest)
  )
}

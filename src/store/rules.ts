import { hasCode, SlipwayError } from '../core/error.ts'
import { defaultLimits } from '../core/limits.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { children, decode, type Encoded, type Manifest } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'

/** The content itself as one buffer; only for what is bounded, such as manifests. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(source))
}

/**
 * Whether a layer is fetched from its `urls` and may not be redistributed (image spec, layer.md,
 * "Non-Distributable Layers"; Docker calls them foreign). Stores need not hold it.
 */
export function isForeign(content: Descriptor): boolean {
  return (
    content.urls !== undefined &&
    content.urls.length > 0 &&
    /nondistributable|\.foreign\./.test(content.mediaType)
  )
}

/** The children a store has to hold before it takes the manifest, each digest once. */
export function requiredChildren(manifest: Manifest): Descriptor[] {
  const required = children(manifest).filter((child) => !isForeign(child))
  return [...new Map(required.map((child) => [child.digest, child])).values()]
}

/** @throws MANIFEST_BLOB_UNKNOWN naming the first child that `holds` denies */
export async function requireChildren(
  manifest: Encoded,
  where: string,
  holds: (child: Descriptor) => boolean | Promise<boolean>,
): Promise<void> {
  for (const child of requiredChildren(manifest.manifest))
    if (!(await holds(child)))
      throw new SlipwayError(
        'MANIFEST_BLOB_UNKNOWN',
        `${where}: manifest ${manifest.descriptor.digest} names ${child.digest}, which is not there`,
        { hint: 'Push every blob and manifest it names first.' },
      )
}

/** BLOB_UNKNOWN or MANIFEST_UNKNOWN, as the media type says. */
export function unknown(content: Descriptor, where: string): SlipwayError {
  const kind = isManifestType(content.mediaType) ? 'manifest' : 'blob'
  return new SlipwayError(`${kind.toUpperCase()}_UNKNOWN`, `${where} has no ${kind} ${content.digest}`, {
    hint: 'It was never pushed there, or has been deleted.',
  })
}

/** What the bytes under a digest are when they are a manifest; undefined for anything else. */
export function decodeManifest(bytes: Uint8Array, where: string): Encoded | undefined {
  try {
    return decode(bytes, undefined, where)
  } catch (error) {
    if (hasCode(error, 'MANIFEST_INVALID', 'DESCRIPTOR_INVALID')) return undefined
    throw error
  }
}

/** Bytes up to which content is looked at as a manifest. */
export const manifestLimit = defaultLimits.manifest

/** Digests have a colon, tags never do. */
export function isDigestReference(reference: Tag | Digest): reference is Digest {
  return reference.includes(':')
}

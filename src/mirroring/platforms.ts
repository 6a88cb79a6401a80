import { SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Encoded, encode, isIndex } from '../oci/manifest.ts'
import { parsePlatform } from '../oci/platform.ts'

/** What buildkit writes on the attestation of a platform: the digest it is about. */
const attestationOf = 'vnd.docker.reference.digest'

/**
 * An index of the chosen platforms only, with the attestations about them. It is another index with another
 * digest: signatures of the old one do not cover it, those of the platforms still do. What is no index, and an
 * index of which everything is chosen, stays as it is.
 * @throws PLATFORM_INVALID, MIRROR_PLATFORM_MISSING where a platform is not there
 */
export function select(root: Encoded, platforms: readonly string[], where: string): Encoded {
  const { manifest } = root
  if (!isIndex(manifest)) return root
  const chosen = new Set<Descriptor>()
  for (const text of platforms) {
    const wanted = parsePlatform(text)
    const found = manifest.manifests.filter(
      ({ platform }) =>
        platform?.os === wanted.os &&
        platform.architecture === wanted.architecture &&
        (wanted.variant === undefined || platform.variant === wanted.variant),
    )
    if (found.length === 0)
      throw new SlipwayError('MIRROR_PLATFORM_MISSING', `${where} is not there for ${text}`, {
        side: 'source',
        hint: 'Drop the platform, or exclude the tag.',
      })
    for (const one of found) chosen.add(one)
  }
  const digests = new Set<string>([...chosen].map((one) => one.digest))
  const kept = manifest.manifests.filter(
    (one) => chosen.has(one) || digests.has(one.annotations?.[attestationOf] ?? ''),
  )
  if (kept.length === manifest.manifests.length) return root
  return encode({ ...manifest, manifests: kept })
}

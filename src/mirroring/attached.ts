import type { Digest } from '../oci/digest.ts'
import { parseTag, referrersTag, type Tag } from '../oci/reference.ts'

/** What cosign keeps under a tag made of the digest it is about, and the artifactType that means the same. */
const suffixes = {
  sig: 'application/vnd.dev.cosign.artifact.sig.v1+json',
  att: 'application/vnd.dev.cosign.artifact.att.v1+json',
  sbom: 'application/vnd.dev.cosign.artifact.sbom.v1+json',
} as const

/** The tags of a list that belong to a manifest, of the kinds that are wanted. */
export function attachedTags(
  digest: Digest,
  listed: ReadonlySet<string>,
  referrers: boolean | readonly string[],
): Tag[] {
  if (referrers === false) return []
  return Object.entries(suffixes).flatMap(([suffix, artifactType]) => {
    const text = `${referrersTag(digest)}.${suffix}`
    const wanted = referrers === true || (referrers as readonly string[]).includes(artifactType)
    return wanted && listed.has(text) ? [parseTag(text)] : []
  })
}

/** Whether a list holds tags of that form at all: then it is worth knowing which manifests are in an index. */
export function hasAttachedTags(listed: ReadonlySet<string>): boolean {
  for (const tag of listed) if (/^sha\d+-[0-9a-f]+\.(?:sig|att|sbom)$/.test(tag)) return true
  return false
}

/** Signatures, to which nobody attaches anything. */
export function isSignature(type: string | undefined): boolean {
  return type !== undefined && /^application\/vnd\.(?:dev\.cosign|dev\.sigstore|cncf\.notary)\./.test(type)
}

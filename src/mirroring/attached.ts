import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { children, type Encoded } from '../oci/manifest.ts'
import { isIndexType, isManifestType } from '../oci/media-type.ts'
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

/** Manifests below one index that are looked at for such tags; a hostile graph ends here. */
const mostBelow = 10_000

/** A manifest and every manifest below it: signatures stand on the platforms of an index, too. */
export async function withManifestsBelow(
  root: Descriptor,
  load: (content: Descriptor) => Promise<Encoded | undefined>,
): Promise<Digest[]> {
  const found = new Set<Digest>()
  const open = [root]
  for (let one = open.pop(); one !== undefined && found.size < mostBelow; one = open.pop()) {
    if (!isManifestType(one.mediaType) || found.has(one.digest)) continue
    found.add(one.digest)
    if (!isIndexType(one.mediaType)) continue
    const index = await load(one)
    if (index !== undefined) open.push(...children(index.manifest))
  }
  return [...found]
}

/**
 * Brings the tags that belong to manifests, and those that belong to what these stand for. Each of them is
 * brought once and waits for none of the others, so that tags that name each other in a ring come to an end.
 * @param bring brings one tag and tells which manifests came with it
 */
export async function bringAttached(
  about: readonly Digest[],
  tagsAbout: (digest: Digest) => readonly Tag[],
  bring: (tag: Tag) => Promise<readonly Digest[]>,
): Promise<void> {
  const seen = new Set<Tag>()
  for (let digests = about; digests.length > 0; ) {
    const fresh = [...new Set(digests.flatMap(tagsAbout))].filter((tag) => !seen.has(tag))
    for (const tag of fresh) seen.add(tag)
    digests = (await Promise.all(fresh.map(bring))).flat()
  }
}

/** Signatures, to which nobody attaches anything. */
export function isSignature(type: string | undefined): boolean {
  return type !== undefined && /^application\/vnd\.(?:dev\.cosign|dev\.sigstore|cncf\.notary)\./.test(type)
}

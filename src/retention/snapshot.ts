import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Abilities } from '../store/inventory.ts'

/** One manifest as it stands in a repository. Times are milliseconds since 1970. */
export interface Held {
  readonly digest: Digest
  readonly mediaType: string
  /** Bytes of the manifest itself. */
  readonly size: number
  /** Manifests that this index names and that are here. */
  readonly children: readonly Digest[]
  /** What it refers to, whether that is here or not. */
  readonly subject?: Digest
  /** When it or one of its tags was last written, as the registry tells, or first seen by an earlier run. */
  readonly writtenAt?: number
  readonly pulledAt?: number
  readonly undeletable?: string
  /** Whether the registry's own list has it; others are known since something names them. */
  readonly listed: boolean
  /** Left in the place of a tag by a run that was interrupted. */
  readonly leftover?: true
}

/** Everything of one repository that a decision rests on. */
export interface Snapshot {
  /** Full path in the registry. */
  readonly repository: string
  readonly can: Abilities
  readonly manifests: ReadonlyMap<Digest, Held>
  readonly tags: ReadonlyMap<Tag, Digest>
}

/** What a tag of cosign's form, or of the referrers' tag schema, belongs to. */
export function subjectOfTag(tag: string): Digest | undefined {
  const [, algorithm, encoded = ''] =
    /^(sha256|sha384|sha512)-([0-9a-f]{64,128})(?:\.[\w.-]+)?$/.exec(tag) ?? []
  const length = { sha256: 64, sha384: 96, sha512: 128 }[algorithm ?? '']
  return length === encoded.length ? (`${algorithm}:${encoded}` as Digest) : undefined
}

/** The tags of each digest, sorted. */
export function tagsByDigest({ tags }: Snapshot): ReadonlyMap<Digest, readonly Tag[]> {
  const byDigest = new Map<Digest, Tag[]>()
  for (const [tag, digest] of [...tags].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const all = byDigest.get(digest)
    if (all === undefined) byDigest.set(digest, [tag])
    else all.push(tag)
  }
  return byDigest
}

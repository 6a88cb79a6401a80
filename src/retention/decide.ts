import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { attachedTags, Graph } from './closure.ts'
import { type Held, type Snapshot, tagsByDigest } from './snapshot.ts'

export interface Decision {
  /** Digests that stay. */
  readonly keep: ReadonlySet<Digest>
  /** Digests that go, what names another before it. */
  readonly doomed: readonly Digest[]
  /** Tags that nothing keeps, on digests that stay. */
  readonly loose: readonly Tag[]
}

export interface DecisionBasis {
  /** Tags that stay, whatever the reason. */
  readonly kept: ReadonlyMap<Tag, string>
  /** Digests that stay, wherever they are. */
  readonly locked: ReadonlySet<Digest>
  readonly untagged: 'keep' | 'delete'
  /** Milliseconds since 1970, and of the time in which nothing untagged goes. */
  readonly now: number
  readonly grace: number
  /** Whether a digest that is not here, but is referred to, is nowhere else either. */
  readonly gone: (subject: Digest) => boolean
}

/** What of one repository stays and what goes. Nothing that stays needs, or belongs to, anything that goes. */
export function decide(snapshot: Snapshot, basis: DecisionBasis): Decision {
  const graph = new Graph(snapshot)
  const { manifests, tags } = snapshot
  const roots = new Set<Digest>()
  const condemned = new Set<Digest>()
  const tagged = tagsByDigest(snapshot)
  const attached = attachedTags(snapshot)

  for (const [tag, digest] of tags) {
    const subject = attached.get(tag)
    const held = manifests.get(digest)
    if (held === undefined) continue
    if (basis.kept.has(tag)) roots.add(digest)
    // What belongs to something here shares its fate; with nothing left to belong to it is as good as untagged.
    else if (subject === undefined) condemned.add(digest)
    else if (!manifests.has(subject))
      (isOrphan(subject, basis) && isOld(held, basis) ? condemned : roots).add(digest)
  }
  for (const held of manifests.values()) {
    const { digest, subject } = held
    if (held.undeletable !== undefined || basis.locked.has(digest)) roots.add(digest)
    if (held.leftover === true) condemned.add(digest)
    else if (!tagged.has(digest) && held.listed) {
      const lost = subject !== undefined && !manifests.has(subject)
      if (!isOld(held, basis) || (lost && !isOrphan(subject, basis))) roots.add(digest)
      // What belongs to something that is here goes with that, or stays with it.
      else if (graph.subjects(digest).length === 0 && basis.untagged === 'delete') condemned.add(digest)
    }
  }

  // Children of what goes are listed as untagged, too: only what nothing condemned leads to stays for itself.
  const candidates = graph.below(condemned)
  for (const digest of manifests.keys()) if (!candidates.has(digest)) roots.add(digest)
  const keep = graph.kept(roots)
  const doomed = new Set([...candidates].filter((digest) => !keep.has(digest)))
  const loose = [...tags].flatMap(([tag, digest]) => {
    const subject = attached.get(tag)
    if (!keep.has(digest) || basis.kept.has(tag)) return []
    if (subject === undefined) return [tag]
    if (manifests.has(subject)) return keep.has(subject) ? [] : [tag]
    return isOrphan(subject, basis) && isOld(manifests.get(digest), basis) ? [tag] : []
  })
  return { keep, doomed: graph.ordered(doomed), loose: loose.sort() }
}

/** An unknown age is never old: a release under way looks just like what nobody needs. */
function isOld(held: Held | undefined, { now, grace }: DecisionBasis): boolean {
  return held?.writtenAt !== undefined && now - held.writtenAt >= grace
}

function isOrphan(subject: Digest, { gone, untagged }: DecisionBasis): boolean {
  return untagged === 'delete' && gone(subject)
}

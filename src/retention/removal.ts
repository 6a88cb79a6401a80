import type { Digest } from '../oci/digest.ts'
import { referrersTag, type Tag } from '../oci/reference.ts'
import { Graph } from './closure.ts'
import type { Step } from './plan.ts'
import { type Snapshot, subjectOfTag, tagsByDigest } from './snapshot.ts'

/** What somebody named, and how far they mean it. */
export interface Wanted {
  readonly tags: ReadonlySet<Tag>
  readonly digests: ReadonlySet<Digest>
  /** All tags of a digest go with it. */
  readonly withTags: boolean
  /** What refers to a digest goes with it, all the way down. */
  readonly referrers: boolean
  /** Although something that stays needs it. */
  readonly force: boolean
}

export interface Removal {
  /** In this order: tags, then what names another before the other. */
  readonly steps: readonly Step[]
  /** Why it must not be done; then nothing may be. */
  readonly reasons: readonly string[]
  /** Manifests that nothing will name any more, and that stay. */
  readonly left: readonly Digest[]
  /** Lists of referrers, under the tags that stand in for the API, that lose entries. */
  readonly lists: ReadonlyMap<Tag, ReadonlySet<Digest>>
}

/** What deleting these of one repository means, and whether it may be done; touches nothing. */
export function planRemoval(snapshot: Snapshot, wanted: Wanted): Removal {
  const graph = new Graph(snapshot)
  const names = tagsByDigest(snapshot)
  const parents = parentsOf(snapshot)
  const alone = new Map<Tag, Digest>()
  const doomed = new Set(wanted.digests)
  for (const tag of wanted.tags) {
    const digest = snapshot.tags.get(tag)
    if (digest === undefined || wanted.digests.has(digest)) continue
    const shared = !wanted.withTags && (names.get(digest) ?? []).some((one) => !wanted.tags.has(one))
    const needed = !wanted.force && (parents.get(digest) ?? []).length > 0
    if (snapshot.can.untag !== false && (shared || needed)) alone.set(tag, digest)
    else doomed.add(digest)
  }
  const asked = new Set(doomed)
  if (wanted.referrers) for (const digest of doomed) for (const one of graph.attached(digest)) doomed.add(one)
  const reasons = [...doomed].flatMap((digest) => {
    const tags = names.get(digest) ?? []
    const others = tags.filter((tag) => !wanted.tags.has(tag) && !isOf(tag, doomed))
    const { undeletable } = snapshot.manifests.get(digest) ?? {}
    return [
      ...(others.length === 0 || wanted.withTags
        ? []
        : [`${digest} also has the tags ${others.join(', ')} (--with-tags deletes them, too)`]),
      ...(undeletable === undefined ? [] : [`${digest} cannot go: ${undeletable}`]),
      ...(wanted.force ? [] : needs(digest)),
    ]
  })
  const left = [...doomed]
    .flatMap((digest) => snapshot.manifests.get(digest)?.children ?? [])
    .filter((child) => !doomed.has(child) && !names.has(child) && isAlone(child))
  return {
    steps: [
      ...[...alone].map(([tag, digest]): Step => ({ do: 'untag', tag, digest })),
      ...graph.ordered(doomed).map(
        (digest): Step => ({
          do: 'delete',
          digest,
          mediaType: snapshot.manifests.get(digest)?.mediaType ?? '',
          tags: names.get(digest) ?? [],
          because: asked.has(digest) ? 'asked for' : 'refers to what goes',
        }),
      ),
    ],
    reasons,
    left: [...new Set(left)],
    lists: listsOf(doomed, snapshot),
  }

  function needs(digest: Digest): string[] {
    const stays = (all: readonly Digest[]) => all.filter((one) => !doomed.has(one)).map(shown)
    return [
      ...stays(parents.get(digest) ?? []).map((one) => `${digest} is part of the index ${one}`),
      ...stays(graph.attached(digest)).map(
        (one) => `${one} refers to ${digest} (--referrers deletes it, too)`,
      ),
      ...stays(graph.subjects(digest)).map((one) => `${digest} belongs to ${one}, which stays`),
    ]
  }

  function shown(digest: Digest): string {
    const tags = names.get(digest) ?? []
    return tags.length === 0 ? digest : `${tags.join(', ')} (${digest})`
  }

  function isAlone(digest: Digest): boolean {
    return (parents.get(digest) ?? []).every((parent) => doomed.has(parent))
  }
}

/** The indexes that name each manifest; lists of referrers need nothing of what they name. */
function parentsOf(snapshot: Snapshot): ReadonlyMap<Digest, readonly Digest[]> {
  const lists = new Set<Digest>()
  for (const [tag, digest] of snapshot.tags) if (isList(tag)) lists.add(digest)
  const parents = new Map<Digest, Digest[]>()
  for (const { digest, children } of snapshot.manifests.values()) {
    if (lists.has(digest)) continue
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), digest])
  }
  return parents
}

/** What disappears from lists that stay (distribution spec, "Deleting Manifests"). */
function listsOf(doomed: ReadonlySet<Digest>, { tags, manifests }: Snapshot): Map<Tag, Set<Digest>> {
  const lists = new Map<Tag, Set<Digest>>()
  for (const digest of doomed) {
    const subject = manifests.get(digest)?.subject
    if (subject === undefined) continue
    const tag = referrersTag(subject)
    const list = tags.get(tag)
    if (list === undefined || doomed.has(list)) continue
    lists.set(tag, (lists.get(tag) ?? new Set()).add(digest))
  }
  return lists
}

function isList(tag: Tag): boolean {
  const subject = subjectOfTag(tag)
  return subject !== undefined && referrersTag(subject) === tag
}

/** Whether a tag is made of the digest of one of these. */
function isOf(tag: Tag, digests: ReadonlySet<Digest>): boolean {
  const subject = subjectOfTag(tag)
  return subject !== undefined && digests.has(subject)
}

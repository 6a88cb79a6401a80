import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { type Snapshot, subjectOfTag } from './snapshot.ts'

/** What belongs together in one repository, both ways. */
export class Graph {
  readonly #snapshot: Snapshot
  /** What refers to a manifest: by its subject, or by a tag made of its digest. */
  readonly #attached = new Map<Digest, Set<Digest>>()
  /** What a manifest refers to, the same two ways. */
  readonly #subjects = new Map<Digest, Set<Digest>>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
    for (const { digest, subject } of snapshot.manifests.values())
      if (subject !== undefined) this.#attach(digest, subject)
    for (const [tag, digest] of snapshot.tags) {
      const subject = subjectOfTag(tag)
      if (subject !== undefined) this.#attach(digest, subject)
    }
  }

  /** What refers to a manifest: by its subject, or by a tag made of its digest. */
  attached(digest: Digest): readonly Digest[] {
    return [...(this.#attached.get(digest) ?? [])]
  }

  /** What a manifest refers to and that is here. */
  subjects(digest: Digest): readonly Digest[] {
    return [...(this.#subjects.get(digest) ?? [])]
  }

  /** Everything that goes with these: children and what is attached to them, all the way down. */
  below(roots: Iterable<Digest>): Set<Digest> {
    return this.#reach(roots, (digest) => [...this.#children(digest), ...(this.#attached.get(digest) ?? [])])
  }

  /** Everything that these need or that belongs to them: the same, and what they refer to in turn. */
  kept(roots: Iterable<Digest>): Set<Digest> {
    return this.#reach(roots, (digest) => [
      ...this.#children(digest),
      ...(this.#attached.get(digest) ?? []),
      ...(this.#subjects.get(digest) ?? []),
    ])
  }

  /**
   * These so that what names another comes before it: an index before its children, a signature before what it
   * signs. Broken off anywhere, nothing that is still there names something that is gone.
   */
  ordered(digests: ReadonlySet<Digest>): Digest[] {
    const order: Digest[] = []
    const seen = new Set<Digest>()
    const named = (digest: Digest) =>
      [...this.#children(digest), ...(this.#subjects.get(digest) ?? [])].filter((one) => digests.has(one))
    for (const start of [...digests].sort()) {
      const stack: { digest: Digest; next: Digest[] }[] = []
      const enter = (digest: Digest) => {
        if (seen.has(digest)) return
        seen.add(digest)
        stack.push({ digest, next: named(digest).sort() })
      }
      enter(start)
      for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
        const next = top.next.shift()
        if (next !== undefined) enter(next)
        else {
          order.push(top.digest)
          stack.pop()
        }
      }
    }
    return order.reverse()
  }

  #children(digest: Digest): readonly Digest[] {
    return this.#snapshot.manifests.get(digest)?.children ?? []
  }

  #attach(digest: Digest, subject: Digest): void {
    if (!this.#snapshot.manifests.has(subject) || digest === subject) return
    const attached = this.#attached.get(subject) ?? new Set()
    const subjects = this.#subjects.get(digest) ?? new Set()
    this.#attached.set(subject, attached.add(digest))
    this.#subjects.set(digest, subjects.add(subject))
  }

  #reach(roots: Iterable<Digest>, edges: (digest: Digest) => Iterable<Digest>): Set<Digest> {
    const reached = new Set<Digest>()
    const open = [...roots].filter((digest) => this.#snapshot.manifests.has(digest))
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (reached.has(digest)) continue
      reached.add(digest)
      for (const next of edges(digest))
        if (!reached.has(next) && this.#snapshot.manifests.has(next)) open.push(next)
    }
    return reached
  }
}

/** Tags made of a digest, and that digest. */
export function attachedTags({ tags }: Snapshot): ReadonlyMap<Tag, Digest> {
  const found = new Map<Tag, Digest>()
  for (const tag of tags.keys()) {
    const subject = subjectOfTag(tag)
    if (subject !== undefined) found.set(tag, subject)
  }
  return found
}

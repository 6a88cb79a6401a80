import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type Encoded, referrerDescriptor } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { checked } from './digesting.ts'
import { isDigestReference, requireChildren } from './rules.ts'
import { type Call, type Content, contentOf, type PushOutcome, type Registry, type Store } from './store.ts'

/** Something that would have been written. What is there already is no write. */
export type Write = { readonly repository: string; readonly descriptor: Descriptor } & (
  | { readonly kind: 'blob'; readonly outcome: 'uploaded' | 'mounted' }
  | { readonly kind: 'manifest'; readonly outcome: 'uploaded' }
  | { readonly kind: 'tag'; readonly tag: Tag; readonly outcome: 'created' | 'moved' }
)

/** A registry in which everything seems to happen and nothing does. */
export interface Rehearsal extends Registry {
  /** In the order in which they would have been made. */
  writes(): readonly Write[]
}

/**
 * Records writes in front of a registry; later reads see them. Every dry run is this. Blobs are not read, so
 * that rehearsing costs no transfer: their digests are checked when somebody fetches them. Disposing closes
 * the registry behind.
 */
export function rehearse(registry: Registry): Rehearsal {
  const writes: Write[] = []
  const stores = new Map<string, RehearsedStore>()
  return {
    name: registry.name,
    writes: () => writes,
    repository(path) {
      const store = stores.get(path) ?? new RehearsedStore(registry.repository(path), path, registry, writes)
      stores.set(path, store)
      return store
    },
    async *repositories(call) {
      const seen = new Set<string>()
      for await (const path of registry.repositories(call)) {
        seen.add(path)
        yield path
      }
      for (const path of new Set(writes.map((one) => one.repository))) if (!seen.has(path)) yield path
    },
    ...(registry.assume === undefined ? {} : { assume: registry.assume.bind(registry) }),
    async finish() {},
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}

interface Held {
  readonly descriptor: Descriptor
  readonly content: Content
}

class RehearsedStore implements Store {
  readonly id: string
  readonly name: string
  readonly #below: Store
  readonly #path: string
  readonly #registry: Registry
  readonly #writes: Write[]
  readonly #held = new Map<Digest, Held>()
  readonly #manifests = new Map<Digest, Encoded>()
  readonly #tags = new Map<Tag, Descriptor>()

  constructor(below: Store, path: string, registry: Registry, writes: Write[]) {
    this.id = `rehearsed:${below.id}`
    this.name = below.name
    this.#below = below
    this.#path = path
    this.#registry = registry
    this.#writes = writes
  }

  async resolve(reference: Tag | Digest, call?: Call): Promise<Descriptor | undefined> {
    const own = isDigestReference(reference)
      ? this.#manifests.get(reference)?.descriptor
      : this.#tags.get(reference)
    call?.signal?.throwIfAborted()
    return own ?? this.#below.resolve(reference, call)
  }

  async manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined> {
    call?.signal?.throwIfAborted()
    const tagged = typeof reference === 'string' && !isDigestReference(reference) && this.#tags.get(reference)
    const wanted = tagged ? tagged : reference
    const digest = typeof wanted === 'string' ? wanted : wanted.digest
    return this.#manifests.get(digest as Digest) ?? this.#below.manifest(wanted, call)
  }

  async exists(content: Descriptor, call?: Call): Promise<boolean> {
    call?.signal?.throwIfAborted()
    return (
      this.#held.get(content.digest)?.descriptor.size === content.size || this.#below.exists(content, call)
    )
  }

  async *fetch(
    content: Descriptor,
    call: Call & { readonly offset?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    call.signal?.throwIfAborted()
    const held = this.#held.get(content.digest)
    if (held === undefined) yield* this.#below.fetch(content, call)
    else yield* checked(held.content.open(call.offset), content, this.name, call.offset)
  }

  async *tags(call?: Call): AsyncGenerator<Tag> {
    const seen = new Set<Tag>(this.#tags.keys())
    for await (const tag of this.#below.tags(call)) if (!seen.has(tag)) yield tag
    yield* seen
  }

  async *referrers(
    subject: Descriptor,
    filter: Call & { readonly artifactType?: string } = {},
  ): AsyncGenerator<Descriptor> {
    const seen = new Set<Digest>()
    for await (const one of this.#below.referrers(subject, filter)) {
      seen.add(one.digest)
      yield one
    }
    for (const manifest of this.#manifests.values()) {
      if (manifest.manifest.subject?.digest !== subject.digest || seen.has(manifest.descriptor.digest))
        continue
      const entry = referrerDescriptor(manifest)
      if (filter.artifactType === undefined || entry.artifactType === filter.artifactType) yield entry
    }
  }

  requests(): number {
    return this.#below.requests?.() ?? 0
  }

  async push(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome> {
    if ((await this.exists(content, call)) || this.#held.has(content.digest)) return 'present'
    const outcome = this.#isNeighbour(bytes) ? 'mounted' : 'uploaded'
    this.#held.set(content.digest, { descriptor: content, content: bytes })
    this.#record({ kind: 'blob', descriptor: plain(content), outcome })
    return outcome
  }

  async put(manifest: Encoded, call?: Call): Promise<'uploaded' | 'present'> {
    const { descriptor } = manifest
    if (await this.exists(descriptor, call)) return 'present'
    await requireChildren(manifest, this.name, (child) => this.exists(child, call))
    if (this.#manifests.has(descriptor.digest)) return 'present'
    this.#manifests.set(descriptor.digest, manifest)
    this.#held.set(descriptor.digest, { descriptor, content: contentOf(manifest.bytes) })
    this.#record({ kind: 'manifest', descriptor, outcome: 'uploaded' })
    return 'uploaded'
  }

  async tag(manifest: Encoded, tags: readonly Tag[], call?: Call): Promise<void> {
    await this.put(manifest, call)
    for (const tag of tags) {
      const before = await this.resolve(tag, call)
      if (before?.digest === manifest.descriptor.digest) continue
      const outcome = before === undefined ? 'created' : 'moved'
      this.#tags.set(tag, manifest.descriptor)
      this.#record({ kind: 'tag', descriptor: manifest.descriptor, tag, outcome })
    }
  }

  /** Whether the bytes stand in another repository of the same registry, which would mount them. */
  #isNeighbour({ origin }: Content): boolean {
    if (origin instanceof RehearsedStore) return origin.#registry === this.#registry
    return false
  }

  #record(write: WithoutRepository<Write>): void {
    this.#writes.push({ repository: this.#path, ...write })
  }
}

type WithoutRepository<T> = T extends unknown ? Omit<T, 'repository'> : never

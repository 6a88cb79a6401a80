import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { decode, type Encoded, referrerDescriptor } from '../oci/manifest.ts'
import { parseRepository, type Tag } from '../oci/reference.ts'
import { checked } from './digesting.ts'
import {
  type Deleted,
  type Inventory,
  type InventoryEntry,
  inventoryChanged,
  sameTags,
  tagsChanged,
} from './inventory.ts'
import { Pushes } from './pushes.ts'
import { decodeManifest, isDigestReference, manifestLimit, requireChildren, unknown } from './rules.ts'
import type { Call, Content, PushOutcome, Registry, Store } from './store.ts'

let opened = 0

/**
 * A registry that lives as long as this object; for tests and for what is small.
 * @param now milliseconds since 1970, for when things were pushed
 */
export function memoryRegistry(name = 'memory', now: () => number = Date.now): Registry {
  const stores = new Map<string, MemoryStore>()
  opened += 1
  const id = `memory://${opened}`
  const repository = (path: string): MemoryStore => {
    const store =
      stores.get(path) ?? new MemoryStore(`${id}/${parseRepository(path)}`, `${name}/${path}`, id, now)
    stores.set(path, store)
    return store
  }
  return {
    name,
    repository,
    inventory: (path) => repository(path).inventory(),
    async *repositories(call) {
      call?.signal?.throwIfAborted()
      for (const [path, store] of [...stores].sort(([a], [b]) => (a < b ? -1 : 1)))
        if (!store.empty) yield path
    },
    async finish() {},
    async [Symbol.asyncDispose]() {
      stores.clear()
    },
  }
}

class MemoryStore implements Store {
  readonly id: string
  readonly name: string
  readonly #registry: string
  readonly #content = new Map<Digest, Uint8Array>()
  readonly #tags = new Map<Tag, Descriptor>()
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>()
  /** When a manifest or one of its tags was last written. */
  readonly #written = new Map<Digest, number>()
  readonly #now: () => number
  readonly #pushes = new Pushes()

  constructor(id: string, name: string, registry: string, now: () => number) {
    this.id = id
    this.name = name
    this.#registry = registry
    this.#now = now
  }

  get empty(): boolean {
    return this.#content.size === 0
  }

  async resolve(reference: Tag | Digest, call?: Call): Promise<Descriptor | undefined> {
    call?.signal?.throwIfAborted()
    if (!isDigestReference(reference)) return this.#tags.get(reference)
    return this.#manifest(reference)?.descriptor
  }

  async manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined> {
    if (typeof reference !== 'string') {
      call?.signal?.throwIfAborted()
      const bytes = this.#content.get(reference.digest)
      return bytes && decode(bytes, reference.mediaType, `${this.name}@${reference.digest}`)
    }
    const descriptor = await this.resolve(reference, call)
    return descriptor && this.manifest(descriptor, call)
  }

  async exists(content: Descriptor, call?: Call): Promise<boolean> {
    call?.signal?.throwIfAborted()
    return this.#holds(content)
  }

  async *fetch(content: Descriptor, call: Call & { readonly offset?: number } = {}) {
    const bytes = this.#content.get(content.digest)
    if (bytes === undefined) throw unknown(content, this.name)
    const { offset = 0, signal } = call
    for await (const chunk of checked(pieces(bytes, offset), content, this.name, offset)) {
      signal?.throwIfAborted()
      yield chunk
    }
  }

  async *tags(call?: Call): AsyncGenerator<Tag> {
    call?.signal?.throwIfAborted()
    yield* [...this.#tags.keys()].sort()
  }

  async *referrers(subject: Descriptor, filter: Call & { readonly artifactType?: string } = {}) {
    filter.signal?.throwIfAborted()
    for (const one of this.#referrers.get(subject.digest)?.values() ?? [])
      if (filter.artifactType === undefined || one.artifactType === filter.artifactType) yield one
  }

  async push(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome> {
    if (this.#holds(content)) return 'present'
    const outcome = await this.#pushes.run(content, call, () => this.#bring(content, bytes, call))
    return outcome ?? 'present'
  }

  async put(manifest: Encoded, call?: Call): Promise<'uploaded' | 'present'> {
    call?.signal?.throwIfAborted()
    const { descriptor } = manifest
    await requireChildren(manifest, this.name, (child) => this.#holds(child))
    const present = this.#holds(descriptor)
    this.#content.set(descriptor.digest, manifest.bytes)
    this.#written.set(descriptor.digest, this.#now())
    const subject = manifest.manifest.subject?.digest
    if (subject !== undefined) {
      const listed = this.#referrers.get(subject) ?? new Map<Digest, Descriptor>()
      this.#referrers.set(subject, listed.set(descriptor.digest, referrerDescriptor(manifest)))
    }
    return present ? 'present' : 'uploaded'
  }

  async tag(manifest: Encoded, tags: readonly Tag[], call?: Call): Promise<void> {
    await this.put(manifest, call)
    for (const tag of tags) this.#tags.set(tag, plain(manifest.descriptor))
  }

  inventory(): Inventory {
    return {
      can: {
        untag: true,
        delete: true,
        listUntagged: true,
        listReferrers: true,
        pushedAt: true,
        pulledAt: false,
        restoreDays: 0,
      },
      entries: (call) => this.#entries(call),
      untag: async (tag, expect, call) => {
        call?.signal?.throwIfAborted()
        const found = this.#tags.get(tag)?.digest
        if (found !== expect) throw inventoryChanged(`${this.name}:${tag}`, expect, found)
        this.#tags.delete(tag)
      },
      delete: (digest, expectTags, call) => this.#delete(digest, expectTags, call),
    }
  }

  async *#entries(call?: Call): AsyncGenerator<InventoryEntry> {
    call?.signal?.throwIfAborted()
    for (const [digest, written] of [...this.#written])
      yield { digest, tags: this.#tagsOf(digest), pushedAt: new Date(written) }
  }

  async #delete(digest: Digest, expectTags: readonly Tag[], call?: Call): Promise<Deleted> {
    call?.signal?.throwIfAborted()
    if (!this.#written.has(digest)) return {}
    const tags = this.#tagsOf(digest)
    if (!sameTags(tags, expectTags)) throw tagsChanged(`${this.name}@${digest}`, expectTags, tags)
    for (const tag of tags) this.#tags.delete(tag)
    this.#written.delete(digest)
    this.#content.delete(digest)
    for (const listed of this.#referrers.values()) listed.delete(digest)
    return {}
  }

  #tagsOf(digest: Digest): Tag[] {
    return [...this.#tags].flatMap(([tag, to]) => (to.digest === digest ? [tag] : []))
  }

  async #bring(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome> {
    const origin = bytes.origin
    if (origin instanceof MemoryStore && origin.#registry === this.#registry && origin.#holds(content)) {
      this.#content.set(content.digest, origin.#content.get(content.digest) ?? new Uint8Array())
      return 'mounted'
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of checked(bytes.open(), content, this.name)) {
      call?.signal?.throwIfAborted()
      chunks.push(chunk)
    }
    this.#content.set(content.digest, Buffer.concat(chunks))
    return 'uploaded'
  }

  #holds(content: Descriptor): boolean {
    return this.#content.get(content.digest)?.byteLength === content.size
  }

  #manifest(digest: Digest): Encoded | undefined {
    const bytes = this.#content.get(digest)
    if (bytes === undefined || bytes.byteLength > manifestLimit) return undefined
    return decodeManifest(bytes, `${this.name}@${digest}`)
  }
}

/** A stream's worth of pieces, so that readers meet what a real source gives them. */
async function* pieces(bytes: Uint8Array, offset: number): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

import { hasCode } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { decode, type Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { collect, isDigestReference } from './rules.ts'
import { type Call, type Content, contentFrom, contentOf, type Registry, type Store } from './store.ts'

/**
 * Keeps what is fetched by digest in another store, and serves it from there the next time. Tags, lists of
 * referrers and the question whether something exists always go to the registry: they can change, content
 * under a digest cannot; it is served whichever repository it was first read from. A cache that cannot be written is done without. The cache stays open when this is
 * disposed.
 */
export function cached(registry: Registry, by: Store): Registry {
  const stores = new Map<string, Store>()
  return {
    name: registry.name,
    repository(path) {
      const store = stores.get(path) ?? new CachedStore(registry.repository(path), by)
      stores.set(path, store)
      return store
    },
    repositories: (call) => registry.repositories(call),
    finish: () => registry.finish(),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}

class CachedStore implements Store {
  readonly id: string
  readonly name: string
  readonly #store: Store
  readonly #cache: Store

  constructor(store: Store, cache: Store) {
    this.id = store.id
    this.name = store.name
    this.#store = store
    this.#cache = cache
  }

  resolve(reference: Tag | Digest, call?: Call) {
    return this.#store.resolve(reference, call)
  }

  exists(content: Descriptor, call?: Call) {
    return this.#store.exists(content, call)
  }

  tags(call?: Call) {
    return this.#store.tags(call)
  }

  referrers(subject: Descriptor, filter?: Call & { readonly artifactType?: string }) {
    return this.#store.referrers(subject, filter)
  }

  /** A tag costs one small request that names the digest; the manifest itself then comes from the cache. */
  async manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined> {
    const descriptor =
      typeof reference !== 'string'
        ? reference
        : isDigestReference(reference)
          ? await usable(this.#cache.resolve(reference, call))
          : await this.#store.resolve(reference, call)
    if (descriptor !== undefined && (await usable(this.#cache.exists(descriptor, call)))) {
      const bytes = await usable(collect(this.#cache.fetch(descriptor, call)))
      if (bytes !== undefined) return decode(bytes, descriptor.mediaType, `${this.name}@${descriptor.digest}`)
    }
    const found = await this.#store.manifest(descriptor ?? reference, call)
    if (found !== undefined) await this.#keep(found.descriptor, contentOf(found.bytes), call)
    return found
  }

  async *fetch(
    content: Descriptor,
    call: Call & { readonly offset?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    const there = await usable(this.#cache.exists(content, call))
    // A part can neither be verified nor kept.
    const kept =
      there ||
      ((call.offset ?? 0) === 0 && (await this.#keep(content, contentFrom(this.#store, content, call), call)))
    yield* (kept ? this.#cache : this.#store).fetch(content, call)
  }

  push(content: Descriptor, bytes: Content, call?: Call) {
    return this.#store.push(content, bytes, call)
  }

  put(manifest: Encoded, call?: Call) {
    return this.#store.put(manifest, call)
  }

  tag(manifest: Encoded, tags: readonly Tag[], call?: Call) {
    return this.#store.tag(manifest, tags, call)
  }

  async #keep(content: Descriptor, bytes: Content, call: Call | undefined): Promise<boolean> {
    return (await usable(this.#cache.push(content, bytes, call))) !== undefined
  }
}

/** Undefined where the cache itself is what fails: the registry still has the content. */
async function usable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!hasCode(error, ...cacheFailures)) throw error
    return undefined
  }
}

const cacheFailures = ['DISK_FULL', 'LAYOUT_INVALID', 'LAYOUT_NOT_READABLE', 'LAYOUT_NOT_WRITABLE'] as const

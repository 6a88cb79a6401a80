import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Inventory } from './inventory.ts'

/** What every call takes: a way to stop it. */
export interface Call {
  readonly signal?: AbortSignal
}

/**
 * A registry, a folder of OCI layouts, one layout archive and memory are all this: repositories under one
 * host or root. Owns tokens, request budget, single-flight and the memory of where blobs are.
 * Disposing releases connections and discards what `finish` has not made real.
 */
export interface Registry extends AsyncDisposable {
  /** For errors: `localhost:5000`, `layout:/srv/registry`. */
  readonly name: string
  /** One object per repository and process. @throws REPOSITORY_INVALID */
  repository(path: string): Store
  /** Every repository, or throws: UNSUPPORTED where there is no catalog. */
  repositories(call?: Call): AsyncIterable<string>
  /** What cleaning up works with; left out where nothing can be deleted. @throws REPOSITORY_INVALID */
  inventory?(path: string): Inventory
  /**
   * Leaves out blobs that an earlier archive has, as if they were here. Only archives can, before the first
   * write.
   */
  assume?(earlier: Earlier): void
  /** An archive becomes a file here; others have nothing left to do. */
  finish(): Promise<void>
}

/** What whoever gets an archive has from an earlier one. */
export interface Earlier {
  /** Of the earlier archive's lock, to know it by. */
  readonly lock: Digest
  /** Content by repository, with sizes in bytes. */
  readonly content: ReadonlyMap<string, ReadonlyMap<Digest, number>>
}

/** How a stream is read. */
export interface Reading extends Call {
  /** Bytes to skip; default 0. */
  readonly offset?: number
  /**
   * The reader is done with each chunk before it asks for the next, so its memory may be used again: a large
   * blob then passes through a few buffers instead of leaving its size in garbage. Never set it for a reader
   * that keeps or queues chunks.
   */
  readonly transient?: boolean
}

/** How tags are listed. */
export interface Listing extends Call {
  /** Also the tags that stand in for the referrers API, which are no tags of anybody's content. */
  readonly fallback?: boolean
}

/** Which referrers are listed. */
export interface ReferrersFilter extends Call {
  readonly artifactType?: string
  /** Every tag a moment ago, listed with `fallback`: what stands in for the API need not be asked for. */
  readonly tags?: ReadonlySet<string>
}

/** One repository, read only. */
export interface ReadableStore {
  /** Identity: two stores with one id hold the same content. Key for locks. */
  readonly id: string
  /** For errors: `localhost:5000/prefix/kubernetes`. */
  readonly name: string
  /** What a tag or a manifest's digest stands for; undefined when there is none. */
  resolve(reference: Tag | Digest, call?: Call): Promise<Descriptor | undefined>
  /** A manifest with its exact bytes, verified against the digest; undefined when there is none. */
  manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined>
  /** Whether a blob or manifest is here. */
  exists(content: Descriptor, call?: Call): Promise<boolean>
  /**
   * A blob's or manifest's bytes from `offset`, resumed after interruptions. Digest and size are verified
   * when read from 0; with an offset only the size can be.
   * @throws BLOB_UNKNOWN, MANIFEST_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH
   */
  fetch(content: Descriptor, call?: Reading): AsyncIterable<Uint8Array>
  /** Every tag, or throws; a repository that does not exist has none. */
  tags(call?: Listing): AsyncIterable<Tag>
  /** Every manifest whose subject this is, or throws. */
  referrers(subject: Descriptor, filter?: ReferrersFilter): AsyncIterable<Descriptor>
  /** Requests sent so far for this repository, without repetitions and tokens; undefined off the network. */
  requests?(): number
}

export type PushOutcome = 'uploaded' | 'mounted' | 'present'

/** One repository. */
export interface Store extends ReadableStore {
  /**
   * Brings a blob here; one upload per (store, digest) at a time. Digest and size are verified on the way.
   * @throws DIGEST_MISMATCH, SIZE_MISMATCH
   */
  push(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome>
  /**
   * Writes a manifest under its digest; its children must be here. With a subject, `referrers()` lists it
   * when this returns, even where the manifest was present before.
   * @throws MANIFEST_BLOB_UNKNOWN; what was believed about its children is then forgotten, so that the next
   *   push looks again
   */
  put(manifest: Encoded, call?: Call): Promise<'uploaded' | 'present'>
  /** Points tags at a manifest, writing it where it is missing. */
  tag(manifest: Encoded, tags: readonly Tag[], call?: Call): Promise<void>
}

/** Bytes that can be opened again: after a 401, a reset, or to resume. Never opened when nothing must move. */
export interface Content {
  open(offset?: number, reading?: Pick<Reading, 'transient'>): AsyncIterable<Uint8Array>
  /** Whether reading from 0 checks digest and size already, as every store's `fetch` does. */
  readonly verified?: boolean
  /** The store these bytes come from: a registry may mount instead of receiving them. */
  readonly origin?: ReadableStore
}

/** Content held in memory. */
export function contentOf(bytes: Uint8Array): Content {
  return {
    async *open(offset = 0) {
      if (offset < bytes.byteLength || bytes.byteLength === 0) yield bytes.subarray(offset)
    },
  }
}

/** Content that another store holds. */
export function contentFrom(origin: ReadableStore, content: Descriptor, call?: Call): Content {
  return {
    origin,
    verified: true,
    open: (offset = 0, reading) => origin.fetch(content, { ...call, ...reading, offset }),
  }
}

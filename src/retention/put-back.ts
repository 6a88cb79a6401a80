import type { Digest } from '../oci/digest.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call, Store } from '../store/store.ts'
import type { Graph } from './closure.ts'

/** One manifest that may have to come back. */
export interface Copied {
  readonly manifest: Encoded
  readonly tags: readonly Tag[]
}

/**
 * Signatures go before what they sign. Where the registry then does not let go of that, it would stay unsigned:
 * so they are remembered until it is gone.
 */
export class PutBack {
  readonly #graph: Graph
  readonly #store: Store
  readonly #call: Call
  readonly #attached: ReadonlySet<Digest>
  readonly #gone = new Map<Digest, Copied>()

  constructor(graph: Graph, going: readonly Digest[], store: Store, call: Call) {
    this.#graph = graph
    this.#store = store
    this.#call = call
    this.#attached = graph.below(going.flatMap((digest) => graph.attached(digest)))
  }

  /** To be asked before deleting; undefined for what nothing else would miss. */
  async copy(digest: Digest, tags: readonly Tag[]): Promise<Copied | undefined> {
    if (!this.#attached.has(digest)) return undefined
    const manifest = await this.#store.manifest(digest, this.#call)
    return manifest && { manifest, tags }
  }

  deleted(digest: Digest, copied: Copied | undefined): void {
    if (copied !== undefined) this.#gone.set(digest, copied)
    else for (const one of this.#graph.below(this.#graph.attached(digest))) this.#gone.delete(one)
  }

  /** Writes again what is gone of these, and hands it back; what others name comes first. */
  async *restore(kept: ReadonlySet<Digest>): AsyncGenerator<Digest> {
    for (const [digest, { manifest, tags }] of [...this.#gone].reverse()) {
      if (!kept.has(digest)) continue
      if (tags.length > 0) await this.#store.tag(manifest, tags, this.#call)
      else await this.#store.put(manifest, this.#call)
      this.#gone.delete(digest)
      yield digest
    }
  }
}

import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { PushOutcome } from './store.ts'

/** How many of something were brought here, taken from a neighbour, or there already. */
export interface Counts {
  readonly uploaded: number
  readonly mounted: number
  readonly present: number
}

/** What a copy did, each digest once. */
export class Tally {
  readonly #outcomes = new Map<Digest, { readonly content: Descriptor; readonly outcome: PushOutcome }>()

  /** What moved once stays moved, even when a later look finds it present. */
  note(content: Descriptor, outcome: PushOutcome): void {
    const before = this.#outcomes.get(content.digest)
    if (before === undefined || before.outcome === 'present')
      this.#outcomes.set(content.digest, { content, outcome })
  }

  result(): { readonly blobs: Counts; readonly manifests: Counts; readonly bytes: Counts } {
    const blobs = { uploaded: 0, mounted: 0, present: 0 }
    const manifests = { uploaded: 0, mounted: 0, present: 0 }
    const bytes = { uploaded: 0, mounted: 0, present: 0 }
    for (const { content, outcome } of this.#outcomes.values()) {
      const counts = isManifestType(content.mediaType) ? manifests : blobs
      counts[outcome] += 1
      bytes[outcome] += content.size
    }
    return { blobs, manifests, bytes }
  }
}

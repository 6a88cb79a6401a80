import type { Descriptor } from '../oci/descriptor.ts'
import { sized, verified } from '../store/digesting.ts'
import type { Content } from '../store/store.ts'

/**
 * The bytes of one upload, checked on their way. The last piece is held back until all of them proved right,
 * so a registry never receives the whole of something wrong. Remembers when the bytes themselves were at
 * fault, which no retry mends.
 */
export class Source {
  fault: { readonly error: unknown } | undefined
  readonly #content: Descriptor
  readonly #bytes: Content

  constructor(content: Descriptor, bytes: Content) {
    this.#content = content
    this.#bytes = bytes
  }

  /** @param transient see Reading: for a reader that is done with a chunk when it asks for the next */
  async *open(transient = false): AsyncGenerator<Uint8Array, void, undefined> {
    // What a store fetches is digested there; twice would cost a large blob a second a gigabyte.
    const check = this.#bytes.verified === true ? sized : verified
    let held: Uint8Array | undefined
    try {
      const bytes = this.#bytes.open(0, { transient })
      for await (const chunk of check(bytes, this.#content, 'the content to upload')) {
        if (held !== undefined) yield held
        held = chunk
      }
    } catch (error) {
      this.fault = { error }
      throw error
    }
    if (held !== undefined) yield held
  }

  /** Everything at once: for what is small. */
  async readAll(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.open()) chunks.push(chunk)
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  }
}

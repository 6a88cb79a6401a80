import type { Descriptor } from '../oci/descriptor.ts'
import { verified } from '../store/digesting.ts'
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

  async *open(): AsyncGenerator<Uint8Array, void, undefined> {
    let held: Uint8Array | undefined
    try {
      for await (const chunk of verified(this.#bytes.open(), this.#content, 'the content to upload')) {
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

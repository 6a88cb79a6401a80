import { badInput } from '../core/error.ts'

const size = 512

/** A tar's blocks and bodies, pulled from one stream. */
export class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #name: string
  #rest: Uint8Array = new Uint8Array()
  /** Bytes of the current body, with padding, that nobody has read yet. */
  #ahead = 0

  constructor(source: AsyncIterable<Uint8Array>, name: string) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#name = name
  }

  /** The next header block. */
  async block(): Promise<Buffer> {
    return await this.#exactly(size)
  }

  /** A whole small body, without its padding. */
  async whole(length: number): Promise<Buffer> {
    const bytes = await this.#exactly(length + padding(length))
    return bytes.subarray(0, length)
  }

  /** A body of `length` bytes; `skip` must come before the next block. */
  body(length: number): AsyncIterable<Uint8Array> {
    const pad = padding(length)
    this.#ahead = length + pad
    return this.#stream(pad)
  }

  async skip(): Promise<void> {
    while (this.#ahead > 0) await this.#some(this.#ahead)
  }

  /** Reads the source to its end. */
  async drain(): Promise<void> {
    this.#rest = new Uint8Array()
    while ((await this.#chunks.next()).done !== true);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async *#stream(pad: number): AsyncGenerator<Uint8Array> {
    while (this.#ahead > pad) yield await this.#some(this.#ahead - pad)
  }

  /** At least one and at most `most` bytes of the current body. */
  async #some(most: number): Promise<Uint8Array> {
    await this.#fill()
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.byteLength)
    this.#ahead -= part.byteLength
    return part
  }

  async #exactly(length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    let filled = 0
    while (filled < length) {
      await this.#fill()
      const part = this.#rest.subarray(0, length - filled)
      bytes.set(part, filled)
      filled += part.byteLength
      this.#rest = this.#rest.subarray(part.byteLength)
    }
    return bytes
  }

  async #fill(): Promise<void> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#chunks.next()
      if (next.done === true)
        throw badInput('ARCHIVE_DAMAGED', `${this.#name} is not a whole tar archive: it ends too early`, {
          hint: 'Fetch it again; if it stays so, it was packed wrongly.',
        })
      this.#rest = next.value
    }
  }
}

function padding(length: number): number {
  return (size - (length % size)) % size
}

import type { Dispatcher } from 'undici'
import { SlipwayError } from '../core/error.ts'
import { endpointOf, showUrl } from './address.ts'
import { failureOf } from './failure.ts'
import type { HttpResponse } from './transport.ts'

/** Reading more than this away costs more than a new connection. */
const discardLimit = 128 * 1024

/** An answer from undici; `release` is called once, when the connection is free or gone. */
export class ReceivedResponse implements HttpResponse {
  readonly status: number
  readonly url: URL
  readonly #headers: Dispatcher.ResponseData['headers']
  readonly #body: Dispatcher.ResponseData['body']
  readonly #signal: AbortSignal | undefined
  /** There is nothing to read, so the connection is freed without waiting for the caller to read it. */
  readonly #empty: boolean

  constructor(
    url: URL,
    answer: Dispatcher.ResponseData,
    release: () => void,
    signal: AbortSignal | undefined,
    method: string,
  ) {
    this.url = url
    this.status = answer.statusCode
    this.#headers = answer.headers
    this.#body = answer.body
    this.#signal = signal
    answer.body.once('close', release)
    // A body nobody reads may still fail; whoever reads it is told by its iterator.
    answer.body.on('error', ignore)
    this.#empty = method === 'HEAD' || this.status === 204 || this.header('content-length') === '0'
    if (this.#empty) answer.body.resume()
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' || value === undefined ? value : value.join(', ')
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read()
  }

  async bytes(limit: number): Promise<Uint8Array> {
    if (this.#empty) return new Uint8Array()
    const announced = Number(this.header('content-length'))
    if (announced > limit) {
      this.#body.destroy()
      throw this.#tooLarge(limit)
    }
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.#read()) {
      size += chunk.byteLength
      if (size > limit) throw this.#tooLarge(limit)
      chunks.push(chunk)
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size)
  }

  async discard(): Promise<void> {
    if (this.#empty) return
    await this.#body.dump({ limit: discardLimit }).catch(ignore)
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#empty) return
    try {
      for await (const chunk of this.#body) yield chunk
    } catch (thrown) {
      if (this.#signal?.aborted) throw this.#signal.reason
      throw failureOf(thrown, this.url, 'body').error
    }
  }

  #tooLarge(limit: number): SlipwayError {
    return new SlipwayError(
      'RESPONSE_TOO_LARGE',
      `${endpointOf(this.url)} answered with more than ${limit} bytes to ${showUrl(this.url)}`,
    )
  }
}

function ignore(): void {}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import type { Quirks } from './quirks.ts'
import type { FakeState } from './state.ts'

/** What every route of the fake works with. */
export interface Fake {
  readonly state: FakeState
  readonly quirks: Quirks
  /** `http://localhost:PORT`. */
  readonly url: string
  /** An origin that is not the registry's and takes no credentials. */
  readonly storage: string
}

type Headers = Record<string, string | number | readonly string[]>

/** One request and its answer. */
export class Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly #response: ServerResponse
  readonly #fault: Fault | undefined

  constructor(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) {
    const url = new URL(request.url ?? '/', 'http://fake')
    this.method = request.method ?? 'GET'
    this.path = decodeURIComponent(url.pathname)
    this.query = url.searchParams
    this.request = request
    this.#response = response
    this.#fault = fault
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** The whole body; undefined when the connection was broken on purpose or by the client. */
  async body(): Promise<{ readonly bytes: Buffer; readonly complete: boolean }> {
    const chunks: Buffer[] = []
    let size = 0
    const limit = this.#fault?.resetAfter
    try {
      for await (const chunk of this.request as AsyncIterable<Buffer>) {
        const room = limit === undefined ? chunk.byteLength : limit - size
        chunks.push(chunk.subarray(0, room))
        size += Math.min(chunk.byteLength, room)
        if (limit !== undefined && size >= limit) {
          this.request.socket.destroy()
          return { bytes: Buffer.concat(chunks), complete: false }
        }
      }
    } catch {
      return { bytes: Buffer.concat(chunks), complete: false }
    }
    return { bytes: Buffer.concat(chunks), complete: true }
  }

  async answer(status: number, headers: Headers = {}, body: Buffer | string = ''): Promise<void> {
    const response = this.#response
    if (response.headersSent || response.destroyed) return
    if (this.#fault?.loseAnswer === true) return void this.request.socket.destroy()
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const fault = status < 300 && bytes.byteLength > 0 ? this.#fault : undefined
    const sent = fault?.corrupt === true ? corrupted(bytes) : bytes
    // The body of a request that was refused half-way would be taken for the next request.
    if (!this.request.complete) response.setHeader('connection', 'close')
    const bodyless = status === 204 || status === 304
    response.writeHead(status, { ...(bodyless ? {} : { 'content-length': sent.byteLength }), ...headers })
    if (fault?.truncate !== undefined && this.method === 'GET') {
      response.write(sent.subarray(0, fault.truncate))
      await sleep(5)
      response.destroy()
      return
    }
    response.end(this.method === 'HEAD' ? undefined : sent)
  }

  json(status: number, value: unknown, headers: Headers = {}): Promise<void> {
    return this.answer(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
  }

  error(status: number, code: string, message = code.toLowerCase(), headers: Headers = {}): Promise<void> {
    return this.json(status, { errors: [{ code, message }] }, headers)
  }
}

function corrupted(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const middle = Math.floor(copy.byteLength / 2)
  copy[middle] = (copy[middle] ?? 0) ^ 0xff
  return copy
}

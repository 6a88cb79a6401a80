import { lookup as lookupAddresses } from 'node:dns/promises'
import type { Readable } from 'node:stream'
import { type Clock, systemClock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'
import { defaultLimits, type Limits } from '../core/limits.ts'
import { endpointOf } from './address.ts'
import { type Failure, failureOf } from './failure.ts'
import { Host, type HostSettings } from './host.ts'
import type { ProxyEnvironment } from './proxy.ts'
import { followed, type Lookup, redirectLimit, redirectTarget, refuse } from './redirect.ts'
import { ReceivedResponse } from './response.ts'
import { backoff, isTemporary, mayRepeat, retryAfter } from './retry.ts'
import type { Body, HttpRequest, HttpResponse, Transport } from './transport.ts'

export interface TransportOptions {
  readonly limits?: Partial<Limits>
  /** Settings for `host[:port]`, as they stand under `registries` in the configuration. */
  readonly perHost?: (host: string) => HostSettings | undefined
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case names. */
  readonly environment: ProxyEnvironment
  readonly userAgent: string
  readonly clock?: Clock
  /** Finds a host's addresses, to tell whether a redirect leads inside. */
  readonly lookup?: Lookup
}

/**
 * The transport of this machine. An answer whose body is neither read, discarded nor broken off keeps its
 * place among the `limits.concurrency` requests of its host.
 */
export function createTransport(options: TransportOptions): Transport {
  return new Client(options)
}

const systemLookup: Lookup = async (hostname) =>
  (await lookupAddresses(hostname, { all: true })).map((one) => one.address)

class Client implements Transport {
  readonly #options: TransportOptions
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #hosts = new Map<string, Host>()
  /** Every blob may be a redirect to the same few hosts. */
  readonly #addresses = new Map<string, Promise<readonly string[]>>()
  #closed = false

  constructor(options: TransportOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#clock = options.clock ?? systemClock
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const deadline = this.#clock.now() + this.#limits.deadline
    let current = request
    for (let hops = 0; hops <= redirectLimit; hops++) {
      const response = await this.#persist(current, deadline)
      const location = redirectTarget(current, response)
      if (location === undefined) return response
      await response.discard()
      current = await followed(current, response.url, location, this.#lookup)
    }
    throw refuse(request.url, `more than ${redirectLimit} times`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#hosts.values()].map((host) => host.close()))
  }

  readonly #lookup: Lookup = (hostname) => {
    let addresses = this.#addresses.get(hostname)
    if (addresses === undefined) {
      addresses = (this.#options.lookup ?? systemLookup)(hostname)
      this.#addresses.set(hostname, addresses)
    }
    return addresses
  }

  /** One request with all its retries. */
  async #persist(request: HttpRequest, deadline: number): Promise<HttpResponse> {
    const host = this.#host(request.url)
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= host.retry.retries
      const outcome = await this.#attempt(host, request, deadline)
      const delay = backoff(host.retry, attempt, this.#clock)
      if (outcome instanceof ReceivedResponse) {
        if (!isTemporary(outcome.status)) return outcome
        const asked = retryAfter(outcome.header('retry-after'), this.#clock.now())
        // A host that counts requests counts those of all who ask.
        if (asked !== undefined || outcome.status === 429) host.pace.pause(asked ?? delay)
        if (last || !mayRepeat(request)) return outcome
        await outcome.discard()
        if (asked === undefined && outcome.status !== 429)
          await this.#rest(delay, deadline, request, `answered ${outcome.status}`)
      } else {
        const { error, retry } = outcome
        if (last || retry === 'never' || (retry === 'if-known' && !host.answered)) throw error
        if (retry === 'during' && !mayRepeat(request)) throw error
        await this.#rest(delay, deadline, request, error.message, error)
      }
    }
  }

  async #rest(ms: number, deadline: number, request: HttpRequest, why: string, cause?: Error): Promise<void> {
    if (this.#clock.now() + ms > deadline)
      throw new SlipwayError(
        'DEADLINE_EXCEEDED',
        `no success with ${endpointOf(request.url)} within ${this.#limits.deadline / 1000} s; the last attempt: ${why}`,
        {
          hint: 'Run again later, or allow more time with --deadline.',
          ...(cause === undefined ? {} : { cause }),
        },
      )
    await this.#clock.sleep(ms, request.signal)
  }

  /** @throws the signal's reason, what the request's own body throws, DEADLINE_EXCEEDED */
  async #attempt(host: Host, request: HttpRequest, deadline: number): Promise<ReceivedResponse | Failure> {
    const { signal, body } = request
    signal?.throwIfAborted()
    const streams = body !== undefined && !(body instanceof Uint8Array)
    const entered = host.lane(streams).enter(signal)
    const release = entered instanceof Promise ? await entered : entered
    let source: Source | undefined
    try {
      if (!host.pace.tryStart()) await host.pace.start(deadline, signal)
      const connections = await host.connections()
      if (streams) source = new Source(body)
      const answer = await connections.request({
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: this.#headers(request, streams ? body.size : undefined),
        headersTimeout: request.wait === 'closing' ? this.#limits.closing : host.idle,
        bodyTimeout: host.idle,
        // undici takes any async iterable, which its types leave out.
        body: streams ? (source as unknown as Readable) : (body ?? null),
        signal: signal ?? null,
        // undici would close the connection after every HEAD, for servers that answer it with a body.
        reset: false,
      })
      host.answered = true
      return new ReceivedResponse(request.url, answer, release, signal, request.method)
    } catch (thrown) {
      release()
      if (signal?.aborted) throw signal.reason
      if (source?.failure !== undefined) throw source.failure.error
      if (this.#closed) throw new SlipwayError('HOST_UNREACHABLE', 'the connections have been closed')
      if (thrown instanceof SlipwayError) throw thrown
      return failureOf(thrown, request.url, 'request')
    }
  }

  #headers(request: HttpRequest, size: number | undefined): Record<string, string> {
    const headers: Record<string, string> = { 'user-agent': this.#options.userAgent, ...request.headers }
    if (size !== undefined) headers['content-length'] = String(size)
    return headers
  }

  #host(url: URL): Host {
    const key = url.origin
    let host = this.#hosts.get(key)
    if (host === undefined) {
      const settings = this.#options.perHost?.(url.host) ?? {}
      host = new Host(url, this.#limits, settings, this.#options.environment, this.#clock)
      this.#hosts.set(key, host)
    }
    return host
  }
}

/** A body being sent; remembers when it failed by itself, since that is not the server's fault. */
class Source implements AsyncIterable<Uint8Array> {
  readonly #body: Body
  failure: { readonly error: unknown } | undefined

  constructor(body: Body) {
    this.#body = body
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#body.open()
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }
}

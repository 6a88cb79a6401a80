import type { Dispatcher } from 'undici'
import type { Clock } from '../core/clock.ts'
import type { Limits } from '../core/limits.ts'
import { endpointOf } from './address.ts'
import { Lane } from './lane.ts'
import { type ProxyEnvironment, proxyFor } from './proxy.ts'
import { Pace } from './rate.ts'
import type { RetryPolicy } from './retry.ts'
import { connectOptions, type TlsSettings } from './tls.ts'

/** What the configuration says of one host (`registries.<host>`). Milliseconds. */
export interface HostSettings extends TlsSettings {
  readonly requestsPerSecond?: number
  /** Without a byte in either direction; replaces `limits.idle`. */
  readonly timeout?: number
  readonly retries?: number
  readonly retryDelay?: number
  readonly retryBackoff?: number
}

/** Answers with larger headers are refused; Node's own limit is 16 KiB, some proxies' cookies need more. */
const headerLimit = 32 * 1024

/** Everything kept for one origin: its connections, its turn-taking and what is known of it. */
export class Host {
  readonly retry: RetryPolicy
  readonly idle: number
  readonly pace: Pace
  /** Whether it has ever answered: then a refused connection is a restart rather than a typing error. */
  answered = false
  readonly #requests: Lane
  readonly #uploads: Lane
  readonly #connect: () => Promise<Dispatcher>
  #connections: Promise<Dispatcher> | undefined

  constructor(url: URL, limits: Limits, settings: HostSettings, environment: ProxyEnvironment, clock: Clock) {
    this.retry = {
      retries: settings.retries ?? limits.retries,
      retryDelay: settings.retryDelay ?? limits.retryDelay,
      retryBackoff: settings.retryBackoff ?? limits.retryBackoff,
    }
    this.idle = settings.timeout ?? limits.idle
    this.pace = new Pace(endpointOf(url), clock, settings.requestsPerSecond ?? limits.requestsPerSecond)
    this.#requests = new Lane(limits.concurrency)
    this.#uploads = new Lane(limits.concurrency)
    this.#connect = () => connect(url, limits, settings, environment)
  }

  /**
   * Uploads wait in a lane of their own: they read their bytes from elsewhere, maybe from this very host,
   * and must not hold the place that the reading needs.
   */
  lane(streams: boolean): Lane {
    return streams ? this.#uploads : this.#requests
  }

  connections(): Promise<Dispatcher> {
    this.#connections ??= this.#connect()
    return this.#connections
  }

  async close(): Promise<void> {
    const dispatcher = await this.#connections?.catch(() => undefined)
    await dispatcher?.destroy()
  }
}

async function connect(
  url: URL,
  limits: Limits,
  settings: HostSettings,
  environment: ProxyEnvironment,
): Promise<Dispatcher> {
  const proxy = proxyFor(url, environment)
  const security = url.protocol === 'https:' ? connectOptions(url.host, settings) : {}
  // Only what goes out to a network pays for loading the client.
  const { Pool, ProxyAgent } = await import('undici')
  const options = {
    connections: limits.concurrency * 2,
    // Requests in flight are bounded here, which streams of one HTTP/2 connection would not be.
    allowH2: false,
    maxHeaderSize: headerLimit,
    connectTimeout: limits.connect,
  }
  if (proxy === undefined)
    return new Pool(url.origin, { ...options, connect: { ...security, timeout: limits.connect } })
  return new ProxyAgent({
    ...options,
    uri: proxy.href,
    requestTls: { ...security, timeout: limits.connect, allowH2: false },
    proxyTls: { timeout: limits.connect, allowH2: false },
  })
}

import type { Clock } from '../core/clock.ts'
import { badInput } from '../core/error.ts'
import type { Limits } from '../core/limits.ts'
import { Serial } from '../core/single-flight.ts'
import { backoff } from '../http/retry.ts'
import type { Digest } from '../oci/digest.ts'
import type { Auth } from './auth.ts'

/** How blobs travel up; every size in bytes. */
export interface UploadSizes {
  /** One PATCH of a chunked upload. ghcr.io refuses more than 4 MiB. */
  readonly chunk: number
  /** A blob that failed on its way is sent in chunks from here on, so that little is lost the next time. */
  readonly resumable: number
  /** Up to here a blob is read into memory and verified before the first byte leaves. */
  readonly buffered: number
}

export const defaultUploadSizes: UploadSizes = {
  chunk: 4 * 1024 * 1024,
  resumable: 4 * 1024 * 1024,
  buffered: 256 * 1024,
}

/** Whether `GET /referrers/` works, as far as this host's answers tell. */
export type ReferrersSupport = 'unknown' | 'yes' | 'no'

/** What all repositories of one registry share. */
export class Endpoint {
  /** As users write it: `docker.io`, `localhost:5000`. */
  readonly host: string
  readonly base: URL
  readonly auth: Auth
  readonly limits: Limits
  readonly clock: Clock
  readonly sizes: UploadSizes
  referrers: ReferrersSupport = 'unknown'
  /** Set once the API listed a manifest whose PUT did not answer `OCI-Subject`. */
  listsWithoutHeader = false
  /** One writer per fallback tag. */
  readonly serial = new Serial()
  /** Repositories this one refused to mount from. */
  readonly unmountable = new Set<string>()
  readonly #places = new Map<Digest, string>()

  constructor(options: {
    readonly host: string
    readonly plainHttp: boolean
    readonly auth: Auth
    readonly limits: Limits
    readonly clock: Clock
    readonly sizes: UploadSizes
  }) {
    this.host = options.host
    this.auth = options.auth
    this.limits = options.limits
    this.clock = options.clock
    this.sizes = options.sizes
    const address = `${options.plainHttp ? 'http' : 'https'}://${isDockerHub(options.host) ? 'registry-1.docker.io' : options.host}`
    if (!URL.canParse(address))
      throw badInput('ADDRESS_INVALID', `${JSON.stringify(options.host)} is not a registry's host`, {
        hint: 'Write it as host or host:port.',
      })
    this.base = new URL(address)
  }

  url(path: string): URL {
    return new URL(`/v2/${path}`, this.base)
  }

  /** Where a blob was seen, so that another repository can mount it. */
  placeOf(digest: Digest): string | undefined {
    return this.#places.get(digest)
  }

  remember(digest: Digest, path: string): void {
    if (this.#places.has(digest)) return
    if (this.#places.size >= rememberedPlaces)
      for (const oldest of this.#places.keys()) {
        this.#places.delete(oldest)
        break
      }
    this.#places.set(digest, path)
  }

  /** Waits after so many failures in a row, from 1; what Retry-After asks for is the transport's business. */
  async backOff(failures: number, signal: AbortSignal | undefined): Promise<void> {
    await this.clock.sleep(backoff(this.limits, failures - 1, this.clock), signal)
  }
}

const rememberedPlaces = 100_000

export function isDockerHub(host: string): boolean {
  return host === 'docker.io' || host === 'index.docker.io' || host === 'registry-1.docker.io'
}

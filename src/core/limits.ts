/** Every limit on time and size, with the reason for its default; all can be configured. */
export interface Limits {
  /** Milliseconds until a TCP and TLS connection must stand. */
  readonly connect: number
  /** Milliseconds without a byte in either direction. */
  readonly idle: number
  /** Milliseconds for the answer to the PUT that closes an upload: registries hash the blob there. */
  readonly closing: number
  /** Milliseconds for one request with all its retries. */
  readonly deadline: number
  /** Retries after the first attempt. */
  readonly retries: number
  /** Milliseconds before the first retry. */
  readonly retryDelay: number
  /** Factor between two retries. */
  readonly retryBackoff: number
  /** Requests in flight to one host. */
  readonly concurrency: number
  /** Requests per second to one host; undefined: no limit. */
  readonly requestsPerSecond: number | undefined
  /** Bytes of a manifest: the distribution spec asks registries for at least 4 MiB. */
  readonly manifest: number
}

export const defaultLimits: Limits = {
  connect: 10_000,
  idle: 30_000,
  closing: 300_000,
  deadline: 600_000,
  retries: 3,
  retryDelay: 1000,
  retryBackoff: 2,
  concurrency: 16,
  requestsPerSecond: undefined,
  manifest: 4 * 1024 * 1024,
}

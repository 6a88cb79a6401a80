/** A body that can be sent again after a failed attempt. */
export interface Body {
  /** Bytes; sent as Content-Length, since some registries refuse chunked transfer encoding. */
  readonly size: number
  open(): AsyncIterable<Uint8Array>
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Body
  readonly signal?: AbortSignal
  /** Whether a failed attempt may be sent again as it is; default: true for everything but POST and PATCH. */
  readonly retry?: boolean
  /** `closing` waits for the answer as long as a registry may digest a whole blob. */
  readonly wait?: 'closing'
  /** Redirects are followed for GET and HEAD, credentials stay at home; `manual` hands the 3xx back. */
  readonly redirect?: 'follow' | 'manual'
}

export interface HttpResponse {
  readonly status: number
  /** A header's value by lower-case name; several are joined with ", ". */
  header(name: string): string | undefined
  /** Where the answer came from, after redirects. */
  readonly url: URL
  /** The body once, as a stream that fails on a reset or when idle too long. */
  readonly body: AsyncIterable<Uint8Array>
  /** The whole body. @throws RESPONSE_TOO_LARGE beyond `limit` bytes */
  bytes(limit: number): Promise<Uint8Array>
  /** Reads the rest away so that the connection can serve again. */
  discard(): Promise<void>
}

/**
 * HTTP with everything that has nothing to do with registries: pooling, proxy, TLS, time-outs, retry with
 * back-off, Retry-After for the whole host, requests per second. Answers of any status are returned; only
 * failures to get one are thrown.
 * @throws HOST_UNREACHABLE, TLS_FAILED, TIMED_OUT, DEADLINE_EXCEEDED
 */
export interface Transport extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpResponse>
}

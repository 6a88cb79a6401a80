import { SlipwayError } from '../core/error.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Endpoint } from './endpoint.ts'

/** A listing without pages holds every name at once: 100,000 tags of full length are 13 MB. */
const largestPage = 64 * 1024 * 1024

export interface Page {
  readonly body: Readonly<Record<string, unknown>>
  readonly response: HttpResponse
  /** The address of the next page, when the registry names one. */
  readonly next: URL | undefined
}

/** Reads one page of a listing. @throws LISTING_INVALID */
export async function readPage(endpoint: Endpoint, where: string, response: HttpResponse): Promise<Page> {
  const bytes = await response.bytes(largestPage)
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw invalid(where, 'the answer is not JSON', cause)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid(where, 'the answer is not an object')
  return {
    body: body as Record<string, unknown>,
    response,
    next: nextOf(endpoint, where, response),
  }
}

/** A listing that is longer than any real one never ends. */
const mostPages = 10_000

/**
 * Follows pages to the end: `ask` sends each request and reads its answer.
 * @throws LISTING_INVALID for a page that leads back to one already read
 */
export async function* follow<P extends Page>(
  where: string,
  first: P,
  ask: (next: URL) => Promise<P>,
): AsyncGenerator<P> {
  const read = new Set<string>()
  let page = first
  for (;;) {
    yield page
    const { next } = page
    if (next === undefined) return
    if (read.size >= mostPages) throw invalid(where, `it has more than ${mostPages} pages`)
    if (read.has(next.href)) throw invalid(where, 'its pages lead back to each other')
    read.add(next.href)
    page = await ask(next)
  }
}

/** RFC 8288, as far as registries use it: the target with rel=next. */
function nextOf(endpoint: Endpoint, where: string, response: HttpResponse): URL | undefined {
  const target = /<([^>]*)>\s*(?:;[^,<]*)?;\s*rel="?next"?/i.exec(response.header('link') ?? '')?.[1]
  if (target === undefined) return undefined
  if (!URL.canParse(target, response.url.href)) throw invalid(where, 'the next page has no valid address')
  const next = new URL(target, response.url)
  // A proxy that ends TLS lets a registry name itself with http or another port.
  const home = [endpoint.base.hostname, response.url.hostname]
  if (!home.includes(next.hostname)) throw invalid(where, `the next page is on another host, ${next.host}`)
  return new URL(`${next.pathname}${next.search}`, endpoint.base)
}

export function invalid(where: string, what: string, cause?: unknown): SlipwayError {
  return new SlipwayError('LISTING_INVALID', `${where}: cannot list: ${what}`, {
    hint: 'The registry does not follow the OCI distribution specification.',
    cause,
  })
}

import { isIP } from 'node:net'
import { SlipwayError } from '../core/error.ts'
import { bareHost, isLocalAddress, isLoopback, showUrl } from './address.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'

export const redirectLimit = 10

/** The addresses of a host name; throws where there are none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** Headers that say who asks; they stay with the origin they were meant for. */
const personal = new Set(['authorization', 'cookie', 'proxy-authorization'])

/** The Location of an answer that this request should follow. */
export function redirectTarget(request: HttpRequest, response: HttpResponse): string | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  if (request.redirect === 'manual' || ![301, 302, 303, 307, 308].includes(response.status)) return undefined
  return response.header('location')
}

/**
 * The request that follows a redirect. @throws REDIRECT_REFUSED to another scheme than http and https,
 * from https to http, and from a public host to an address inside the network of this machine
 */
export async function followed(
  request: HttpRequest,
  from: URL,
  location: string,
  lookup: Lookup,
): Promise<HttpRequest> {
  const url = URL.parse(location, from.href)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refuse(from, 'to something that is not a web address')
  if (from.protocol === 'https:' && url.protocol === 'http:')
    throw refuse(from, `from https to ${showUrl(url)}, which is not encrypted`)
  url.username = ''
  url.password = ''
  if (url.origin === from.origin) return { ...request, url }
  if ((await isInside(url.hostname, lookup)) && !(await isInside(from.hostname, lookup)))
    throw refuse(from, `to ${url.host}, an address inside this network`)
  return { ...request, url, headers: withoutPersonal(request.headers ?? {}) }
}

function withoutPersonal(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !personal.has(name.toLowerCase())))
}

/** A name that cannot be looked up, say because only the proxy can, counts as public. */
async function isInside(hostname: string, lookup: Lookup): Promise<boolean> {
  const host = bareHost(hostname)
  if (isLoopback(host) || isLocalAddress(host)) return true
  if (isIP(host) !== 0) return false
  const addresses = await lookup(host).catch(() => [])
  return addresses.some(isLocalAddress)
}

export function refuse(from: URL, what: string): SlipwayError {
  return new SlipwayError('REDIRECT_REFUSED', `${from.host} redirects ${showUrl(from)} ${what}`, {
    hint: 'If the server is yours, correct the address it redirects to.',
  })
}

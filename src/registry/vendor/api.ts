import { SlipwayError } from '../../core/error.ts'
import type { HttpResponse } from '../../http/transport.ts'
import type { Call } from '../../store/store.ts'
import type { Endpoint } from '../endpoint.ts'
import { RegistryError } from '../errors.ts'

/** Bytes of one answer: a hundred entries with all their tags. */
const largest = 16 * 1024 * 1024

export interface ApiRequest {
  readonly method: 'GET' | 'DELETE'
  readonly url: URL
  /** For errors: `listing versions`. */
  readonly what: string
  /** For errors: `ghcr.io/example/kubernetes`. */
  readonly where: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What an interface beside the registry's answered, read whole. */
export interface ApiAnswer {
  readonly response: HttpResponse
  readonly status: number
  readonly body: unknown
}

/** Sends with the credential of the registry's host; the address is one the configuration names. */
export async function askApi(
  endpoint: Endpoint,
  form: 'basic' | 'bearer',
  { method, url, headers = {} }: ApiRequest,
  call: Call,
): Promise<ApiAnswer> {
  const response = await endpoint.auth.sendAs(endpoint.host, form, { method, url, headers, ...call })
  const text = new TextDecoder().decode(await response.bytes(largest))
  return { response, status: response.status, body: parsed(text) }
}

/** Reads a failed answer into an error that says what to do. */
export function apiFailure(
  endpoint: Endpoint,
  { what, where, url }: ApiRequest,
  { status, body }: ApiAnswer,
  hint?: string,
): RegistryError {
  const said = messageIn(body)
  const message = `${where}: ${what} failed: ${url.host} answered ${status}${said === '' ? '' : ` (${said})`}`
  const refused = status === 401 || status === 403 || status === 404
  const { credential } = endpoint.auth
  const sent = credential === undefined ? 'without a credential' : `with ${credential}`
  const code = status === 401 ? 'UNAUTHORIZED' : status === 403 ? 'DENIED' : 'REGISTRY_ERROR'
  return new RegistryError(
    code,
    refused ? `${message}; asked ${sent}` : message,
    status,
    hint ? { hint } : {},
  )
}

/** An answer that does not have the form it should: nothing is deleted on its word. */
export function unexpected({ where, what, url }: ApiRequest): SlipwayError {
  return new SlipwayError(
    'LISTING_INVALID',
    `${where}: ${what} failed: ${url.host} answered in another form`,
    {
      hint: 'Check which backend this host has (--backend), and the address of its API.',
    },
  )
}

/** GitHub has `message`, Harbor a list of `errors`; cut short, without control characters. */
export function messageIn(body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const { message, errors } = body as { message?: unknown; errors?: unknown }
  const first = Array.isArray(errors) ? (errors[0] as { message?: unknown } | undefined)?.message : undefined
  const text = typeof message === 'string' ? message : typeof first === 'string' ? first : ''
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+/g, ' ').slice(0, 300)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A time as such interfaces write it; undefined for none and for year 1, which means never. */
export function timeOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) || time <= 0 ? undefined : new Date(time)
}

export function latest(times: readonly (Date | undefined)[]): Date | undefined {
  const known = times.filter((one) => one !== undefined).map(Number)
  return known.length === 0 ? undefined : new Date(Math.max(...known))
}

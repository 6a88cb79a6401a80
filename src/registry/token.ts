import type { Clock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import { type Credential, describeCredential } from './credential.ts'

/** An access token and what it was asked for. */
export interface Token {
  readonly value: string
  readonly scopes: readonly string[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface TokenRequest {
  /** The registry the token is for, for errors. */
  readonly host: string
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credential: Credential | undefined
}

/** The token specification's default life time, in seconds. */
const defaultLife = 60
const largestAnswer = 256 * 1024

/**
 * Asks a token server (distribution's "Token Authentication Specification" and "OAuth 2").
 * @throws UNAUTHORIZED, DENIED, TOKEN_UNAVAILABLE
 */
export async function requestToken(transport: Transport, clock: Clock, ask: TokenRequest): Promise<Token> {
  const start = clock.now()
  const response = await send(transport, ask)
  if (response.status !== 200) {
    await response.discard()
    throw refusal(ask, response.status)
  }
  const answer = parse(await response.bytes(largestAnswer))
  const value = text(answer, 'token') ?? text(answer, 'access_token')
  // It becomes a header: only what RFC 6750 lets a token consist of.
  if (value === undefined || !/^[\x21-\x7e]+$/.test(value))
    throw new SlipwayError(
      'TOKEN_UNAVAILABLE',
      `the token server ${ask.realm.host} of ${ask.host} answered without a usable token`,
      { hint: 'Its answer must be JSON with "token" or "access_token".' },
    )
  const life = answer?.expires_in
  const seconds = typeof life === 'number' && life > 0 && life < 1e9 ? life : defaultLife
  // Not used in its last moments, so that it does not expire on its way.
  const spare = Math.min(10, seconds / 4)
  return { value, scopes: ask.scopes, expires: start + (seconds - spare) * 1000 }
}

async function send(transport: Transport, ask: TokenRequest): Promise<HttpResponse> {
  const { credential } = ask
  if (credential?.kind !== 'identity') return get(transport, ask, credential)
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'slipway',
    service: ask.service ?? '',
    refresh_token: credential.token,
  })
  if (ask.scopes.length > 0) form.set('scope', ask.scopes.join(' '))
  const response = await transport.send({
    method: 'POST',
    url: ask.realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new TextEncoder().encode(form.toString()),
    retry: true,
  })
  if (response.status !== 404 && response.status !== 405) return response
  await response.discard()
  // Servers without OAuth2 take the identity token as a password.
  return get(transport, ask, {
    ...credential,
    kind: 'basic',
    username: '<token>',
    password: credential.token,
  })
}

function get(
  transport: Transport,
  ask: TokenRequest,
  credential: Credential | undefined,
): Promise<HttpResponse> {
  const url = new URL(ask.realm)
  if (ask.service !== undefined) url.searchParams.set('service', ask.service)
  for (const scope of ask.scopes) url.searchParams.append('scope', scope)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (credential?.kind === 'basic') {
    headers.authorization = basicHeader(credential)
    url.searchParams.set('account', credential.username)
  }
  return transport.send({ method: 'GET', url, headers })
}

/** RFC 7617, in UTF-8. */
export function basicHeader(credential: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}

function refusal(ask: TokenRequest, status: number): SlipwayError {
  const sent =
    ask.credential === undefined ? 'no credential was sent' : `sent was ${describeCredential(ask.credential)}`
  if (status === 408 || status === 429 || status >= 500)
    return new SlipwayError(
      'TOKEN_UNAVAILABLE',
      `the token server ${ask.realm.host} of ${ask.host} answered ${status} (${sent})`,
      { hint: 'This is likely to pass; run again later.' },
    )
  return new SlipwayError(
    status === 403 ? 'DENIED' : 'UNAUTHORIZED',
    `${ask.host} gives no token for ${ask.scopes.join(' ') || 'a login'}: its token server ${ask.realm.host} answered ${status} (${sent})`,
    {
      hint:
        ask.credential === undefined
          ? `Log in: slipway login ${ask.host}.`
          : `Check ${ask.credential.source}: the password may be wrong or expired, or lack these rights.`,
    },
  )
}

function parse(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function text(answer: Record<string, unknown> | undefined, key: string): string | undefined {
  const value = answer?.[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

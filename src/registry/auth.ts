import { type Clock, systemClock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'
import { SingleFlight } from '../core/single-flight.ts'
import { isLoopback } from '../http/address.ts'
import type { HttpRequest, HttpResponse, Transport } from '../http/transport.ts'
import { parseChallenges } from './challenge.ts'
import { type Credential, type CredentialSource, describeCredential } from './credential.ts'
import { covers, mergeScopes, type Scope, scopeTexts } from './scope.ts'
import { basicHeader, requestToken, type Token } from './token.ts'

export type { Scope } from './scope.ts'

export interface AuthOptions {
  readonly transport: Transport
  readonly credentials: CredentialSource
  /** Whether the user allowed plain HTTP for `host[:port]`; loopback always may. */
  readonly plainHttp?: (host: string) => boolean
  readonly clock?: Clock
  /** Told every secret before it is sent, so that it never appears in output. */
  readonly secret?: (value: string) => void
}

/** Sends requests with what each host asks for, and nothing to any other. */
export interface Auth {
  /**
   * Anonymously first; then with what the host is known to want. An answer other than 401 is returned, and
   * so is a 401 that names no scheme to use.
   * @throws UNAUTHORIZED, DENIED, TOKEN_UNAVAILABLE, CREDENTIALS_INVALID and what Transport throws
   */
  send(request: HttpRequest, scopes: readonly Scope[]): Promise<HttpResponse>
  /**
   * With the credential of `host` at once, for an interface beside the registry's that asks for none before it
   * refuses. The caller answers for the address being that host's own; redirects are handed back.
   * @throws CREDENTIALS_INVALID and what Transport throws
   */
  sendAs(host: string, form: 'basic' | 'bearer', request: HttpRequest): Promise<HttpResponse>
  /** The credential of the latest request that carried one, as errors may show it. */
  readonly credential: string | undefined
}

export function createAuth(options: AuthOptions): Auth {
  return new HostAuth(options)
}

/** How a host wants to be asked; learnt from its challenge. */
type Scheme =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer'
      readonly realm: string
      readonly service: string | undefined
      readonly scope: string | undefined
    }

interface Proof {
  readonly header: string
  readonly token?: Token
  /** Made for this request: when it is refused, another of its kind would be too. */
  readonly fresh: boolean
}

class HostAuth implements Auth {
  credential: string | undefined
  readonly #options: AuthOptions
  readonly #clock: Clock
  /** By origin. */
  readonly #schemes = new Map<string, Scheme>()
  /** By registry, realm, service and credential. */
  readonly #tokens = new Map<string, Token[]>()
  readonly #running = new SingleFlight<Token>()

  constructor(options: AuthOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  async send(request: HttpRequest, scopes: readonly Scope[]): Promise<HttpResponse> {
    const known = this.#schemes.get(request.url.origin)
    const first = known === undefined ? undefined : await this.#prove(request, scopes, known)
    const response = await this.#sendWith(request, first)
    if (response.status !== 401) return response
    const schemes = schemesOf(response.header('www-authenticate'))
    if (schemes.length === 0) return response
    await response.discard()
    let failure: unknown
    for (const scheme of schemes) {
      if (known !== undefined && first?.fresh && isSame(scheme, known) && !asksMore(scheme, first)) continue
      let proof: Proof | undefined
      try {
        proof = await this.#prove(request, scopes, scheme)
      } catch (error) {
        request.signal?.throwIfAborted()
        failure ??= error
      }
      if (proof === undefined) continue
      const answer = await this.#sendWith(request, proof)
      if (answer.status !== 401) {
        this.#schemes.set(request.url.origin, lasting(scheme))
        return answer
      }
      await answer.discard()
    }
    throw failure ?? (await this.#unauthorized(request, scopes))
  }

  async sendAs(host: string, form: 'basic' | 'bearer', request: HttpRequest): Promise<HttpResponse> {
    const { url } = request
    const safe = url.protocol === 'https:' || this.#mayBePlain(url)
    const credential = safe ? await this.#options.credentials.for(host) : undefined
    if (credential !== undefined) this.credential = describeCredential(credential)
    const authorization = credential === undefined ? undefined : headerOf(credential, form)
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) }
    return await this.#options.transport.send({ ...request, headers, redirect: 'manual' })
  }

  async #sendWith(request: HttpRequest, proof: Proof | undefined): Promise<HttpResponse> {
    if (proof === undefined) return this.#options.transport.send(request)
    const headers = { ...request.headers, authorization: proof.header }
    const response = await this.#options.transport.send({ ...request, headers })
    if (response.status === 401 && proof.token !== undefined) this.#forget(proof.token)
    return response
  }

  /** What to send under a scheme; undefined when there is nothing to send. */
  async #prove(request: HttpRequest, scopes: readonly Scope[], scheme: Scheme): Promise<Proof | undefined> {
    const credential = await this.#credentialFor(request.url, scopes)
    if (credential !== undefined) this.credential = describeCredential(credential)
    if (scheme.kind === 'basic')
      return credential?.kind === 'basic' ? { header: basicHeader(credential), fresh: true } : undefined
    if (credential?.kind === 'bearer') return { header: `Bearer ${credential.token}`, fresh: true }
    const realm = realmOf(scheme.realm, request.url, this.#mayBePlain)
    const wanted = scopeTexts(scopes)
    const key = [request.url.origin, realm.href, scheme.service, identityOf(credential)].join(' ')
    const cached = this.#cached(key, wanted)
    if (cached !== undefined) return { header: `Bearer ${cached.value}`, token: cached, fresh: false }
    const asked = mergeScopes(wanted, scheme.scope)
    // One caller's signal must not stop a token that others wait for.
    const { result } = this.#running.run(`${key} ${[...asked].sort().join(' ')}`, async () => {
      const { host } = request.url
      const { service } = scheme
      const token = await requestToken(this.#options.transport, this.#clock, {
        host,
        realm,
        service,
        scopes: asked,
        credential,
      })
      this.#options.secret?.(token.value)
      const live = (this.#tokens.get(key) ?? []).filter((one) => one.expires > this.#clock.now())
      this.#tokens.set(key, [...live, token])
      return token
    })
    const token = await abortable(result, request.signal)
    return { header: `Bearer ${token.value}`, token, fresh: true }
  }

  #cached(key: string, wanted: readonly string[]): Token | undefined {
    const now = this.#clock.now()
    return this.#tokens.get(key)?.find((one) => one.expires > now && covers(one.scopes, wanted))
  }

  #forget(token: Token): void {
    for (const [key, tokens] of this.#tokens)
      if (tokens.includes(token))
        this.#tokens.set(
          key,
          tokens.filter((one) => one !== token),
        )
  }

  readonly #mayBePlain = (url: URL): boolean =>
    isLoopback(url.hostname) || (this.#options.plainHttp?.(url.host) ?? false)

  /** Only the credential of the very host that is asked, and none over a line that anyone can read. */
  async #credentialFor(url: URL, scopes: readonly Scope[]): Promise<Credential | undefined> {
    if (url.protocol !== 'https:' && !this.#mayBePlain(url)) return undefined
    const [scope] = scopes
    const repository = scope !== undefined && 'repository' in scope ? scope.repository : undefined
    return this.#options.credentials.for(url.host, repository)
  }

  async #unauthorized(request: HttpRequest, scopes: readonly Scope[]): Promise<SlipwayError> {
    const { host } = request.url
    const credential = await this.#credentialFor(request.url, scopes)
    const what = scopeTexts(scopes).join(' ') || `${request.method} ${request.url.pathname}`
    if (credential === undefined)
      return new SlipwayError(
        'UNAUTHORIZED',
        `${host} wants a login for ${what}, and no credential was sent`,
        {
          hint: `Log in: slipway login ${host}.`,
        },
      )
    return new SlipwayError('UNAUTHORIZED', `${host} refuses ${describeCredential(credential)} for ${what}`, {
      hint: `Check ${credential.source}: the password or token may be wrong or expired, or lack these rights.`,
    })
  }
}

/** A password is a token for those who want one. */
function headerOf(credential: Credential, form: 'basic' | 'bearer'): string {
  if (credential.kind !== 'basic') return `Bearer ${credential.token}`
  return form === 'basic' ? basicHeader(credential) : `Bearer ${credential.password}`
}

/** The schemes Slipway speaks among the challenges, the stronger first. */
function schemesOf(header: string | undefined): readonly Scheme[] {
  const schemes = parseChallenges(header).flatMap((challenge): Scheme[] => {
    const { scheme, parameters } = challenge
    const realm = parameters.get('realm')
    if (scheme === 'basic') return [{ kind: 'basic' }]
    if (scheme !== 'bearer' || realm === undefined) return []
    return [{ kind: 'bearer', realm, service: parameters.get('service'), scope: parameters.get('scope') }]
  })
  return [
    ...schemes.filter((one) => one.kind === 'bearer').slice(0, 2),
    ...schemes.filter((one) => one.kind === 'basic').slice(0, 1),
  ]
}

/** What a challenge for one request says about all requests: scopes of repositories do not last. */
function lasting(scheme: Scheme): Scheme {
  if (scheme.kind === 'basic') return scheme
  const scope = scheme.scope?.split(' ').filter((one) => one !== '' && !one.includes(':'))
  return { ...scheme, scope: scope?.join(' ') || undefined }
}

function isSame(a: Scheme, b: Scheme): boolean {
  if (a.kind === 'basic' || b.kind === 'basic') return a.kind === b.kind
  return a.realm === b.realm && a.service === b.service
}

/** Whether a challenge names a scope that the refused token was not asked for. */
function asksMore(scheme: Scheme, refused: Proof): boolean {
  if (scheme.kind !== 'bearer' || refused.token === undefined) return false
  return mergeScopes(refused.token.scopes, scheme.scope).length > refused.token.scopes.length
}

/**
 * Where tokens are to be had. @throws UNAUTHORIZED when that is over plain HTTP though the registry itself
 * is not, or when a registry of this machine sends passwords unencrypted to another
 */
function realmOf(text: string, registry: URL, mayBePlain: (url: URL) => boolean): URL {
  const realm = URL.parse(text)
  const trusted =
    realm?.protocol === 'https:' ||
    (realm?.protocol === 'http:' &&
      registry.protocol === 'http:' &&
      (mayBePlain(realm) || realm.hostname === registry.hostname || !isLoopback(registry.hostname)))
  if (realm === null || !trusted)
    throw new SlipwayError(
      'UNAUTHORIZED',
      `${registry.host} names a token server that is not reached over https; nothing was sent to it`,
      { hint: 'The realm of its WWW-Authenticate header must be an https address.' },
    )
  realm.username = ''
  realm.password = ''
  realm.hash = ''
  return realm
}

function identityOf(credential: Credential | undefined): string {
  return credential === undefined ? 'anonymous' : JSON.stringify(credential)
}

/** The work's result, unless the signal comes first; the work goes on for others. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

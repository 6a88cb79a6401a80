import { randomUUID } from 'node:crypto'
import type { Exchange } from './exchange.ts'

/** What the fake asks of its clients. `gitea`: Bearer and Basic challenges at once, without a service. */
export interface AuthMode {
  readonly kind: 'none' | 'basic' | 'bearer' | 'gitea'
  readonly username?: string
  readonly password?: string
  /** A refresh token that the token endpoint exchanges. */
  readonly identity?: string
  /** Uses after which a token is worth nothing any more. */
  readonly tokenUses?: number
  /** Asking for this action makes the token endpoint refuse. */
  readonly refusedAction?: string
  /** Repositories that these credentials may not touch. */
  readonly denied?: readonly string[]
  /** Everybody may pull. */
  readonly anonymousPull?: boolean
}

interface Token {
  readonly scopes: readonly string[]
  uses: number
}

export class FakeAuth {
  readonly #mode: AuthMode
  readonly #tokens = new Map<string, Token>()

  constructor(mode: AuthMode) {
    this.#mode = mode
  }

  /** Forgets every token, as when all expire at once. */
  expire(): void {
    this.#tokens.clear()
  }

  /** Lets a request pass, or answers it. */
  async admits(exchange: Exchange, url: string): Promise<boolean> {
    const { kind, denied = [] } = this.#mode
    const repository = /^\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)\//.exec(exchange.path)?.[1]
    if (kind === 'none') return true
    if (repository !== undefined && denied.includes(repository)) {
      await exchange.error(403, 'DENIED', 'requested access to the resource is denied')
      return false
    }
    const reads = exchange.method === 'GET' || exchange.method === 'HEAD'
    const action = reads ? 'pull' : exchange.method === 'DELETE' ? 'delete' : 'push'
    const authorization = exchange.header('authorization') ?? ''
    if (kind !== 'bearer' && authorization === this.#basic()) return true
    if (kind !== 'basic' && this.#accepts(authorization, repository, action)) return true
    const scope =
      repository === undefined
        ? 'registry:catalog:*'
        : `repository:${repository}:${action === 'push' ? 'pull,push' : 'pull'}`
    const bearer = `Bearer realm="${url}/token"${kind === 'gitea' ? '' : `,service="fake",scope="${scope}"`}`
    const challenges = { basic: ['Basic realm="fake"'], bearer: [bearer], gitea: [bearer, 'Basic'] }[kind]
    await exchange.error(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenges })
    return false
  }

  async token(exchange: Exchange): Promise<void> {
    const form =
      exchange.method === 'POST'
        ? new URLSearchParams((await exchange.body()).bytes.toString())
        : exchange.query
    const scopes = form.getAll('scope').flatMap((one) => one.split(' '))
    const { refusedAction, identity, anonymousPull } = this.#mode
    if (
      scopes.some(
        (one) => refusedAction !== undefined && one.split(':')[2]?.split(',').includes(refusedAction),
      )
    )
      return exchange.error(401, 'UNAUTHORIZED', 'scope refused')
    const known =
      identity !== undefined
        ? form.get('refresh_token') === identity
        : exchange.header('authorization') === this.#basic()
    if (!known && anonymousPull !== true) return exchange.error(401, 'UNAUTHORIZED', 'bad credentials')
    const token = randomUUID()
    const granted = known ? scopes : scopes.map((one) => one.replace(/[^:]*$/, 'pull'))
    this.#tokens.set(token, { scopes: granted, uses: 0 })
    return exchange.json(200, { token, access_token: token, expires_in: 300 })
  }

  #accepts(authorization: string, repository: string | undefined, action: string): boolean {
    const token = this.#tokens.get(authorization.replace(/^Bearer /, ''))
    if (token === undefined) return false
    token.uses++
    if (token.uses > (this.#mode.tokenUses ?? Number.POSITIVE_INFINITY)) return false
    if (repository === undefined) return true
    return token.scopes.some((scope) => {
      const [, name, actions = ''] = scope.split(':')
      return name === repository && actions.split(',').includes(action)
    })
  }

  #basic(): string {
    const { username = '', password = '' } = this.#mode
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }
}

import { SlipwayError } from '../../core/error.ts'
import { retryAfter } from '../../http/retry.ts'
import type { Call } from '../../store/store.ts'
import type { Endpoint } from '../endpoint.ts'
import { type ApiAnswer, type ApiRequest, apiFailure, askApi } from './api.ts'

/**
 * Milliseconds between two deletions: GitHub allows 900 points a minute, of which one costs five ("Rate limits
 * for the REST API", secondary limits).
 */
const apart = 340

/** Times that a limit is waited for before giving up. */
const patience = 5

const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }

/** GitHub's REST API as one registry's repositories share it: its limits hold for all of them. */
export class GithubApi {
  readonly base: URL
  readonly #endpoint: Endpoint
  readonly #owners = new Map<string, Promise<string>>()
  #next = 0

  constructor(endpoint: Endpoint, base: URL) {
    this.#endpoint = endpoint
    this.base = base
  }

  /** `orgs/NAME` or `users/NAME`: their packages have different addresses. */
  async ownerPath(owner: string, where: string, call: Call): Promise<string> {
    const known = this.#owners.get(owner)
    if (known !== undefined) return known
    const asking = this.#askOwner(owner, where, call)
    this.#owners.set(owner, asking)
    asking.catch(() => this.#owners.delete(owner))
    return asking
  }

  /** Waits while GitHub asks for it, then hands back the answer, whatever it is. */
  async send(request: Omit<ApiRequest, 'headers'>, call: Call): Promise<ApiAnswer> {
    const { clock, limits } = this.#endpoint
    const until = clock.now() + limits.deadline
    for (let attempt = 1; ; attempt++) {
      if (request.method === 'DELETE') await this.#turn(call)
      const answer = await askApi(this.#endpoint, 'bearer', { ...request, headers }, call)
      const wait = this.#pause(answer)
      if (wait === undefined) return answer
      if (attempt < patience && clock.now() + wait <= until) {
        await clock.sleep(wait, call.signal)
        continue
      }
      throw new SlipwayError(
        'TOO_MANY_REQUESTS',
        `${request.where}: ${request.what} failed: GitHub's limit is used up for another ${Math.ceil(wait / 1000)} s`,
        { hint: 'Run it later: what is done is done. A GitHub App’s token has higher limits.' },
      )
    }
  }

  failure(request: Omit<ApiRequest, 'headers'>, answer: ApiAnswer): SlipwayError {
    return apiFailure(this.#endpoint, request, answer, rights)
  }

  /** One deletion after the other, and not faster than is allowed. */
  async #turn(call: Call): Promise<void> {
    const { clock } = this.#endpoint
    const at = Math.max(clock.now(), this.#next)
    this.#next = at + apart
    if (at > clock.now()) await clock.sleep(at - clock.now(), call.signal)
  }

  /** Milliseconds to wait where the answer says that a limit is used up; undefined for any other answer. */
  #pause({ status, response, body }: ApiAnswer): number | undefined {
    if (status !== 403 && status !== 429) return undefined
    const now = this.#endpoint.clock.now()
    const asked = retryAfter(response.header('retry-after'), now)
    if (asked !== undefined) return asked
    const reset = Number(response.header('x-ratelimit-reset') ?? Number.NaN)
    if (response.header('x-ratelimit-remaining') === '0' && Number.isFinite(reset))
      return Math.max(0, reset * 1000 - now) + 1000
    return /secondary rate limit/i.test(JSON.stringify(body ?? '')) ? 60_000 : undefined
  }

  async #askOwner(owner: string, where: string, call: Call): Promise<string> {
    const url = new URL(`users/${encodeURIComponent(owner)}`, this.base)
    const request = { method: 'GET', url, where, what: 'looking for the owner' } as const
    const answer = await this.send(request, call)
    const type = (answer.body as { type?: unknown } | undefined)?.type
    if (answer.status !== 200 || typeof type !== 'string') throw this.failure(request, answer)
    return `${type === 'Organization' ? 'orgs' : 'users'}/${encodeURIComponent(owner)}`
  }
}

const rights =
  'The token needs read:packages and delete:packages; GITHUB_TOKEN needs the role Admin in the package’s settings.'

/** By registry: limits are counted for all repositories together. */
const known = new WeakMap<Endpoint, GithubApi>()

export function githubApi(endpoint: Endpoint, base: URL): GithubApi {
  const api = known.get(endpoint) ?? new GithubApi(endpoint, base)
  known.set(endpoint, api)
  return api
}

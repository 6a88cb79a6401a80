import { badInput, SlipwayError } from '../../core/error.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { isTag, type Tag } from '../../oci/reference.ts'
import {
  type Abilities,
  type Deleted,
  type Inventory,
  type InventoryEntry,
  inventoryChanged,
  sameTags,
  tagsChanged,
} from '../../store/inventory.ts'
import type { Call } from '../../store/store.ts'
import type { Repository } from '../repository.ts'
import { type ApiAnswer, type ApiRequest, apiFailure, askApi, latest, timeOf, unexpected } from './api.ts'

const pageSize = 100

/** A listing that is longer never ends. */
const mostPages = 1000

/**
 * Harbor through its API v2.0 (`/projects/{project}/repositories/{repository}/artifacts`): OCI's DELETE there
 * takes no tags, and tells no time. What only an index names, and referrers, are not in its list.
 */
export class HarborInventory implements Inventory {
  readonly can: Abilities = {
    untag: true,
    delete: true,
    listUntagged: true,
    listReferrers: false,
    pushedAt: true,
    pulledAt: true,
    restoreDays: 0,
  }
  readonly #repository: Repository
  readonly #base: string

  constructor(repository: Repository) {
    this.#repository = repository
    const [project = '', ...rest] = repository.path.split('/')
    if (rest.length === 0)
      throw badInput('REPOSITORY_INVALID', `${repository.name} stands in no project`, {
        hint: 'Repositories of Harbor are PROJECT/REPOSITORY.',
      })
    // A slash in the name is encoded twice: once for the address, once for Harbor's router.
    const name = encodeURIComponent(encodeURIComponent(rest.join('/')))
    this.#base = `/api/v2.0/projects/${encodeURIComponent(project)}/repositories/${name}/artifacts`
  }

  async *entries(call: Call = {}): AsyncGenerator<InventoryEntry> {
    const seen = new Set<Digest>()
    for (let page = 1; ; page++) {
      const query = `?page=${page}&page_size=${pageSize}&with_tag=true&sort=push_time`
      const request = this.#request('GET', query, 'listing artifacts')
      const answer = await this.#ask(request, call)
      if (answer.status !== 200) throw this.#failure(request, answer)
      if (!Array.isArray(answer.body) || page > mostPages) throw unexpected(request)
      for (const one of answer.body) {
        const entry = entryOf(one)
        if (entry === undefined) throw unexpected(request)
        if (seen.has(entry.digest)) continue
        seen.add(entry.digest)
        yield entry
      }
      if (answer.body.length >= pageSize) continue
      const total = Number(answer.response.header('x-total-count') ?? seen.size)
      // Somebody deleted meanwhile, so that an entry slipped from one page to another.
      if (total > seen.size) throw unexpected(request)
      return
    }
  }

  async untag(tag: Tag, expect: Digest, call: Call = {}): Promise<void> {
    const found = await this.#artifact(tag, call)
    if (found?.digest !== expect) throw inventoryChanged(this.#repository.at(tag), expect, found?.digest)
    const request = this.#request('DELETE', `/${expect}/tags/${tag}`, `deleting the tag ${tag}`)
    const answer = await this.#ask(request, call)
    if (!isDone(answer) && answer.status !== 404) throw this.#undeletable(request, answer)
  }

  async delete(digest: Digest, expectTags: readonly Tag[], call: Call = {}): Promise<Deleted> {
    const found = await this.#artifact(digest, call)
    if (found === undefined) return {}
    if (!sameTags(found.tags, expectTags))
      throw tagsChanged(this.#repository.at(digest), expectTags, found.tags)
    const request = this.#request('DELETE', `/${digest}`, `deleting ${digest}`)
    const answer = await this.#ask(request, call)
    if (!isDone(answer) && answer.status !== 404) throw this.#undeletable(request, answer)
    this.#repository.forget(digest)
    return {}
  }

  async #artifact(reference: Tag | Digest, call: Call): Promise<InventoryEntry | undefined> {
    const request = this.#request('GET', `/${reference}?with_tag=true`, `reading ${reference}`)
    const answer = await this.#ask(request, call)
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw this.#failure(request, answer)
    const entry = entryOf(answer.body)
    if (entry === undefined) throw unexpected(request)
    return entry
  }

  #request(method: ApiRequest['method'], rest: string, what: string): ApiRequest {
    const { endpoint, name } = this.#repository
    const headers = { accept: 'application/json' }
    return { method, what, where: name, headers, url: new URL(`${this.#base}${rest}`, endpoint.base) }
  }

  #ask(request: ApiRequest, call: Call): Promise<ApiAnswer> {
    return askApi(this.#repository.endpoint, 'basic', request, call)
  }

  #failure(request: ApiRequest, answer: ApiAnswer): SlipwayError {
    const hint = 'The robot account needs list, read and delete on artifacts, and delete on tags.'
    return apiFailure(this.#repository.endpoint, request, answer, hint)
  }

  #undeletable(request: ApiRequest, answer: ApiAnswer): SlipwayError {
    const error = this.#failure(request, answer)
    if (answer.status !== 412) return error
    return new SlipwayError('UNDELETABLE', error.message, {
      hint: 'A rule of the project keeps it: look at its tag immutability and retention.',
      cause: error,
    })
  }
}

function isDone({ status }: ApiAnswer): boolean {
  return status >= 200 && status < 300
}

/** One artifact as Harbor writes it; undefined for anything else. */
function entryOf(value: unknown): InventoryEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { digest, push_time, pull_time, tags } = value as Record<string, unknown>
  if (!isDigest(digest) || !(tags === null || tags === undefined || Array.isArray(tags))) return undefined
  const all = (tags ?? []) as Record<string, unknown>[]
  const names = all.map(({ name }) => name)
  if (!names.every(isTag)) return undefined
  const pushedAt = latest([timeOf(push_time), ...all.map((one) => timeOf(one.push_time))])
  const pulledAt = latest([timeOf(pull_time), ...all.map((one) => timeOf(one.pull_time))])
  const fixed = all.find(({ immutable }) => immutable === true)
  return {
    digest,
    tags: names,
    ...(pushedAt === undefined ? {} : { pushedAt }),
    ...(pulledAt === undefined ? {} : { pulledAt }),
    ...(fixed === undefined ? {} : { undeletable: `the tag ${String(fixed.name)} is immutable` }),
  }
}

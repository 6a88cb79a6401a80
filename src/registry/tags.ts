import { isTag, type Tag } from '../oci/reference.ts'
import type { Call, Listing } from '../store/store.ts'
import { failed, readFaults } from './errors.ts'
import { follow, invalid, type Page, readPage } from './pages.ts'
import type { Repository } from './repository.ts'

/** Codes of a 404 that mean "no such repository"; any other 404 may come from something that is no registry. */
const unknownRepository = new Set(['NAME_UNKNOWN', 'NOT_FOUND', 'MANIFEST_UNKNOWN', 'NAME_INVALID'])

/** Entries of a list; the largest repositories have some ten thousands, and a hostile list never ends. */
const mostEntries = 1_000_000

/** Every entry of the tag list, also those that are no tags: null from Nexus, digests from Artifactory. */
export async function* listEntries(repository: Repository, call: Call): AsyncGenerator<unknown> {
  const where = repository.name
  const first = await ask(repository, 'tags/list', call)
  if (first === undefined) {
    repository.fresh = true
    return
  }
  let page: Page = first
  let linked = false
  let count = 0
  const bounded = (entries: readonly unknown[]) => {
    count += entries.length
    if (count > mostEntries) throw invalid(where, `it has more than ${mostEntries} entries`)
    return entries
  }
  for await (const one of follow(where, first, (next) => insist(repository, next, call))) {
    page = one
    linked ||= one.next !== undefined
    yield* bounded(entriesOf(one, where))
  }
  if (!linked)
    for await (const rest of listRest(repository, entriesOf(page, where), call)) yield* bounded(rest)
}

/** Tags that stand in for the referrers API: `referrers()` lists what they hold. */
const standsForReferrers = /^sha(?:256|384|512)-[0-9a-f]{64}$/

/**
 * Every tag once, or throws; none where the registry knows no such repository. Fallback tags of the referrers
 * API are left out unless asked for: whoever copied one as a tag would overwrite the destination's own list of
 * referrers.
 */
export async function* listTags(
  repository: Repository,
  { fallback = false, ...call }: Listing,
): AsyncGenerator<Tag> {
  const seen = new Set<string>()
  for await (const entry of listEntries(repository, call)) {
    if (!isTag(entry) || seen.has(entry) || (!fallback && standsForReferrers.test(entry))) continue
    seen.add(entry)
    yield entry
  }
}

/**
 * Some registries cut a list off without naming a next page. A list that looks like a full page is asked for
 * what follows its last entry; a registry that ignores `last` answers with nothing new.
 */
async function* listRest(repository: Repository, entries: readonly unknown[], call: Call) {
  const seen = new Set<unknown>()
  let page = entries
  const size = page.length
  while (page.length > 0 && looksFull(page.length, size)) {
    for (const entry of page) seen.add(entry)
    const last = page.findLast((entry) => typeof entry === 'string')
    if (typeof last !== 'string') return
    const query = new URLSearchParams({ n: String(Math.min(size, 1000)), last })
    let answer = await send(repository, `tags/list?${query}`, call)
    if (answer.status === 400) {
      await answer.discard()
      query.delete('n')
      answer = await send(repository, `tags/list?${query}`, call)
    }
    const next = await read(repository, answer)
    page = entriesOf(next, repository.name).filter((entry) => !seen.has(entry))
    yield page
  }
}

function looksFull(length: number, first: number): boolean {
  return length === first ? length % 50 === 0 || length % 128 === 0 : length >= Math.min(first, 1000)
}

async function ask(repository: Repository, to: string | URL, call: Call): Promise<Page | undefined> {
  const response = await send(repository, to, call)
  if (response.status !== 404) return read(repository, response)
  const faults = await readFaults(response)
  if (faults.some((one) => unknownRepository.has(one.code))) return undefined
  throw failed(repository.endpoint, repository.name, 'listing tags', response, faults)
}

async function insist(repository: Repository, to: URL, call: Call): Promise<Page> {
  return read(repository, await send(repository, to, call))
}

function send(repository: Repository, to: string | URL, call: Call) {
  return repository.send({ method: 'GET', to, ...call })
}

async function read(repository: Repository, response: Awaited<ReturnType<typeof send>>): Promise<Page> {
  const { endpoint, name } = repository
  if (response.status !== 200)
    throw failed(endpoint, name, 'listing tags', response, await readFaults(response))
  return readPage(endpoint, name, response)
}

function entriesOf(page: Page, where: string): readonly unknown[] {
  const tags = page.body.tags
  if (tags === null || (tags === undefined && 'name' in page.body)) return []
  if (!Array.isArray(tags)) throw invalid(where, 'the answer holds no list of tags')
  return tags
}

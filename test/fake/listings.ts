import type { Exchange, Fake } from './exchange.ts'

export function listTags(fake: Fake, exchange: Exchange, repository: string): Promise<void> {
  const store = fake.state.repositories.get(repository)
  if (store === undefined) return exchange.error(404, 'NAME_UNKNOWN', 'repository name not known to registry')
  const tags = [...store.tags.keys()].sort()
  const extra = fake.quirks.extraTags ?? []
  return list(fake, exchange, tags, `/v2/${repository}/tags/list`, (page) => ({
    name: repository,
    tags: page.length + extra.length === 0 ? null : [...page, ...extra],
  }))
}

export function listCatalog(fake: Fake, exchange: Exchange): Promise<void> {
  const { catalog } = fake.quirks
  if (typeof catalog === 'object') return exchange.error(catalog.status, catalog.code)
  const names = [...fake.state.repositories.keys()].sort()
  return list(fake, exchange, names, '/v2/_catalog', (repositories) => ({ repositories }))
}

function list(
  fake: Fake,
  exchange: Exchange,
  entries: readonly string[],
  path: string,
  body: (page: readonly string[]) => unknown,
): Promise<void> {
  const { quirks } = fake
  if (quirks.noPaging === true) return exchange.json(200, body(entries))
  const asked = exchange.query.get('n')
  const n = asked === null ? (quirks.tagPage ?? entries.length) : Number(asked)
  if (n > (quirks.largestN ?? Number.POSITIVE_INFINITY) && asked !== null)
    return exchange.error(400, 'PAGINATION_NUMBER_INVALID', 'invalid number of results requested')
  const last = exchange.query.get('last')
  const rest = last === null ? entries : entries.filter((one) => one > last)
  const page = rest.slice(0, n)
  const next = `${path}?${new URLSearchParams({ n: String(n), last: page.at(-1) ?? '' })}`
  const target = quirks.link === 'relative' ? next : `${fake.url}${next}`
  const more = rest.length > page.length && quirks.link !== 'none'
  return exchange.json(200, body(page), more ? { link: `<${target}>; rel="next"` } : {})
}

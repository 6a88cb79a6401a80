import type { Exchange, Fake } from './exchange.ts'

const index = 'application/vnd.oci.image.index.v1+json'

/** GET of the referrers API, where there is one. */
export function listReferrers(
  fake: Fake,
  exchange: Exchange,
  repository: string,
  subject: string,
): Promise<void> {
  const { quirks, state } = fake
  const store = state.repositories.get(repository)
  switch (quirks.referrers ?? 'api') {
    case 'no route':
      return exchange.answer(404, { 'content-type': 'text/plain' }, '404 page not found\n')
    case 'redirect elsewhere':
      return exchange.answer(303, { location: `${fake.storage}/-/v2/packages/${subject.slice(0, 20)}` })
    case '401 without challenge':
      return exchange.error(401, 'UNAUTHORIZED')
    case 'unknown to the registry':
      return exchange.error(404, 'NAME_UNKNOWN')
    case '404 until there is one':
      if ((store?.referrers(subject) ?? []).length === 0) return exchange.error(404, 'MANIFEST_UNKNOWN')
  }
  const wanted = exchange.query.get('artifactType')
  const filters = quirks.filtersApplied === true && wanted !== null
  const all = store?.referrers(subject) ?? []
  const listed = filters ? all.filter((one) => one.artifactType === wanted) : all
  const start = Number(exchange.query.get('start') ?? 0)
  const end = start + (quirks.referrersPage ?? listed.length)
  const query = new URLSearchParams({
    ...(wanted === null ? {} : { artifactType: wanted }),
    start: String(end),
  })
  const next = `/v2/${repository}/referrers/${subject}?${query}`
  const headers = {
    'content-type': index,
    ...(filters ? { 'oci-filters-applied': 'artifactType' } : {}),
    ...(end < listed.length ? { link: `<${next}>; rel="next"` } : {}),
  }
  const manifests = listed.slice(start, end)
  return exchange.json(200, { schemaVersion: 2, mediaType: index, manifests }, headers)
}

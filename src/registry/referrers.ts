import { SlipwayError } from '../core/error.ts'
import type { HttpResponse } from '../http/transport.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { artifactTypeOf, type Encoded, referrerDescriptor } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { referrersTag } from '../oci/reference.ts'
import type { Call, ReferrersFilter } from '../store/store.ts'
import type { Endpoint } from './endpoint.ts'
import { failed, readFaults } from './errors.ts'
import { addToFallback, readFallback } from './fallback.ts'
import { getManifest } from './manifests.ts'
import { follow, invalid, type Page, readPage } from './pages.ts'
import type { Repository } from './repository.ts'

/**
 * Every manifest whose subject this is: from the referrers API, and from the fallback tag where the API is
 * missing or cannot be told from "none yet" (distribution spec, "Listing Referrers").
 */
export async function* listReferrers(
  repository: Repository,
  subject: Descriptor,
  filter: ReferrersFilter,
): AsyncGenerator<Descriptor> {
  const { artifactType, signal, tags } = filter
  const call: Call = signal === undefined ? {} : { signal }
  const seen = new Set<string>()
  const first = await askApi(repository, subject, artifactType, call)
  if (first !== undefined) {
    for await (const page of followApi(repository, first, call))
      for (const one of descriptorsOf(page, repository.name)) {
        if (seen.has(one.digest)) continue
        seen.add(one.digest)
        if (artifactType === undefined || one.artifactType === artifactType) yield one
      }
    return
  }
  if (tags?.has(referrersTag(subject.digest)) === false) return
  for (const one of (await readFallback(repository, subject, call))?.manifests ?? []) {
    if (seen.has(one.digest)) continue
    seen.add(one.digest)
    if (artifactType === undefined || (await typeOf(repository, one, call)) === artifactType) yield one
  }
}

/** Sees to it that `listReferrers` lists a manifest with a subject that was just written. */
export async function ensureListed(
  repository: Repository,
  referrer: Encoded,
  header: string | undefined,
  call: Call,
): Promise<void> {
  const { endpoint } = repository
  const { subject } = referrer.manifest
  if (subject === undefined) return
  const announced = header !== undefined || endpoint.listsWithoutHeader
  if (endpoint.referrers === 'yes' && announced) return
  if (endpoint.referrers !== 'no') {
    const listed = await isListed(repository, subject, referrer, call)
    if (listed === 'yes' && header === undefined) endpoint.listsWithoutHeader = true
    if (listed === 'yes') return
    if (listed === 'no')
      throw new SlipwayError(
        'REFERRER_NOT_LISTED',
        `${repository.at(referrer.descriptor.digest)}: written, but the registry does not list it under its subject ${subject.digest}`,
        { hint: 'The registry may list it later; try again, or report it to its operator.' },
      )
  }
  await addToFallback(repository, subject, referrerDescriptor(referrer), call)
}

/** Whether the API lists it; some registries index a moment after the PUT. */
async function isListed(repository: Repository, subject: Descriptor, referrer: Encoded, call: Call) {
  const { digest } = referrer.descriptor
  for (let failures = 1; ; failures++) {
    const first = await askApi(repository, subject, undefined, call)
    if (first === undefined) return 'no API'
    for await (const page of followApi(repository, first, call))
      if (descriptorsOf(page, repository.name).some((one) => one.digest === digest)) return 'yes'
    if (failures > repository.endpoint.limits.retries) return 'no'
    await repository.endpoint.backOff(failures, call.signal)
  }
}

/** The API's first page; undefined where it is missing. What the answer proves is remembered for the host. */
async function askApi(
  repository: Repository,
  subject: Descriptor,
  artifactType: string | undefined,
  call: Call,
): Promise<Page | undefined> {
  const { endpoint } = repository
  if (endpoint.referrers === 'no') return undefined
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType })}`
  const response = await repository.send({
    method: 'GET',
    to: `referrers/${subject.digest}${query}`,
    headers: { accept: mediaType.index },
    redirect: 'manual',
    ...call,
  })
  if (response.status === 200 && isIndex(response)) {
    endpoint.referrers = 'yes'
    return readPage(endpoint, repository.at(subject.digest), response)
  }
  const faults = await readFaults(response)
  const { status } = response
  const lacking = status < 400 || [400, 404, 405, 406, 410, 501].includes(status) || isBare401(response)
  if (!lacking) throw failed(endpoint, repository.at(subject.digest), 'listing referrers', response, faults)
  // A 404 in the registry's own words may be "nothing refers to it yet"; anything else is a missing route.
  const inconclusive = (status === 404 && faults.length > 0) || status === 400
  if (!inconclusive && endpoint.referrers === 'unknown') endpoint.referrers = 'no'
  return undefined
}

/** Harbor before 2.8 answers 401 to routes it does not have, without saying how to log in. */
function isBare401(response: HttpResponse): boolean {
  return response.status === 401 && response.header('www-authenticate') === undefined
}

function isIndex(response: HttpResponse): boolean {
  return response.header('content-type')?.split(';')[0]?.trim().toLowerCase() === mediaType.index
}

function followApi(repository: Repository, first: Page, call: Call): AsyncGenerator<Page> {
  const { endpoint, name } = repository
  return follow(name, first, async (next) => {
    const response = await repository.send({
      method: 'GET',
      to: next,
      headers: { accept: mediaType.index },
      ...call,
    })
    if (response.status !== 200) throw await readFailure(endpoint, name, response)
    return readPage(endpoint, name, response)
  })
}

async function readFailure(endpoint: Endpoint, where: string, response: HttpResponse) {
  return failed(endpoint, where, 'listing referrers', response, await readFaults(response))
}

function descriptorsOf(page: Page, where: string): readonly Descriptor[] {
  const { manifests } = page.body
  if (manifests === null) return []
  if (!Array.isArray(manifests)) throw invalid(where, 'the answer holds no list of manifests')
  return manifests.map((one, index) => parseDescriptor(one, `${where}, referrer ${index}`))
}

/** Clients differ in what they write to a fallback tag; where the type is left out, the manifest tells. */
async function typeOf(repository: Repository, one: Descriptor, call: Call): Promise<string | undefined> {
  if (one.artifactType !== undefined) return one.artifactType
  const encoded = await getManifest(repository, one.digest, call)
  return encoded === undefined ? undefined : artifactTypeOf(encoded.manifest)
}

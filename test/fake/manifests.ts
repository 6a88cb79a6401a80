import type { Exchange, Fake } from './exchange.ts'
import { type FakeRepository, matches, sha256 } from './state.ts'

const fallbackTag = /^sha256-([0-9a-f]{64})$/

/** GET, HEAD, PUT and DELETE of a manifest. */
export async function serveManifest(
  fake: Fake,
  exchange: Exchange,
  repository: string,
  reference: string,
): Promise<void> {
  if (exchange.method === 'PUT') return putManifest(fake, exchange, repository, reference)
  const store = fake.state.repositories.get(repository)
  if (exchange.method === 'DELETE') return deleteManifest(fake, exchange, store, reference)
  const { quirks } = fake
  const trap = quirks.referrersTagIsSubject === true ? fallbackTag.exec(reference)?.[1] : undefined
  const found = store?.find(trap === undefined ? reference : `sha256:${trap}`)
  if (found === undefined) {
    const status = quirks.missingManifest ?? 404
    return exchange.error(status, status === 404 ? 'MANIFEST_UNKNOWN' : 'DENIED', 'manifest unknown')
  }
  const { bytes, type } = found.manifest
  if (exchange.method === 'HEAD' && quirks.vagueHead === true)
    return exchange.answer(200, { 'content-type': 'application/octet-stream' })
  const headers = { 'content-type': type, 'docker-content-digest': found.digest }
  if (exchange.method === 'HEAD')
    return exchange.answer(200, { ...headers, 'content-length': bytes.byteLength })
  return exchange.answer(200, headers, bytes)
}

async function putManifest(fake: Fake, exchange: Exchange, repository: string, reference: string) {
  const { quirks, state } = fake
  const { bytes, complete } = await exchange.body()
  if (!complete) return
  if (bytes.byteLength > (quirks.manifestLimit ?? Number.POSITIVE_INFINITY))
    return exchange.error(413, 'MANIFEST_INVALID', 'manifest too large')
  const store = state.repository(repository)
  const isDigest = reference.includes(':')
  if (isDigest && !matches(reference, bytes)) return exchange.error(400, 'DIGEST_INVALID')
  const digest = isDigest ? reference : sha256(bytes)
  const manifest = JSON.parse(bytes.toString()) as Document
  if (manifest.subject !== undefined && quirks.refuseSubject === true)
    return exchange.error(405, 'UNSUPPORTED', 'Invalid parameter at subject')
  if (lacking(store, manifest))
    return exchange.error(400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry')
  const before = store.tags.get(reference)
  const { immutable } = quirks
  if (before !== undefined && immutable !== undefined)
    if (before !== digest || immutable.identical === 'refused')
      return exchange.error(immutable.status, immutable.code, immutable.message)
  store.manifests.set(digest, { type: exchange.header('content-type') ?? '', bytes })
  if (!isDigest) store.tags.set(reference, digest)
  const subject = quirks.subjectHeader === false ? undefined : manifest.subject?.digest
  return exchange.answer(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === undefined ? {} : { 'oci-subject': subject }),
  })
}

interface Document {
  readonly subject?: { readonly digest: string }
  readonly config?: { readonly digest: string }
  readonly layers?: readonly { readonly digest: string }[]
  readonly manifests?: readonly { readonly digest: string }[]
}

function lacking(store: FakeRepository, manifest: Document): boolean {
  const blobs = [manifest.config, ...(manifest.layers ?? [])].filter((one) => one !== undefined)
  return (
    blobs.some((one) => !store.blobs.has(one.digest)) ||
    (manifest.manifests ?? []).some((one) => !store.manifests.has(one.digest))
  )
}

function deleteManifest(
  fake: Fake,
  exchange: Exchange,
  store: FakeRepository | undefined,
  reference: string,
) {
  if (fake.quirks.delete === false) return exchange.error(405, 'UNSUPPORTED')
  const found = store?.find(reference)
  if (store === undefined || found === undefined) return exchange.error(404, 'MANIFEST_UNKNOWN')
  const { deleteTag } = fake.quirks
  if (!reference.includes(':') && deleteTag === 'refused') return exchange.error(405, 'UNSUPPORTED')
  if (!reference.includes(':') && deleteTag === undefined) {
    store.tags.delete(reference)
    return exchange.answer(202)
  }
  store.manifests.delete(found.digest)
  for (const [tag, digest] of store.tags) if (digest === found.digest) store.tags.delete(tag)
  return exchange.answer(202)
}

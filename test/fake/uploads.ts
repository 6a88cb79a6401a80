import { randomUUID } from 'node:crypto'
import type { Exchange, Fake } from './exchange.ts'
import { matches, type StoredUpload } from './state.ts'

/** POST: opens an upload, or mounts. */
export async function startUpload(fake: Fake, exchange: Exchange, repository: string): Promise<void> {
  const { state, quirks } = fake
  const digest = exchange.query.get('mount')
  const from = exchange.query.get('from')
  if (digest !== null) {
    if (typeof quirks.mount === 'number') return exchange.error(quirks.mount, 'DENIED', 'mount refused')
    const bytes = from === null ? undefined : state.repositories.get(from)?.blobs.get(digest)
    if (bytes !== undefined && quirks.mount !== 'upload') {
      state.repository(repository).blobs.set(digest, bytes)
      return exchange.answer(201, { location: `/v2/${repository}/blobs/${digest}` })
    }
  }
  const id = randomUUID()
  state.uploads.set(id, { repository, bytes: Buffer.alloc(0) })
  const least = quirks.chunkMinLength
  return exchange.answer(202, {
    location: locationOf(fake, repository, id),
    range: '0-0',
    ...(least === undefined ? {} : { 'oci-chunk-min-length': least }),
  })
}

/** GET, PATCH, PUT and DELETE of an upload. */
export async function continueUpload(
  fake: Fake,
  exchange: Exchange,
  repository: string,
  id: string,
): Promise<void> {
  const upload = fake.state.uploads.get(id)
  if (upload === undefined || upload.repository !== repository)
    return exchange.error(404, 'BLOB_UPLOAD_UNKNOWN')
  const location = locationOf(fake, repository, id)
  if (exchange.method === 'DELETE') {
    fake.state.uploads.delete(id)
    return exchange.answer(204)
  }
  if (exchange.method === 'GET')
    return exchange.answer(204, { location, range: rangeOf(upload), 'docker-upload-uuid': id })
  const refusal = refusalOf(fake, exchange, upload)
  if (refusal !== undefined) return exchange.error(...refusal)
  const { bytes, complete } = await exchange.body()
  // What a broken PUT left behind makes the upload unfit to be closed, as with registries that append.
  upload.bytes = Buffer.concat([upload.bytes, bytes])
  if (!complete) return
  if (exchange.method === 'PUT') return closeUpload(fake, exchange, upload, id)
  upload.firstRange ??= rangeOf(upload)
  const range = fake.quirks.staleRange === true ? upload.firstRange : rangeOf(upload)
  return exchange.answer(fake.quirks.patchCreated === true ? 201 : 202, { location, range })
}

/** Uploads that are being closed right now, for registries that cannot take two of one blob at a time. */
const closing = new Map<string, number>()

async function closeUpload(fake: Fake, exchange: Exchange, upload: StoredUpload, id: string): Promise<void> {
  const { state, quirks } = fake
  const digest = exchange.query.get('digest') ?? ''
  if (quirks.refuseEmptyBlob === true && upload.bytes.byteLength === 0)
    return exchange.error(400, 'BLOB_UPLOAD_INVALID', 'empty blob')
  state.uploads.delete(id)
  if (!/^sha(256|512):[0-9a-f]+$/.test(digest) || !matches(digest, upload.bytes))
    return exchange.error(400, 'DIGEST_INVALID')
  const key = `${fake.url}/${upload.repository}@${digest}`
  closing.set(key, (closing.get(key) ?? 0) + 1)
  if (quirks.fragileUploads === true) await new Promise((resolve) => setTimeout(resolve, 10))
  const rivals = (closing.get(key) ?? 1) - 1
  const { blobs } = state.repository(upload.repository)
  if (rivals > 0 && quirks.fragileUploads === true) blobs.delete(digest)
  else blobs.set(digest, upload.bytes)
  await exchange.answer(201, {
    location: `/v2/${upload.repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  })
  closing.set(key, (closing.get(key) ?? 1) - 1)
}

function refusalOf(fake: Fake, exchange: Exchange, upload: StoredUpload): [number, string] | undefined {
  const { quirks } = fake
  const length = exchange.header('content-length')
  const size = Number(length ?? 0)
  if (length === undefined && quirks.lengthRequired === true) return [400, 'CONTENT_LENGTH_INVALID']
  if (size > (quirks.bodyLimit ?? Number.POSITIVE_INFINITY)) return [413, 'SIZE_INVALID']
  if (exchange.method === 'PUT')
    return size > (quirks.putLimit ?? Number.POSITIVE_INFINITY) ? [413, 'SIZE_INVALID'] : undefined
  const range = exchange.header('content-range')
  if (range === undefined) return undefined
  const [, start, end] = /^(\d+)-(\d+)$/.exec(range) ?? []
  if (start === undefined || Number(end) - Number(start) + 1 !== size) return [400, 'BLOB_UPLOAD_INVALID']
  if (Number(start) !== upload.bytes.byteLength) return [416, 'BLOB_UPLOAD_INVALID']
  if (upload.short === true) return [416, 'BLOB_UPLOAD_INVALID']
  upload.short = size < (quirks.chunkMinLength ?? 0)
  return size > (quirks.patchLimit ?? Number.POSITIVE_INFINITY) ? [416, 'BLOB_UPLOAD_INVALID'] : undefined
}

function locationOf(fake: Fake, repository: string, id: string): string {
  const path = `/v2/${repository}/blobs/uploads/${id}?_state=opaque`
  const { location } = fake.quirks
  if (location === 'relative') return path
  return location === undefined ? `${fake.url}${path}` : location(path)
}

function rangeOf(upload: StoredUpload): string {
  return `0-${Math.max(0, upload.bytes.byteLength - 1)}`
}

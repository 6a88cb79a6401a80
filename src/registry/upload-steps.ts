import { SlipwayError } from '../core/error.ts'
import type { Body, HttpResponse } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Call } from '../store/store.ts'
import { failure } from './errors.ts'
import { uploadLocation } from './locations.ts'
import type { Repository } from './repository.ts'

/** Milliseconds to tell the registry that an upload will not go on; it forgets uploads by itself in time. */
const farewell = 3000

/** One upload under way. `location` moves with every answer. */
export interface Upload {
  readonly repository: Repository
  readonly content: Descriptor
  readonly where: string
  readonly call: Call
  location: URL
  /** Bytes; the registry takes no smaller piece but the last. */
  readonly least: number
}

/** Where an upload begins. */
export type Opening = Pick<Upload, 'location' | 'least'>

export async function openUpload(repository: Repository, content: Descriptor, call: Call): Promise<Opening> {
  const where = repository.at(content.digest)
  const response = await repository.send({
    method: 'POST',
    to: 'blobs/uploads/',
    headers: { 'content-length': '0' },
    // An upload that nobody goes on with harms nobody.
    retry: true,
    ...call,
  })
  if (response.status < 200 || response.status > 299)
    throw await failure(repository.endpoint, where, 'starting the upload', response)
  return openingOf(response, where)
}

export async function openingOf(response: HttpResponse, where: string): Promise<Opening> {
  await response.discard()
  const least = Number(response.header('oci-chunk-min-length') ?? 0)
  return {
    location: uploadLocation(response.header('location'), response.url, where),
    least: Number.isSafeInteger(least) && least > 0 ? least : 0,
  }
}

/** The PUT that ends an upload, with the whole content or with nothing left to send. */
export async function close(upload: Upload, body: Uint8Array | Body, what: string): Promise<void> {
  const { repository, content, where, call } = upload
  const to = new URL(upload.location)
  to.searchParams.set('digest', content.digest)
  const size = body instanceof Uint8Array ? body.byteLength : body.size
  const response = await repository.send({
    method: 'PUT',
    to,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body,
    wait: 'closing',
    retry: false,
    ...call,
  })
  await accept(upload, response, what)
  const stored = response.header('docker-content-digest')
  if (stored !== undefined && stored !== content.digest && sameAlgorithm(stored, content.digest))
    throw new SlipwayError('DIGEST_MISMATCH', `${where}: the registry stored ${stored.slice(0, 200)}`, {
      hint: 'The registry, or something between, altered the bytes.',
    })
}

/** @throws RegistryError for everything but 2xx */
export async function accept(upload: Upload, response: HttpResponse, what: string): Promise<void> {
  if (response.status < 200 || response.status > 299)
    throw await failure(upload.repository.endpoint, upload.where, what, response)
  await response.discard()
}

/** Says goodbye without waiting for more than a moment; the reason to stop is what the caller hears. */
export async function cancel(upload: Upload): Promise<void> {
  try {
    const response = await upload.repository.send({
      method: 'DELETE',
      to: upload.location,
      retry: false,
      signal: AbortSignal.timeout(farewell),
    })
    await response.discard()
  } catch {
    return
  }
}

function sameAlgorithm(a: string, b: string): boolean {
  return a.split(':', 1)[0] === b.split(':', 1)[0]
}

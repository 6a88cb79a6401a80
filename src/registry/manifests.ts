import { hasCode, SlipwayError } from '../core/error.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf, isDigest } from '../oci/digest.ts'
import { children, decode, type Encoded } from '../oci/manifest.ts'
import { isManifestType, manifestTypes } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call } from '../store/store.ts'
import { blobExists } from './blobs.ts'
import { failed, type RegistryError, readFaults } from './errors.ts'
import type { Repository } from './repository.ts'
import { listEntries } from './tags.ts'

const accept = [...manifestTypes, '*/*;q=0.1'].join(', ')

/** What a tag or digest stands for, by HEAD; by GET where the answer to HEAD does not tell. */
export async function resolveManifest(
  repository: Repository,
  reference: Tag | Digest,
  call: Call,
): Promise<Descriptor | undefined> {
  const response = await repository.send({
    method: 'HEAD',
    to: `manifests/${reference}`,
    headers: { accept },
    ...call,
  })
  await response.discard()
  if (response.status === 404) return missing(repository, reference)
  const told = response.status === 200 ? describeHead(response, reference) : undefined
  if (told !== undefined) {
    repository.see(told.digest)
    return told
  }
  return (await getManifest(repository, reference, call))?.descriptor
}

/**
 * A manifest with its exact bytes, verified against the digest that was asked for or that the registry names.
 * @throws DIGEST_MISMATCH, MANIFEST_TOO_LARGE, MANIFEST_INVALID
 */
export async function getManifest(
  repository: Repository,
  reference: Tag | Digest,
  call: Call,
): Promise<Encoded | undefined> {
  const where = repository.at(reference)
  const response = await repository.send({
    method: 'GET',
    to: `manifests/${reference}`,
    headers: { accept },
    ...call,
  })
  if (response.status === 404) {
    await response.discard()
    return missing(repository, reference)
  }
  if (response.status !== 200) {
    const faults = await readFaults(response)
    const error = failed(repository.endpoint, where, 'reading the manifest', response, faults)
    if (response.status === 403 && (await isMissing(repository, reference, call)))
      return missing(repository, reference)
    throw error
  }
  const bytes = await readBytes(repository, response, where)
  const promised = isDigest(reference) ? reference : response.header('docker-content-digest')
  const digest = isDigest(promised) ? promised : digestOf(bytes)
  const actual = digestOf(bytes, algorithmOf(digest))
  if (actual !== digest)
    throw new SlipwayError('DIGEST_MISMATCH', `${where}: the manifest should be ${digest} but is ${actual}`, {
      hint: 'The registry, or something between, altered it. Do not use it.',
    })
  const encoded = decode(bytes, mediaTypeOf(response), where)
  repository.see(digest)
  return { ...encoded, descriptor: { ...encoded.descriptor, digest } }
}

/**
 * Writes a manifest under a tag or its digest and hands back the answer's `OCI-Subject`.
 * @throws MANIFEST_TOO_LARGE, MANIFEST_BLOB_UNKNOWN, TAG_IMMUTABLE
 */
export async function putManifest(
  repository: Repository,
  manifest: Encoded,
  reference: Tag | Digest,
  call: Call,
): Promise<{ readonly subject: string | undefined }> {
  const { endpoint } = repository
  const { descriptor, bytes } = manifest
  const where = repository.at(reference)
  if (bytes.byteLength > endpoint.limits.manifest) throw tooLarge(where, endpoint.limits.manifest)
  const response = await repository.send({
    method: 'PUT',
    to: `manifests/${reference}`,
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
    wait: 'closing',
    ...call,
  })
  if (response.status < 200 || response.status > 299) {
    const faults = await readFaults(response)
    const error = failed(endpoint, where, 'writing the manifest', response, faults)
    if (mayStandAlready(error) && (await standsAlready(repository, manifest, reference, call)))
      return { subject: undefined }
    throw (await childrenMissing(repository, manifest, error, call)) ?? subjectRefused(manifest, error)
  }
  await response.discard()
  const stored = response.header('docker-content-digest')
  if (
    isDigest(stored) &&
    algorithmOf(stored) === algorithmOf(descriptor.digest) &&
    stored !== descriptor.digest
  )
    throw new SlipwayError(
      'DIGEST_MISMATCH',
      `${where}: wrote ${descriptor.digest}, the registry stored ${stored}`,
      {
        hint: 'The registry, or something between, rewrites manifests.',
      },
    )
  repository.see(descriptor.digest)
  return { subject: response.header('oci-subject') }
}

/**
 * A registry lost a blob that it said it had, or never had it: what was known of the children is void. Some
 * say so in words of their own, even with 500; then the children are looked for.
 */
async function childrenMissing(
  repository: Repository,
  manifest: Encoded,
  error: RegistryError,
  call: Call,
): Promise<SlipwayError | undefined> {
  const below = children(manifest.manifest)
  const said = saysMissing.has(error.code)
  const unclear = unclearStatus.has(error.status) && unclearCode.has(error.code)
  if (!said && !(unclear && (await anyMissing(repository, below, call)))) return undefined
  for (const child of below) repository.forget(child.digest)
  return new SlipwayError('MANIFEST_BLOB_UNKNOWN', error.message, {
    hint: 'The registry lacks content that the manifest points to; push it again.',
    cause: error,
  })
}

const saysMissing = new Set(['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN'])
const unclearCode = new Set(['REGISTRY_ERROR', 'MANIFEST_INVALID', 'DIGEST_INVALID', 'NAME_UNKNOWN'])
const unclearStatus = new Set([400, 404, 422, 500])

/** Whether a child is not there. */
export async function anyMissing(repository: Repository, below: readonly Descriptor[], call: Call) {
  for (const child of below) {
    const there = isManifestType(child.mediaType)
      ? (await resolveManifest(repository, child.digest, call)) !== undefined
      : await blobExists(repository, child, call)
    if (!there) return true
  }
  return false
}

function subjectRefused(manifest: Encoded, error: RegistryError): SlipwayError {
  if (manifest.manifest.subject === undefined || error.status !== 405) return error
  return new SlipwayError('UNSUPPORTED', error.message, {
    hint: 'The registry refuses manifests that refer to another one, so nothing can be attached there.',
    cause: error,
  })
}

function mayStandAlready(error: RegistryError): boolean {
  return error.code === 'TAG_IMMUTABLE' || error.status === 409
}

/** Registries with immutable tags refuse the identical manifest too; then there is nothing left to do. */
async function standsAlready(repository: Repository, manifest: Encoded, reference: Tag | Digest, call: Call) {
  const there = await resolveManifest(repository, reference, call)
  return there?.digest === manifest.descriptor.digest
}

/**
 * Some registries answer 403 for a manifest that does not exist. Listing tags takes the same right, so where
 * that is allowed and shows no such name, the manifest is missing.
 */
async function isMissing(repository: Repository, reference: Tag | Digest, call: Call): Promise<boolean> {
  try {
    for await (const entry of listEntries(repository, call)) if (entry === reference) return false
    return true
  } catch (error) {
    if (error instanceof SlipwayError) return false
    throw error
  }
}

function missing(repository: Repository, reference: Tag | Digest): undefined {
  if (!isDigest(reference)) return
  repository.forget(reference)
  repository.absent.add(reference)
}

function describeHead(response: HttpResponse, reference: Tag | Digest): Descriptor | undefined {
  const digest = response.header('docker-content-digest')
  const mediaType = mediaTypeOf(response)
  const size = Number(response.header('content-length') ?? Number.NaN)
  if (!isDigest(digest) || mediaType === undefined || !isManifestType(mediaType)) return undefined
  if (!Number.isSafeInteger(size) || size <= 0) return undefined
  return isDigest(reference) && reference !== digest ? undefined : { mediaType, digest, size }
}

function mediaTypeOf(response: HttpResponse): string | undefined {
  return response.header('content-type')?.split(';')[0]?.trim().toLowerCase()
}

async function readBytes(repository: Repository, response: HttpResponse, where: string): Promise<Uint8Array> {
  const limit = repository.endpoint.limits.manifest
  try {
    return await response.bytes(limit)
  } catch (error) {
    throw hasCode(error, 'RESPONSE_TOO_LARGE') ? tooLarge(where, limit) : error
  }
}

function tooLarge(where: string, limit: number): SlipwayError {
  return new SlipwayError('MANIFEST_TOO_LARGE', `${where}: the manifest is larger than ${limit} bytes`, {
    hint: 'Registries need accept no more than 4 MiB; shorten its annotations or split the index.',
  })
}

import { SlipwayError } from '../core/error.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { checked } from '../store/digesting.ts'
import type { Call } from '../store/store.ts'
import { failure } from './errors.ts'
import type { Repository } from './repository.ts'

/** Bytes after which an interrupted download counts as moving on, so that its failures are forgiven. */
const progress = 1024 * 1024

/** Whether a blob is here. A redirect to the storage says yes without following it. */
export async function blobExists(repository: Repository, content: Descriptor, call: Call): Promise<boolean> {
  const to = `blobs/${content.digest}`
  let response = await repository.send({ method: 'HEAD', to, redirect: 'manual', ...call })
  await response.discard()
  if (response.status >= 300 && response.status < 400 && staysHere(response)) {
    response = await repository.send({ method: 'HEAD', to, ...call })
    await response.discard()
  }
  if (response.status >= 200 && response.status < 400) {
    repository.see(content.digest)
    repository.endpoint.remember(content.digest, repository.path)
    return true
  }
  if (response.status !== 404)
    throw await failure(repository.endpoint, repository.at(content.digest), 'looking for the blob', response)
  repository.forget(content.digest)
  repository.absent.add(content.digest)
  return false
}

/**
 * A blob's bytes from `offset`. After an interruption the rest is asked for by Range; where the registry
 * ignores that, what was read already is skipped.
 * @throws BLOB_UNKNOWN, DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function* fetchBlob(
  repository: Repository,
  content: Descriptor,
  offset: number,
  call: Call,
): AsyncGenerator<Uint8Array> {
  yield* checked(download(repository, content, offset, call), content, repository.name, offset)
  repository.see(content.digest)
  repository.endpoint.remember(content.digest, repository.path)
}

async function* download(repository: Repository, content: Descriptor, offset: number, call: Call) {
  const { endpoint } = repository
  if (offset > 0 && offset === content.size) return
  let at = offset
  let failures = 0
  do {
    const before = at
    let interruption: unknown
    const response = await ask(repository, content, at, call)
    const reader = response.body[Symbol.asyncIterator]()
    let skip = at - response.start
    try {
      for (;;) {
        const chunk = await reader.next().catch((error: unknown) => {
          call.signal?.throwIfAborted()
          interruption = error
        })
        if (chunk === undefined || chunk.done === true) break
        const part = chunk.value.subarray(Math.min(skip, chunk.value.byteLength))
        skip -= chunk.value.byteLength - part.byteLength
        if (part.byteLength === 0) continue
        at += part.byteLength
        yield part
      }
    } finally {
      await reader.return?.()
    }
    if (at >= content.size) return
    failures = at - before >= progress ? 1 : failures + 1
    if (failures > endpoint.limits.retries) {
      if (interruption !== undefined) throw interruption
      return
    }
    await endpoint.backOff(failures, call.signal)
  } while (at < content.size)
}

async function ask(
  repository: Repository,
  content: Descriptor,
  at: number,
  call: Call,
): Promise<{ readonly start: number; readonly body: AsyncIterable<Uint8Array> }> {
  const where = repository.at(content.digest)
  const response = await repository.send({
    method: 'GET',
    to: `blobs/${content.digest}`,
    ...(at === 0 ? {} : { headers: { range: `bytes=${at}-` } }),
    ...call,
  })
  if (response.status === 200 || response.status === 206) {
    try {
      return { start: startOf(response, content, at, where), body: response.body }
    } catch (error) {
      await response.discard()
      throw error
    }
  }
  if (response.status === 416) {
    await response.discard()
    throw wrongSize(where, content, `it ends before byte ${at}`)
  }
  const error = await failure(repository.endpoint, where, 'reading the blob', response)
  if (error.status !== 404 || error.code === 'BLOB_UNKNOWN') throw error
  throw new SlipwayError('BLOB_UNKNOWN', error.message, { cause: error })
}

/** The first byte of an answer, after checking that it is a part of this blob. */
function startOf(response: HttpResponse, content: Descriptor, at: number, where: string): number {
  if (response.status === 200) {
    const length = response.header('content-length')
    const plain = response.header('content-encoding') === undefined
    if (length !== undefined && plain && Number(length) !== content.size)
      throw wrongSize(where, content, `the registry has ${length}`)
    return 0
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header('content-range') ?? '')
  const [, start, total] = range ?? []
  if (start === undefined || Number(start) > at)
    throw new SlipwayError(
      'REGISTRY_ERROR',
      `${where}: asked for the bytes from ${at}, the registry answered another range`,
      { hint: 'The registry, or a proxy before it, does not follow RFC 9110; try again later.' },
    )
  if (total !== '*' && Number(total) !== content.size)
    throw wrongSize(where, content, `the registry has ${total}`)
  return Number(start)
}

function wrongSize(where: string, content: Descriptor, found: string): SlipwayError {
  return new SlipwayError('SIZE_MISMATCH', `${where}: should be ${content.size} bytes, but ${found}`, {
    hint: 'The manifest that points to it, or the registry, is damaged.',
  })
}

function staysHere(response: HttpResponse): boolean {
  const location = response.header('location') ?? ''
  return (
    URL.canParse(location, response.url.href) &&
    new URL(location, response.url).origin === response.url.origin
  )
}

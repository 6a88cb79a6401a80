import { SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Call, Content } from '../store/store.ts'
import type { Repository } from './repository.ts'
import { type Opening, openingOf } from './upload-steps.ts'

/** Bytes; below it, a token for the other repository costs more than the upload. */
const worthMounting = 64 * 1024

/**
 * Asks the registry to take a blob over from another of its repositories (distribution spec, "Mounting a blob
 * from another repository"). Where it opens an upload instead, that upload; undefined where it
 * refuses, since being refused the other repository says nothing about this one.
 */
export async function mount(
  repository: Repository,
  content: Descriptor,
  bytes: Content,
  call: Call,
): Promise<'mounted' | Opening | undefined> {
  const { endpoint } = repository
  const from = placeToMount(repository, content, bytes)
  if (from === undefined) return undefined
  const query = new URLSearchParams({ mount: content.digest, from })
  try {
    const response = await repository.send({
      method: 'POST',
      to: `blobs/uploads/?${query}`,
      headers: { 'content-length': '0' },
      also: [{ repository: from, actions: ['pull'] }],
      retry: true,
      ...call,
    })
    if (response.status === 202) return await openingOf(response, repository.at(content.digest))
    await response.discard()
    if (response.status === 201) return 'mounted'
    if (response.status < 500) endpoint.unmountable.add(from)
    return undefined
  } catch (error) {
    if (!(error instanceof SlipwayError) || !refusals.has(error.code)) throw error
    endpoint.unmountable.add(from)
    return undefined
  }
}

const refusals = new Set(['UNAUTHORIZED', 'DENIED', 'TOKEN_UNAVAILABLE'])

function placeToMount(repository: Repository, content: Descriptor, bytes: Content): string | undefined {
  const { endpoint, path } = repository
  const home = `oci://${endpoint.base.host}/`
  const origin = bytes.origin?.id
  const named = origin?.startsWith(home) ? origin.slice(home.length) : undefined
  const seen = content.size >= worthMounting ? endpoint.placeOf(content.digest) : undefined
  return [named, seen].find((from) => from !== undefined && from !== path && !endpoint.unmountable.has(from))
}

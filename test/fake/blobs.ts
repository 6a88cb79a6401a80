import type { Exchange, Fake } from './exchange.ts'

/** GET and HEAD of a blob, with Range. */
export async function serveBlob(
  fake: Fake,
  exchange: Exchange,
  repository: string,
  digest: string,
): Promise<void> {
  const store = fake.state.repositories.get(repository)
  if (exchange.method === 'DELETE') {
    if (fake.quirks.delete === false) return exchange.error(405, 'UNSUPPORTED')
    return store?.blobs.delete(digest) === true ? exchange.answer(202) : exchange.error(404, 'BLOB_UNKNOWN')
  }
  const bytes = store?.blobs.get(digest)
  if (bytes === undefined) return exchange.error(404, store === undefined ? 'NAME_UNKNOWN' : 'BLOB_UNKNOWN')
  if (fake.quirks.blobRedirect === true)
    return exchange.answer(307, { location: `${fake.storage}/${repository}?digest=${digest}` })
  return sendBlob(fake, exchange, bytes, digest)
}

export function sendBlob(fake: Fake, exchange: Exchange, bytes: Buffer, digest: string): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest }
  const start = Number(/^bytes=(\d+)-$/.exec(exchange.header('range') ?? '')?.[1] ?? 0)
  if (exchange.method === 'HEAD')
    return exchange.answer(200, { ...headers, 'content-length': bytes.byteLength })
  if (start === 0 || fake.quirks.ignoreRange === true) return exchange.answer(200, headers, bytes)
  if (start >= bytes.byteLength) return exchange.error(416, 'RANGE_INVALID')
  const range = `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}`
  return exchange.answer(206, { ...headers, 'content-range': range }, bytes.subarray(start))
}

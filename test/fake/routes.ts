import { serveBlob } from './blobs.ts'
import type { Exchange, Fake } from './exchange.ts'
import { listCatalog, listTags } from './listings.ts'
import { serveManifest } from './manifests.ts'
import { listReferrers } from './referrers.ts'
import { continueUpload, startUpload } from './uploads.ts'

type Serve = (fake: Fake, exchange: Exchange, repository: string, rest: string) => Promise<void>

const routes: readonly [RegExp, Serve][] = [
  [/^\/v2\/(.+)\/blobs\/uploads\/?()$/, startUpload],
  [/^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, continueUpload],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, serveBlob],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, serveManifest],
  [/^\/v2\/(.+)\/tags\/list()$/, listTags],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, listReferrers],
]

/** Distribution spec, "Endpoints". */
export function route(fake: Fake, exchange: Exchange): Promise<void> {
  if (exchange.path === '/v2/') return exchange.json(200, {})
  if (exchange.path === '/v2/_catalog') return listCatalog(fake, exchange)
  for (const [pattern, serve] of routes) {
    const [, repository, rest = ''] = pattern.exec(exchange.path) ?? []
    if (repository !== undefined) return serve(fake, exchange, repository, rest)
  }
  return exchange.answer(404, { 'content-type': 'text/plain' }, '404 page not found\n')
}

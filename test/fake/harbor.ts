import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vendors } from './quirks.ts'
import { type FakeRegistry, startFakeRegistry } from './registry.ts'

export interface FakeHarborOptions {
  readonly username: string
  readonly password: string
  /** Tags that a rule of the project keeps. */
  readonly immutable?: readonly string[]
}

/** Harbor in this process: `/v2/` goes to the fake registry, `/api/v2.0/` is answered here. */
export interface FakeHarbor extends AsyncDisposable {
  readonly registry: FakeRegistry
  /** `localhost:PORT` */
  readonly host: string
  readonly requests: string[]
  date(digest: string, pushed: Date, pulled?: Date): void
  /** A page that is short by its first entry, as when somebody deletes between two pages. */
  dropFirst: boolean
}

const never = '0001-01-01T00:00:00.000Z'

export async function startFakeHarbor(options: FakeHarborOptions): Promise<FakeHarbor> {
  const { username, password, immutable = [] } = options
  const { immutable: _, ...quirks } = vendors.harbor
  const registry = await startFakeRegistry({ quirks })
  const times = new Map<string, { pushed: string; pulled: string }>()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/')) serve(request, response)
    else pass(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  function pass(request: IncomingMessage, response: ServerResponse): void {
    // What deletes here is the API; OCI's DELETE takes no tags.
    const onward = forward(
      `${registry.url}${request.url}`,
      { method: request.method ?? 'GET', headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      },
    )
    request.pipe(onward)
  }

  function serve(request: IncomingMessage, response: ServerResponse): unknown {
    const url = new URL(request.url ?? '/', 'http://harbor')
    fake.requests.push(`${request.method} ${url.pathname}${url.search}`)
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(body))
    }
    const fault = (status: number, code: string, message: string) =>
      answer(status, { errors: [{ code, message }] })
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    if (request.headers.authorization !== basic) return fault(401, 'UNAUTHORIZED', 'unauthorized')
    const [, project, encoded = '', reference, tag] =
      /^\/api\/v2\.0\/projects\/([^/]+)\/repositories\/([^/]+)\/artifacts(?:\/([^/]+)(?:\/tags\/([^/]+))?)?$/.exec(
        url.pathname,
      ) ?? []
    const repository = `${project}/${decodeURIComponent(decodeURIComponent(encoded))}`
    const store = registry.repository(repository)
    if (store === undefined) return fault(404, 'NOT_FOUND', `repository ${repository} not found`)
    const named = [...store.manifests].flatMap(([, { bytes }]) =>
      ((JSON.parse(bytes.toString()) as { manifests?: { digest: string }[] }).manifests ?? []).map(
        (one) => one.digest,
      ),
    )
    const entry = (digest: string) => {
      const { pushed = new Date().toISOString(), pulled = never } = times.get(digest) ?? {}
      const tags = [...store.tags].flatMap(([name, to]) =>
        to === digest
          ? [{ name, push_time: pushed, pull_time: pulled, immutable: immutable.includes(name) }]
          : [],
      )
      return { digest, push_time: pushed, pull_time: pulled, tags: tags.length === 0 ? null : tags }
    }
    if (reference === undefined) {
      // What an index names, and what refers to something, is not in the list.
      const all = [...store.manifests.keys()].filter((digest) => {
        const tagged = [...store.tags.values()].includes(digest)
        const { subject } = JSON.parse(store.manifests.get(digest)?.bytes.toString() ?? '{}') as {
          subject?: unknown
        }
        return tagged || (!named.includes(digest) && subject === undefined)
      })
      const [page, size] = [Number(url.searchParams.get('page')), Number(url.searchParams.get('page_size'))]
      const shown = all.slice((page - 1) * size, page * size)
      return answer(200, (fake.dropFirst ? shown.slice(1) : shown).map(entry), {
        'x-total-count': String(all.length),
      })
    }
    const digest = reference.includes(':') ? reference : (store.tags.get(reference) ?? '')
    if (!store.manifests.has(digest)) return fault(404, 'NOT_FOUND', 'artifact not found')
    if (request.method === 'GET') return answer(200, entry(digest))
    if (tag !== undefined) {
      if (immutable.includes(tag)) return fault(412, 'PRECONDITION', 'the tag is immutable')
      store.tags.delete(tag)
      return answer(200, {})
    }
    if (named.includes(digest))
      return fault(412, 'PRECONDITION', 'the deleting artifact is referenced by others')
    if (entry(digest).tags?.some((one) => one.immutable))
      return fault(412, 'PRECONDITION', 'matches an immutable rule')
    store.manifests.delete(digest)
    for (const [name, to] of store.tags) if (to === digest) store.tags.delete(name)
    return answer(200, {})
  }

  const fake: FakeHarbor = {
    registry,
    host: `localhost:${(server.address() as AddressInfo).port}`,
    requests: [],
    dropFirst: false,
    date: (digest, pushed, pulled) =>
      void times.set(digest, { pushed: pushed.toISOString(), pulled: pulled?.toISOString() ?? never }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await registry[Symbol.asyncDispose]()
    },
  }
  return fake
}

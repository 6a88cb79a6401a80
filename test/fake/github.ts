import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vendors } from './quirks.ts'
import { type FakeRegistry, startFakeRegistry } from './registry.ts'

interface FakeVersion {
  readonly id: number
  readonly digest: string
  createdAt: string
  updatedAt: string
}

export interface FakeGithubOptions {
  readonly token?: string
  /** Owners that are organisations; all others are users. */
  readonly organisations?: readonly string[]
  /** Versions that more than 5,000 pulled. */
  readonly popular?: readonly string[]
  readonly pageSize?: number
}

/** ghcr.io in this process: a registry that does not delete, and the part of GitHub's API that does. */
export interface FakeGithub extends AsyncDisposable {
  readonly registry: FakeRegistry
  /** Address of the API. */
  readonly api: string
  /** `METHOD path` of the API, in the order of arrival. */
  readonly requests: string[]
  /** Authorization headers that the API got. */
  readonly authorizations: Set<string>
  /** Answers the next requests that match with this instead. */
  fail(
    pattern: RegExp,
    status: number,
    headers?: Record<string, string>,
    body?: unknown,
    times?: number,
  ): void
  /** Sets when a version was pushed. */
  date(repository: string, digest: string, time: Date): void
  /** Called before each deletion. */
  beforeDelete?: () => void
}

export async function startFakeGithub(options: FakeGithubOptions = {}): Promise<FakeGithub> {
  const { organisations = [], popular = [], pageSize = 100, token } = options
  const registry = await startFakeRegistry({ quirks: vendors.ghcr })
  const versions = new Map<string, Map<string, FakeVersion>>()
  const faults: {
    pattern: RegExp
    status: number
    headers: Record<string, string>
    body: unknown
    times: number
  }[] = []
  let lastId = 1000
  const server = createServer((request, response) => serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  /** A version for every manifest that is in the registry, as GitHub makes them on each push. */
  function list(repository: string): { version: FakeVersion; tags: string[] }[] {
    const store = registry.repository(repository)
    const known = versions.get(repository) ?? new Map<string, FakeVersion>()
    versions.set(repository, known)
    const time = new Date().toISOString()
    return [...(store?.manifests.keys() ?? [])].map((digest) => {
      const version = known.get(digest) ?? { id: ++lastId, digest, createdAt: time, updatedAt: time }
      known.set(digest, version)
      const tags = [...(store?.tags ?? [])].flatMap(([tag, to]) => (to === digest ? [tag] : []))
      return { version, tags }
    })
  }

  function document({ version, tags }: { version: FakeVersion; tags: string[] }) {
    return {
      id: version.id,
      name: version.digest,
      created_at: version.createdAt,
      updated_at: version.updatedAt,
      metadata: { package_type: 'container', container: { tags } },
    }
  }

  function serve(request: IncomingMessage, response: ServerResponse): unknown {
    const url = new URL(request.url ?? '/', api)
    const line = `${request.method} ${url.pathname}${url.search}`
    fake.requests.push(line)
    fake.authorizations.add(request.headers.authorization ?? '')
    const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const fault = faults.find((one) => one.times > 0 && one.pattern.test(line))
    if (fault !== undefined) {
      fault.times--
      return answer(fault.status, fault.body, fault.headers)
    }
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return answer(401, { message: 'Bad credentials' })
    const owner = /^\/users\/([^/]+)$/.exec(url.pathname)?.[1]
    if (owner !== undefined)
      return answer(200, { login: owner, type: organisations.includes(owner) ? 'Organization' : 'User' })
    const [, kind, name = '', packageName = '', id] =
      /^\/(orgs|users)\/([^/]+)\/packages\/container\/([^/]+)\/versions(?:\/(\d+))?$/.exec(url.pathname) ?? []
    const repository = `${name}/${decodeURIComponent(packageName)}`
    const right = (kind === 'orgs') === organisations.includes(name)
    if (!right || registry.repository(repository) === undefined)
      return answer(404, { message: 'Package not found.' })
    const all = list(repository)
    if (id === undefined) {
      const page = Number(url.searchParams.get('page') ?? 1)
      const size = Math.min(pageSize, Number(url.searchParams.get('per_page') ?? 30))
      const next = new URL(url)
      next.searchParams.set('page', String(page + 1))
      const more = all.length > page * size
      return answer(
        200,
        all.slice((page - 1) * size, page * size).map(document),
        more ? { link: `<${next.href}>; rel="next"` } : {},
      )
    }
    const found = all.find(({ version }) => version.id === Number(id))
    if (found === undefined) return answer(404, { message: 'Not Found' })
    if (request.method === 'GET') return answer(200, document(found))
    fake.beforeDelete?.()
    if (popular.includes(found.version.digest))
      return answer(400, {
        message: 'Publicly visible package versions with more than 5000 downloads cannot be deleted.',
      })
    const tagged = all.filter(({ tags }) => tags.length > 0)
    if (tagged.length === 1 && tagged[0] === found)
      return answer(400, { message: 'You cannot delete the last tagged version of a package.' })
    const store = registry.repository(repository)
    store?.manifests.delete(found.version.digest)
    for (const tag of found.tags) store?.tags.delete(tag)
    versions.get(repository)?.delete(found.version.digest)
    return answer(204)
  }

  const fake: FakeGithub = {
    registry,
    api,
    requests: [],
    authorizations: new Set(),
    fail: (pattern, status, headers = {}, body = { message: 'told to fail' }, times = 1) =>
      void faults.push({ pattern, status, headers, body, times }),
    date(repository, digest, time) {
      const found = list(repository).find(({ version }) => version.digest === digest)?.version
      if (found !== undefined) found.createdAt = found.updatedAt = time.toISOString()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await registry[Symbol.asyncDispose]()
    },
  }
  return fake
}

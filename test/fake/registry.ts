import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuthMode, FakeAuth } from './auth.ts'
import { sendBlob } from './blobs.ts'
import { Exchange, type Fake } from './exchange.ts'
import { type Fault, Faults } from './faults.ts'
import type { Quirks } from './quirks.ts'
import { route } from './routes.ts'
import { type FakeRepository, FakeState } from './state.ts'

export interface FakeOptions {
  readonly auth?: AuthMode
  readonly quirks?: Quirks
}

export interface Logged {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** 0 while there is no answer, and for broken connections. */
  readonly status: number
}

/** A registry in this process that keeps everything in memory and misbehaves on request. */
export interface FakeRegistry extends AsyncDisposable {
  readonly url: string
  /** `localhost:PORT` */
  readonly host: string
  /** Every request to the registry, in the order of arrival. */
  readonly requests: readonly Logged[]
  /** What it holds; undefined for a repository nothing was written to. */
  repository(path: string): FakeRepository | undefined
  readonly state: FakeState
  /** Requests as `METHOD path`, without those to the token endpoint, optionally by a pattern. */
  log(pattern?: RegExp): string[]
  clearLog(): void
  fail(fault: Fault): void
  /** From now on nothing goes wrong. */
  heal(): void
  /** Makes every token handed out so far worthless. */
  expireTokens(): void
}

/** Starts on a free port of 127.0.0.1. */
export async function startFakeRegistry(options: FakeOptions = {}): Promise<FakeRegistry> {
  const { quirks = {} } = options
  const auth = new FakeAuth(options.auth ?? { kind: 'none' })
  const faults = new Faults()
  const state = new FakeState()
  const requests: Logged[] = []
  const storage = createServer((request, response) => {
    const fault = faults.strike(request.method ?? '', `storage${request.url}`)
    void serveStorage(fake, new Exchange(request, response, fault))
  })
  const server = createServer((request, response) => {
    void serve(request, response)
  })
  const url = `http://localhost:${await listen(server)}`
  const fake: Fake = { state, quirks, url, storage: `http://127.0.0.1:${await listen(storage)}` }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    const logged = { method: request.method ?? '', path, headers: request.headers, status: 0 }
    requests.push(logged)
    response.once('finish', () => {
      logged.status = response.statusCode
    })
    const fault = faults.strike(logged.method, path)
    const exchange = new Exchange(request, response, fault)
    if (fault?.delay !== undefined) await sleep(fault.delay)
    if (fault?.resetAfter === 0) return void request.socket.destroy()
    if (fault?.status !== undefined)
      return exchange.answer(fault.status, { ...fault.headers }, fault.body ?? '')
    if (exchange.path === '/token') return auth.token(exchange)
    if (!(await auth.admits(exchange, url))) return
    await route(fake, exchange)
  }

  return {
    url,
    host: url.slice('http://'.length),
    requests,
    state,
    repository: (path) => state.repositories.get(path),
    log: (pattern = /./) =>
      requests
        .map((one) => `${one.method} ${one.path}`)
        .filter((line) => !line.includes('/token') && pattern.test(line)),
    clearLog: () => void requests.splice(0),
    fail: (fault) => faults.add(fault),
    heal: () => faults.clear(),
    expireTokens: () => auth.expire(),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(server), close(storage)])
    },
  }
}

/** Object storage with signed addresses: a credential beside the signature is an error. */
function serveStorage(fake: Fake, exchange: Exchange): Promise<void> {
  if (exchange.header('authorization') !== undefined)
    return exchange.answer(400, {}, 'Only one auth mechanism allowed')
  const digest = exchange.query.get('digest') ?? ''
  const bytes = fake.state.repositories.get(exchange.path.slice(1))?.blobs.get(digest)
  if (bytes === undefined) return exchange.answer(429, {}, 'elsewhere')
  return sendBlob(fake, exchange, bytes, digest)
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

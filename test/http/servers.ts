import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { createTransport, type TransportOptions } from '../../src/http/client.ts'
import type { HttpRequest, Transport } from '../../src/http/transport.ts'

export const pem = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')

export interface Listening {
  readonly url: URL
  readonly port: number
  readonly server: Server
  /** What was asked, in order. */
  readonly requests: IncomingMessage[]
}

async function listen(server: Server, protocol: string, requests: IncomingMessage[]): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { server, port, requests, url: new URL(`${protocol}//127.0.0.1:${port}/`) }
}

export function serve(listener: RequestListener): Promise<Listening> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    listener(request, response)
  })
  return listen(server, 'http:', requests)
}

export function serveTls(listener: RequestListener, options: ServerOptions = {}): Promise<Listening> {
  const requests: IncomingMessage[] = []
  const server = createTlsServer(
    { cert: pem('server.pem'), key: pem('server.key'), ...options },
    (request, response) => {
      requests.push(request)
      listener(request, response)
    },
  )
  return listen(server as unknown as Server, 'https:', requests)
}

/** A proxy that sends every tunnel to one port, whatever its name, and records what it was asked for. */
export async function serveProxy(to: number): Promise<Listening & { readonly tunnels: IncomingMessage[] }> {
  const tunnels: IncomingMessage[] = []
  const proxy = await serve((request, response) => {
    response.end(`proxied ${request.url}`)
  })
  const sockets = new Set<Socket>()
  proxy.server.on('connect', (request, client: Socket) => {
    tunnels.push(request)
    const upstream = connect(to, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    sockets.add(client).add(upstream)
    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return { ...proxy, tunnels }
}

/** Time that passes only when someone sleeps; random is 1 less nothing, so that waits are whole. */
export class FakeClock implements Clock {
  time = Date.parse('2026-01-01T00:00:00Z')
  readonly sleeps: number[] = []
  now(): number {
    return this.time
  }
  random(): number {
    return 0
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.sleeps.push(ms)
    const until = this.time + ms
    await Promise.resolve()
    this.time = Math.max(this.time, until)
  }
}

export function transport(options: Partial<TransportOptions> = {}): Transport {
  const made = createTransport({ environment: {}, userAgent: 'slipway/test', ...options })
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

export async function get(
  through: Transport,
  url: URL | string,
  more: Partial<HttpRequest> = {},
): Promise<{ status: number; text: string }> {
  const response = await through.send({ method: 'GET', url: new URL(url), ...more })
  return { status: response.status, text: Buffer.from(await response.bytes(1e6)).toString() }
}

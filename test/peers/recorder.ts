import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recorded {
  readonly method: string
  readonly path: string
  /** 0 until the registry has answered. */
  status: number
  /** Milliseconds; infinite until then. */
  ended: number
  readonly began: number
}

export interface Recorder extends AsyncDisposable {
  /** `localhost:PORT`, in place of the registry's own. */
  readonly url: string
  /** In the order in which they came. */
  readonly requests: readonly Recorded[]
}

/** A proxy in front of a registry that writes down every request, with when it came and was answered. */
export async function record(registry: string): Promise<Recorder> {
  const requests: Recorded[] = []
  const server = createServer((incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    const entry = { method, path, status: 0, began: performance.now(), ended: Number.POSITIVE_INFINITY }
    requests.push(entry)
    // The registry builds its locations from the Host that was asked: they lead back through here.
    const onward = request(`http://${registry}${path}`, { method, headers }, (answer) => {
      entry.status = answer.statusCode ?? 502
      entry.ended = performance.now()
      response.writeHead(entry.status, answer.headers)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    // A client that was killed is not told, but what it had sent whole is done and written down.
    incoming.once('error', () => onward.destroy())
    response.once('error', () => {})
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `localhost:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import { systemClock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'
import { isLoopback } from '../http/address.ts'
import { createTransport } from '../http/client.ts'
import type { Transport } from '../http/transport.ts'
import { createAuth } from '../registry/auth.ts'
import { createCredentials } from '../registry/credentials.ts'
import { openRegistry } from '../registry/registry.ts'
import type { Registry } from '../store/store.ts'
import type { OpenOptions } from './open.ts'

/** Transport and credentials that all hosts of one run share; loaded only when a host is named. */
export interface Wire {
  readonly transport: Transport
  registry(host: string): Registry
  /** Whether the registry lets these credentials in. @throws UNAUTHORIZED, DENIED, NOT_A_REGISTRY */
  ping(host: string): Promise<void>
  close(): Promise<void>
}

export function createWire(options: OpenOptions): Wire {
  const { environment, host: settings = () => undefined, clock = systemClock, limits = {} } = options
  const plainHttp = (host: string) =>
    settings(host)?.plainHttp ?? isLoopback(new URL(`http://${host}`).hostname)
  const secret = options.secret === undefined ? {} : { secret: options.secret }
  const transport = createTransport({
    environment,
    limits,
    clock,
    userAgent: options.userAgent,
    perHost: settings,
  })
  const auth = createAuth({
    transport,
    clock,
    plainHttp,
    credentials: createCredentials({ environment, ...secret, explicit: options.credentials ?? [] }),
    ...secret,
  })
  return {
    transport,
    registry(host) {
      const { backend, api } = settings(host) ?? {}
      return openRegistry({ host, plainHttp: plainHttp(host), auth, limits, clock, backend, api })
    },
    async ping(host) {
      const url = new URL(`${plainHttp(host) ? 'http' : 'https'}://${host}/v2/`)
      const response = await auth.send({ method: 'GET', url }, [])
      await response.discard()
      if (response.status === 200) return
      if (response.status === 401 || response.status === 403)
        throw new SlipwayError('UNAUTHORIZED', `${host} does not accept this user and password`, {
          hint: 'Check both; many registries want an access token in place of the password.',
        })
      throw new SlipwayError('NOT_A_REGISTRY', `${host} answered ${response.status} to GET /v2/`, {
        hint: 'Check the host and its port; a registry answers 200 there.',
      })
    },
    close: async () => await transport[Symbol.asyncDispose](),
  }
}

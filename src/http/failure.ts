import { SlipwayError } from '../core/error.ts'
import { endpointOf } from './address.ts'
import { explainTls } from './tls.ts'

/** What became of an attempt that brought no answer. */
export interface Failure {
  readonly error: SlipwayError
  /** `before`: nothing of the request can have reached the server. `never`: trying again cannot help. */
  readonly retry: 'before' | 'during' | 'never' | 'if-known'
}

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host name',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  UND_ERR_PRX_TLS: 'the certificate of the proxy is not valid for its name',
  HPE_INVALID_CONSTANT: 'its answer is not HTTP',
}

/**
 * Turns whatever an attempt threw into an error for a person. `where` tells the phase: `body` means that
 * the answer had begun.
 */
export function failureOf(thrown: unknown, url: URL, where: 'request' | 'body'): Failure {
  if (thrown instanceof SlipwayError) return { error: thrown, retry: 'never' }
  const code = codeOf(thrown)
  const endpoint = endpointOf(url)
  const tls = explainTls(code, url.host)
  if (tls !== undefined)
    return {
      retry: 'never',
      error: new SlipwayError('TLS_FAILED', `no secure connection to ${endpoint}: ${tls.reason}`, {
        hint: tls.hint,
        cause: thrown,
      }),
    }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return { retry: 'before', error: timedOut(`${endpoint} accepted no connection in time`, thrown) }
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return { retry: 'during', error: timedOut(`${endpoint} did not answer in time`, thrown) }
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return { retry: 'during', error: timedOut(`${endpoint} stopped sending`, thrown) }
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return {
      retry: 'never',
      error: new SlipwayError('RESPONSE_TOO_LARGE', `${endpoint} answered with too many header bytes`, {
        cause: thrown,
      }),
    }
  const proxy = /Proxy response \((\d+)\)/.exec(thrown instanceof Error ? thrown.message : '')
  const reason =
    proxy !== null
      ? `the proxy answered ${proxy[1]}${proxy[1] === '407' ? ' (it wants a user and password)' : ''}`
      : (words[code] ??
        (code.startsWith('HPE_')
          ? 'its answer is not HTTP'
          : `the connection failed (${code || 'unknown reason'})`))
  const said = where === 'body' ? `the answer of ${endpoint} broke off` : `${endpoint} cannot be reached`
  return {
    retry:
      proxy !== null
        ? 'never'
        : /^(ENOTFOUND|ECONNREFUSED)$/.test(code)
          ? 'if-known'
          : /^(EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code)
            ? 'before'
            : 'during',
    error: new SlipwayError('HOST_UNREACHABLE', `${said}: ${reason}`, {
      hint: hintFor(code, proxy !== null),
      cause: thrown,
    }),
  }
}

function hintFor(code: string, proxied: boolean): string {
  if (proxied) return 'Check HTTPS_PROXY and NO_PROXY.'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Check the spelling of the host and the network.'
  if (code === 'ECONNREFUSED') return 'Check the port, and that the server runs.'
  return 'Check the network and the proxy settings, then run again.'
}

function timedOut(message: string, cause: unknown): SlipwayError {
  return new SlipwayError('TIMED_OUT', message, {
    cause,
    hint: 'Run again, or allow more time with registries.<host>.timeout.',
  })
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  const own: unknown = Reflect.get(thrown, 'code')
  const cause = thrown.cause instanceof Error ? codeOf(thrown.cause) : ''
  // A closed socket says little; what closed it says more.
  if (typeof own === 'string' && own !== 'UND_ERR_SOCKET' && own !== 'UND_ERR_PRX_CONN') return own
  return cause || (typeof own === 'string' ? own : '')
}

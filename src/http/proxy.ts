import { BlockList, isIP } from 'node:net'
import { badInput } from '../core/error.ts'
import { bareHost, isLoopback } from './address.ts'

/** Environment variables as a value; only the proxy's names are read. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL as HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower-case names, which win) say;
 * undefined: connect directly. Loopback is never proxied. @throws PROXY_INVALID
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = read(environment, name)
  if (value === undefined || isLoopback(url.hostname)) return undefined
  if (excluded(url, read(environment, 'NO_PROXY') ?? '')) return undefined
  const proxy = URL.parse(value.includes('://') ? value : `http://${value}`)
  // The value may hold a password, so it is not repeated.
  if (proxy === null || (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') || proxy.hostname === '')
    throw badInput('PROXY_INVALID', `${name} is not the address of an HTTP proxy`, {
      hint: `Set ${name} to http://HOST:PORT, or unset it.`,
    })
  return proxy
}

function read(environment: ProxyEnvironment, name: string): string | undefined {
  return environment[name.toLowerCase()]?.trim() || environment[name]?.trim() || undefined
}

function excluded(url: URL, list: string): boolean {
  const host = bareHost(url.hostname).toLowerCase()
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port))
}

/** `*`, `host`, `.domain`, `*.domain`, `address`, `network/prefix`; all but the last with `:port` too. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const network = /^(.+)\/(\d{1,3})$/.exec(entry)
  if (network !== null) return inNetwork(host, network[1] ?? '', Number(network[2]))
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry)
  if (withPort !== null && withPort[2] !== port) return false
  const name = bareHost(withPort?.[1] ?? entry).replace(/^\*?\./, '')
  if (name === '') return false
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`))
}

function inNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || prefix > (family === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(network, prefix, family === 6 ? 'ipv6' : 'ipv4')
  return list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

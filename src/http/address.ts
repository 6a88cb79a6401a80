import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const local = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  local.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  local.addSubnet(network, prefix, 'ipv6')

/** A URL's hostname without the brackets of IPv6 and the dot that may end a full name. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

/** Whether this host name or address is this machine: `localhost`, `*.localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname).toLowerCase()
  return host === 'localhost' || host.endsWith('.localhost') || listed(loopback, host)
}

/** Whether this IP address is only reachable from inside: loopback, private, link-local, shared space. */
export function isLocalAddress(address: string): boolean {
  return listed(local, bareHost(address))
}

function listed(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** `host:port`, the port always said. */
export function endpointOf(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

/** A URL as it may be shown: without user, password, query and fragment, where secrets travel. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

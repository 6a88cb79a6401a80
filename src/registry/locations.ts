import { SlipwayError } from '../core/error.ts'
import { isLocalAddress, isLoopback } from '../http/address.ts'

/**
 * Where the registry says an upload goes on. Relative to the request; never from https to http, never from a
 * public registry into a private network. A proxy that ends TLS may name itself with http: then its own
 * scheme is kept.
 * @throws LOCATION_REFUSED
 */
export function uploadLocation(location: string | undefined, from: URL, where: string): URL {
  if (location === undefined || !URL.canParse(location, from.href))
    throw new SlipwayError('LOCATION_REFUSED', `${where}: the registry named no address to upload to`, {
      hint: 'The registry does not follow the OCI distribution specification.',
    })
  const target = new URL(location, from)
  if (target.hostname === from.hostname && target.protocol !== from.protocol && from.protocol === 'https:') {
    target.protocol = from.protocol
    target.port = from.port
  }
  const fault = faultOf(target, from)
  if (fault === undefined) return target
  throw new SlipwayError('LOCATION_REFUSED', `${where}: refused to upload to ${target.origin}: ${fault}`, {
    hint: 'The registry, or a proxy before it, hands out an address that cannot be trusted.',
  })
}

function faultOf(target: URL, from: URL): string | undefined {
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return 'not an HTTP address'
  if (target.username !== '' || target.password !== '') return 'the address carries a credential'
  if (from.protocol === 'https:' && target.protocol === 'http:') return 'https must not become http'
  if (target.hostname !== from.hostname && isInside(target.hostname) && !isInside(from.hostname))
    return 'a public registry must not lead into a private network'
  return undefined
}

/** As far as the name itself tells; what a name resolves to is not looked at. */
function isInside(hostname: string): boolean {
  return isLoopback(hostname) || isLocalAddress(hostname)
}

import { badInput } from '../core/error.ts'
import type { Credential } from '../registry/credential.ts'
import type { GivenCredential } from '../registry/credentials.ts'
import type { Place } from '../store/address.ts'

/**
 * A credential given by flag, input or variable, for the one host that is named.
 * @throws CREDENTIAL_AMBIGUOUS when several are: it belongs to one of them, and must not reach the others
 */
export function explicitFor(places: readonly Place[], credential: Credential): GivenCredential[] {
  const hosts = [...new Set(places.flatMap((place) => (place.scheme === 'oci' ? [place.host] : [])))]
  if (hosts.length > 1)
    throw badInput(
      'CREDENTIAL_AMBIGUOUS',
      `There is one credential (${credential.source}) for ${hosts.length} hosts: ${hosts.join(', ')}`,
      { hint: 'Log in to each of them instead: slipway login HOST --username USER --password-stdin.' },
    )
  return hosts.map((host) => ({ host, credential }))
}

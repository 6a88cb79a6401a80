import { badInput } from '../../core/error.ts'
import { isLoopback } from '../../http/address.ts'
import type { Inventory } from '../../store/inventory.ts'
import type { Store } from '../../store/store.ts'
import type { Repository } from '../repository.ts'
import { GhcrInventory } from './ghcr.ts'
import { HarborInventory } from './harbor.ts'
import type { Backend } from './names.ts'
import { OciInventory } from './oci.ts'
import { zotInventory } from './zot.ts'

export interface BackendOptions {
  /** Default: `ghcr` for ghcr.io, `oci` for every other host. */
  readonly backend?: Backend | undefined
  /** Address of GitHub's API; default https://api.github.com, for ghcr.io only. */
  readonly api?: string | undefined
}

/**
 * What deletes in one repository.
 * @throws BACKEND_INVALID for `ghcr` on another host without an address of its API
 */
export function inventoryOf(repository: Repository, store: Store, options: BackendOptions): Inventory {
  const { host } = repository.endpoint
  const { backend = host === 'ghcr.io' ? 'ghcr' : 'oci' } = options
  if (backend === 'oci') return new OciInventory(repository)
  if (backend === 'zot') return zotInventory(repository)
  if (backend === 'harbor') return new HarborInventory(repository)
  return new GhcrInventory(repository, store, apiOf(host, options.api))
}

/** A token goes there: so over TLS, or to this machine. */
function apiOf(host: string, given: string | undefined): URL {
  const text = given ?? (host === 'ghcr.io' ? 'https://api.github.com' : undefined)
  const url = text === undefined ? null : URL.parse(text.endsWith('/') ? text : `${text}/`)
  if (url !== null && host === 'ghcr.io' && url.hostname !== 'api.github.com' && !isLoopback(url.hostname))
    throw badInput(
      'BACKEND_INVALID',
      `The token for ghcr.io goes to api.github.com, and not to ${url.host}`,
      {
        hint: 'Take registries.ghcr.io.api out of slipway.yaml.',
      },
    )
  if (url !== null && url.username === '' && (url.protocol === 'https:' || isLoopback(url.hostname)))
    return url
  throw badInput(
    'BACKEND_INVALID',
    text === undefined
      ? `${host} is to be cleaned through GitHub's Packages API, but nothing says where that is`
      : `${host}: the API's address is no https address without a password`,
    { hint: 'Set registries.<host>.api in slipway.yaml, such as https://github.example.org/api/v3.' },
  )
}

import { type Clock, systemClock } from '../core/clock.ts'
import { defaultLimits, type Limits } from '../core/limits.ts'
import { parseRepository } from '../oci/reference.ts'
import type { Inventory } from '../store/inventory.ts'
import type { Call, Registry } from '../store/store.ts'
import type { Auth } from './auth.ts'
import { listRepositories } from './catalog.ts'
import { defaultUploadSizes, Endpoint, isDockerHub, type UploadSizes } from './endpoint.ts'
import { Repository } from './repository.ts'
import { RepositoryStore } from './store.ts'
import { type BackendOptions, inventoryOf } from './vendor/backend.ts'

export interface RegistryOptions extends BackendOptions {
  /** `host` or `host:port` as users write it; Docker Hub's own names lead to its real host. */
  readonly host: string
  readonly plainHttp: boolean
  readonly auth: Auth
  /** `manifest`, and `retries` with their delays, which also bound how often a transfer is resumed. */
  readonly limits?: Partial<Limits>
  readonly clock?: Clock
  /** Every repository stands below this path and is named without it. */
  readonly prefix?: string
  readonly uploadSizes?: Partial<UploadSizes>
  /** Called when the registry is disposed of, for connections that it alone uses. */
  readonly release?: () => Promise<void>
}

/**
 * A registry that speaks the OCI distribution specification 1.1.
 * @throws ADDRESS_INVALID, REPOSITORY_INVALID for a prefix that cannot be one
 */
export function openRegistry(options: RegistryOptions): Registry {
  return new HttpRegistry(options)
}

class HttpRegistry implements Registry {
  readonly name: string
  readonly #endpoint: Endpoint
  readonly #prefix: string
  readonly #release: (() => Promise<void>) | undefined
  readonly #backend: BackendOptions
  readonly #repositories = new Map<string, Repository>()
  readonly #stores = new Map<string, RepositoryStore>()

  constructor(options: RegistryOptions) {
    const { host, plainHttp, auth, prefix = '' } = options
    this.#endpoint = new Endpoint({
      host,
      plainHttp,
      auth,
      limits: { ...defaultLimits, ...options.limits },
      clock: options.clock ?? systemClock,
      sizes: { ...defaultUploadSizes, ...options.uploadSizes },
    })
    this.#prefix = prefix === '' ? '' : `${parseRepository(prefix)}/`
    this.#release = options.release
    this.#backend = options
    this.name = prefix === '' ? host : `${host}/${prefix}`
  }

  repository(path: string): RepositoryStore {
    const full = this.#fullPath(path)
    let store = this.#stores.get(full)
    if (store === undefined) {
      const repository = new Repository(this.#endpoint, full)
      store = new RepositoryStore(repository)
      this.#repositories.set(full, repository)
      this.#stores.set(full, store)
    }
    return store
  }

  inventory(path: string): Inventory {
    const store = this.repository(path)
    return inventoryOf(this.#repositories.get(this.#fullPath(path)) as Repository, store, this.#backend)
  }

  async *repositories(call: Call = {}): AsyncGenerator<string> {
    for await (const path of listRepositories(this.#endpoint, call))
      if (path.startsWith(this.#prefix)) yield path.slice(this.#prefix.length)
  }

  async finish(): Promise<void> {
    // Every write was real when its call returned.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stores.clear()
    await this.#release?.()
  }

  /** Docker Hub keeps names without a slash below `library/`. */
  #fullPath(path: string): string {
    const full = parseRepository(`${this.#prefix}${path}`)
    return isDockerHub(this.#endpoint.host) && !full.includes('/') ? `library/${full}` : full
  }
}

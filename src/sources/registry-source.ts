import pLimit, { type LimitFunction } from 'p-limit'
import { hasCode, SlipwayError } from '../core/error.ts'
import { type Layouts, registryTagOf } from '../extension/kinds.ts'
import { type Place, showAddress, showTarget, type Target, under } from '../store/address.ts'
import type { Call, Registry } from '../store/store.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { Documents, type Tally } from './documents.ts'
import { failedAt, isDamage } from './failure.ts'
import { type Home, homesOf, idOfRepository, versionOfTag } from './homes.ts'
import type { ManifestCache } from './manifest-cache.ts'
import { readCandidate, unreadable } from './read-candidate.ts'
import { Remembered } from './remembered.ts'
import type { Candidate, PackageSource, SourceCounts, Withheld } from './source.ts'

export interface RegistrySourceOptions {
  readonly target: Target
  readonly layouts: Layouts
  readonly open: (place: Place) => Promise<Registry>
  /** Kept between runs; used for registries over a network only. */
  readonly cache?: ManifestCache
  /** Ask nothing over a network. */
  readonly offline?: boolean
  /** Requests at once; default 8. */
  readonly concurrency?: number
}

/** Names looked through for "did you mean", whoever's they are. */
const mostNames = 10_000

/**
 * The packages of a registry, a layout or an archive. A version costs one request, or two where its manifest
 * has no annotation that tells the dependencies; with a cache, one small request more where its tag has moved
 * since it was kept. Nothing is asked twice. Where a repository does not exist there are no versions; any other
 * failure is thrown, with the side `source` and the repository's name.
 */
export function registrySource(options: RegistrySourceOptions): PackageSource {
  return new RegistrySource(options)
}

class RegistrySource implements PackageSource {
  readonly name: string
  readonly #options: RegistrySourceOptions
  readonly #remote: boolean
  readonly #slots: LimitFunction
  readonly #tally: Tally = { requests: 0, hits: 0 }
  readonly #documents = new Map<string, Documents>()
  readonly #lists = new Remembered<readonly Version[]>()
  readonly #candidates = new Remembered<Candidate | Withheld | undefined>()

  constructor(options: RegistrySourceOptions) {
    this.name = showTarget(options.target)
    this.#options = options
    this.#remote = options.target.scheme === 'oci'
    this.#slots = pLimit(options.concurrency ?? 8)
  }

  async versions(id: PackageId, call?: Call): Promise<readonly Version[]> {
    const all = new Map<string, Version>()
    for (const home of homesOf(this.#options.layouts, id))
      for (const version of await this.#list(home, call)) all.set(version.version, version)
    return [...all.values()].sort(compareVersions)
  }

  candidate(id: PackageId, version: Version, call?: Call): Promise<Candidate | Withheld | undefined> {
    return this.#candidates.of(`${id} ${version.version}`, async () => {
      const homes = homesOf(this.#options.layouts, id)
      for (const home of homes) {
        // With one home, asking for the version tells as much as the list of all.
        if (homes.length > 1 && !(await this.#has(home, version, call))) continue
        return await this.#slots(() => this.#read(home, id, version, call))
      }
      return undefined
    })
  }

  holds(id: PackageId, address: string): boolean {
    return homesOf(this.#options.layouts, id).some((home) => this.#where(home) === address)
  }

  async names(call?: Call): Promise<readonly PackageId[] | undefined> {
    const { target, layouts, offline } = this.#options
    if (this.#remote && offline === true) return undefined
    const start = target.prefix === '' ? '' : `${target.prefix}/`
    const names = new Set<PackageId>()
    let looked = 0
    try {
      const registry = await this.#options.open(target)
      for await (const path of registry.repositories(call)) {
        const id = path.startsWith(start) ? idOfRepository(layouts, path.slice(start.length)) : undefined
        if (id !== undefined) names.add(id)
        if (++looked >= mostNames) break
      }
    } catch (error) {
      // Many registries list nothing; a guess is not worth a failure.
      if (error instanceof SlipwayError) return undefined
      throw error
    }
    return [...names]
  }

  counts(): SourceCounts {
    return this.#remote ? { ...this.#tally } : { requests: 0, hits: 0 }
  }

  async #has(home: Home, version: Version, call: Call | undefined): Promise<boolean> {
    return (await this.#list(home, call)).some((one) => one.version === version.version)
  }

  #list(home: Home, call: Call | undefined): Promise<readonly Version[]> {
    return this.#lists.of(`${home.repository} ${home.registryTag}`, () =>
      this.#slots(async () => {
        try {
          const tags = await this.#of(home).tags(call)
          return tags.flatMap((tag) => versionOfTag(tag, home.registryTag) ?? [])
        } catch (error) {
          throw failedAt(this.#where(home), error)
        }
      }),
    )
  }

  async #read(
    home: Home,
    id: PackageId,
    version: Version,
    call: Call | undefined,
  ): Promise<Candidate | Withheld | undefined> {
    const documents = this.#of(home)
    const source = this.#where(home)
    try {
      const tag = registryTagOf(this.#options.layouts, home.kinds[0], version)
      const found = await documents.manifest(tag, call)
      if (found === undefined) return undefined
      return await readCandidate(found, { ...home, id, version, source }, (content) =>
        documents.blob(content, call),
      )
    } catch (error) {
      if (hasCode(error, 'OFFLINE'))
        return {
          unavailable: { cause: 'offline', reason: 'was not fetched before, and --offline asks nothing' },
        }
      if (isDamage(error)) return unreadable(`cannot be read: ${error.message}`)
      throw failedAt(source, error)
    }
  }

  #of(home: Home): Documents {
    const { target, open, cache, offline = false } = this.#options
    const where = this.#where(home)
    const known = this.#documents.get(where)
    if (known !== undefined) return known
    const documents = new Documents({
      where,
      store: async () => (await open(target)).repository(under(target, home.repository)),
      cache: this.#remote ? cache : undefined,
      offline: this.#remote && offline,
      tally: this.#tally,
    })
    this.#documents.set(where, documents)
    return documents
  }

  #where(home: Home): string {
    const { target } = this.#options
    return showAddress({ ...target, repository: under(target, home.repository) })
  }
}

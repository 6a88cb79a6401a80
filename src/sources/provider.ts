import { nearest } from '../extension/nearest.ts'
import type { Dependencies, Provider, Requirement, Unavailable } from '../solver/provider.ts'
import { core, isKcl, type PackageId } from '../version/package-id.ts'
import { compareVersions, isPrerelease, type Version } from '../version/version.ts'
import { includes, setOf, type VersionSet } from '../version/version-set.ts'
import { platformFault } from './platform.ts'
import { Prefetch } from './prefetch.ts'
import { unreadable } from './read-candidate.ts'
import { Remembered } from './remembered.ts'
import type { Candidate, PackageSource, SourceCounts, Withheld } from './source.ts'

export interface ProviderOptions {
  /** Where a package may be; of two sources with one version the first has it. */
  readonly sourcesOf: (id: PackageId) => readonly PackageSource[]
  /** Opens the repository that a requirement names; without it nobody looks there. */
  readonly sourceAt?: (address: string) => PackageSource
  /** Addresses that count before those in published packages; the first of a package is taken. */
  readonly named?: ReadonlyMap<PackageId, readonly string[]>
  /** Told when all is settled of a package with several addresses, the one that was taken first. */
  readonly onAddresses?: (id: PackageId, addresses: readonly string[]) => void
  /** `os/architecture[/variant]`; undefined: versions for every platform are candidates. */
  readonly platform?: string
  /** Candidates of the core; empty: what asks for the core is left out. */
  readonly core: readonly Version[]
  /** Told of each requirement on the core that is left out, for every version that is looked at. */
  readonly onUnconstrainedCore?: (id: PackageId, text: string, version: Version) => void
  /** Told once of each version that is passed over, when it is looked at. */
  readonly onUnavailable?: (id: PackageId, version: Version, why: Unavailable) => void
  /** Locked versions: the only retracted ones that may be chosen. */
  readonly locked: ReadonlyMap<PackageId, Version>
  readonly signal?: AbortSignal
  /** Versions read ahead at once; default 8. */
  readonly concurrency?: number
}

/** Versions and manifests that were asked for, and what that took; a page of tags is not counted apart. */
export interface ProviderCounts extends SourceCounts {
  readonly lists: number
  readonly candidates: number
}

/** A provider over sources, that still knows the candidates behind what it told. Disposing stops reading ahead. */
export interface SourceProvider extends Provider, AsyncDisposable {
  /** What was read of a version; undefined for the core's, and for what was never asked for. */
  chosen(id: PackageId, version: Version): Candidate | undefined
  /**
   * Where packages are looked for from now on that no source has, as the packages of a solution say it: then
   * solve again. Undefined where that is where they were looked for already.
   */
  settle(solution: ReadonlyMap<PackageId, Version>): Promise<ReadonlyMap<PackageId, string> | undefined>
  /** Names that exist and resemble this one, the nearest alone. */
  nearest(id: PackageId): Promise<readonly string[]>
  counts(): ProviderCounts
}

/** @throws from every call what the sources throw; what reading ahead met only when it is asked for itself */
export function providerOf(options: ProviderOptions): SourceProvider {
  return new Sources(options)
}

/** Versions that are tried for what a package retracts. */
const mostDamaged = 5

interface Found {
  readonly version: Version
  readonly source: PackageSource
}

interface Retracted {
  readonly set: VersionSet
  readonly reason: string
}

class Sources implements SourceProvider {
  readonly #options: ProviderOptions
  readonly #stop = new AbortController()
  readonly #call: { readonly signal: AbortSignal }
  readonly #prefetch: Prefetch
  /** Of packages that no source has. Fixed while a solution is sought, so that its order decides nothing. */
  #addresses: ReadonlyMap<PackageId, string>
  readonly #lists = new Remembered<ReadonlyMap<string, Found>>()
  readonly #read = new Remembered<Candidate | Withheld>()
  /** Depends on the addresses: what nobody has constrains nobody. */
  #told = new Remembered<Dependencies>()
  readonly #retracted = new Remembered<readonly Retracted[]>()
  readonly #candidates = new Map<string, Candidate>()
  readonly #used = new Set<PackageSource>()
  readonly #toldOf = new Set<string>()
  #listed = 0
  #asked = 0

  constructor(options: ProviderOptions) {
    this.#options = options
    this.#addresses = this.#named()
    const own = this.#stop.signal
    this.#call = { signal: options.signal === undefined ? own : AbortSignal.any([options.signal, own]) }
    this.#prefetch = new Prefetch(options.concurrency ?? 8)
  }

  async versions(id: PackageId): Promise<readonly Version[]> {
    if (id === core) return this.#options.core
    return [...(await this.#list(id)).values()].map((one) => one.version)
  }

  dependencies(id: PackageId, version: Version): Promise<Dependencies> {
    if (id === core) return Promise.resolve({ requires: [] })
    return this.#told.of(this.#keyOf(id, version), async () => {
      const [candidate, retracted] = await Promise.all([
        this.#candidate(id, version),
        this.#retraction(id, version),
      ])
      const why =
        'unavailable' in candidate ? candidate.unavailable : (this.#platformFault(candidate) ?? retracted)
      if (why === undefined) return { requires: await this.#constraining(candidate as Candidate) }
      this.#tell(id, version, why)
      return { unavailable: why }
    })
  }

  prefetch(id: PackageId, versions: readonly Version[]): void {
    if (id === core) return
    this.#prefetch.add(
      versions.length === 0
        ? [() => this.#list(id)]
        : versions.map((version) => () => this.#candidate(id, version)),
    )
  }

  chosen(id: PackageId, version: Version): Candidate | undefined {
    return this.#candidates.get(this.#keyOf(id, version))
  }

  async settle(
    solution: ReadonlyMap<PackageId, Version>,
  ): Promise<ReadonlyMap<PackageId, string> | undefined> {
    if (this.#options.sourceAt === undefined) return undefined
    const said = new Map<PackageId, Set<string>>()
    for (const [id, version] of solution)
      for (const { id: needed, at } of this.chosen(id, version)?.requires ?? []) {
        if (at === undefined || (await this.#own(needed)).size > 0) continue
        said.set(needed, (said.get(needed) ?? new Set(this.#options.named?.get(needed))).add(at))
      }
    const addresses = this.#named()
    for (const [id, all] of said) {
      const [first] = [...all].sort()
      if (first !== undefined && !addresses.has(id)) addresses.set(id, first)
    }
    const before = this.#addresses
    if (addresses.size !== before.size || [...addresses].some(([id, at]) => before.get(id) !== at)) {
      this.#addresses = addresses
      this.#told = new Remembered()
      return addresses
    }
    for (const [id, all] of said) {
      const taken = addresses.get(id) as string
      if (all.size > 1)
        this.#options.onAddresses?.(id, [taken, ...[...all].filter((at) => at !== taken).sort()])
    }
    return undefined
  }

  async nearest(id: PackageId): Promise<readonly string[]> {
    const names = await Promise.all(
      this.#options.sourcesOf(id).map((source) => source.names?.(this.#call) ?? []),
    )
    const best = nearest(
      id,
      names.flatMap((some) => some ?? []),
    )
    return best === undefined ? [] : [best]
  }

  counts(): ProviderCounts {
    const counts = { lists: this.#listed, candidates: this.#asked, requests: 0, hits: 0 }
    for (const source of this.#used) {
      const own = source.counts?.()
      counts.requests += own?.requests ?? 0
      counts.hits += own?.hits ?? 0
    }
    return counts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#prefetch.stop()
  }

  async #list(id: PackageId): Promise<ReadonlyMap<string, Found>> {
    const { sourceAt } = this.#options
    const address = this.#addresses.get(id)
    const own = await this.#own(id)
    if (own.size > 0 || address === undefined || sourceAt === undefined) return own
    return await this.#listOf(id, address, () => [sourceAt(address)])
  }

  #own(id: PackageId): Promise<ReadonlyMap<string, Found>> {
    return this.#listOf(id, '', () => this.#options.sourcesOf(id))
  }

  #listOf(
    id: PackageId,
    address: string,
    sourcesOf: () => readonly PackageSource[],
  ): Promise<ReadonlyMap<string, Found>> {
    return this.#lists.of(`${id} ${address}`, async () => {
      const sources = sourcesOf()
      for (const source of sources) this.#used.add(source)
      this.#listed++
      const lists = await Promise.all(sources.map((source) => source.versions(id, this.#call)))
      const all = new Map<string, Found>()
      for (const [index, source] of sources.entries())
        for (const version of lists[index] ?? [])
          if (!all.has(version.version)) all.set(version.version, { version, source })
      return all
    })
  }

  #candidate(id: PackageId, version: Version): Promise<Candidate | Withheld> {
    const key = this.#keyOf(id, version)
    return this.#read.of(key, async () => {
      const found = (await this.#list(id)).get(version.version)
      this.#asked++
      const candidate = await found?.source.candidate(id, version, this.#call)
      if (candidate === undefined) return unreadable('is listed, but is not there')
      if (!('unavailable' in candidate)) this.#candidates.set(key, candidate)
      return candidate
    })
  }

  #platformFault({ platforms }: Candidate): Unavailable | undefined {
    const { platform } = this.#options
    const reason = platform === undefined ? undefined : platformFault(platforms, platform)
    return reason === undefined ? undefined : { cause: 'platform', reason }
  }

  async #retraction(id: PackageId, version: Version): Promise<Unavailable | undefined> {
    // KCL packages have no manifest that could take anything back.
    if (isKcl(id) || this.#options.locked.get(id)?.version === version.version) return undefined
    const retracted = await this.#retracted.of(id, () => this.#takenBack(id))
    const by = retracted.find(({ set }) => includes(set, version))
    return by === undefined ? undefined : { cause: 'retracted', reason: `was retracted: ${by.reason}` }
  }

  /**
   * What the highest release says that can be read, or the highest of all where there is none: a damaged one
   * must not make retracted versions good again.
   */
  async #takenBack(id: PackageId): Promise<readonly Retracted[]> {
    const all = [...(await this.#list(id)).values()].map((one) => one.version)
    const releases = all.filter((one) => !isPrerelease(one))
    const descending = (releases.length > 0 ? releases : all).sort((a, b) => compareVersions(b, a))
    for (const version of descending.slice(0, mostDamaged)) {
      const found = await this.#candidate(id, version)
      if (!('unavailable' in found))
        return Object.entries(found.retracted).map(([range, reason]) => ({ set: setOf(range), reason }))
      // Nobody asked for it but this: that it was not fetched before changes no solution.
      if (found.unavailable.cause !== 'offline') this.#tell(id, version, found.unavailable)
    }
    return []
  }

  #tell(id: PackageId, version: Version, why: Unavailable): void {
    const key = this.#keyOf(id, version)
    if (this.#toldOf.has(key)) return
    this.#toldOf.add(key)
    this.#options.onUnavailable?.(id, version, why)
  }

  /**
   * Without the core where nobody knows which one there is, and without KCL packages that nobody has: those by
   * version alone come from a registry which their client knows and nobody here.
   */
  async #constraining({ id, version, requires }: Candidate): Promise<readonly Requirement[]> {
    const kept = await Promise.all(
      requires.map(async (one) => {
        if (isKcl(one.id)) return (await this.#list(one.id)).size > 0
        if (one.id !== core || this.#options.core.length > 0) return true
        this.#options.onUnconstrainedCore?.(id, one.text, version)
        return false
      }),
    )
    return requires.filter((_, at) => kept[at])
  }

  #named(): Map<PackageId, string> {
    const { sourceAt, named = new Map<PackageId, readonly string[]>() } = this.#options
    if (sourceAt === undefined) return new Map()
    return new Map([...named].flatMap(([id, [first]]) => (first === undefined ? [] : [[id, first]])))
  }

  #keyOf(id: PackageId, version: Version): string {
    const address = this.#addresses.get(id)
    return address === undefined ? `${id} ${version.version}` : `${id} ${version.version} ${address}`
  }
}

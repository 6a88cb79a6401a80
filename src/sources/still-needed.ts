import { mapConcurrent } from '../core/concurrent.ts'
import { onSide, SlipwayError } from '../core/error.ts'
import { extensionKinds, type Layouts } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { annotation } from '../oci/annotations.ts'
import type { Tag } from '../oci/reference.ts'
import type { Requirement } from '../solver/provider.ts'
import { solve } from '../solver/solve.ts'
import { collect } from '../store/rules.ts'
import type { Call, Store } from '../store/store.ts'
import { core, extensionId, isKcl, kclId, type PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { includes } from '../version/version-set.ts'
import { versionIn } from '../version/version-tag.ts'
import { type Asked, readCandidate } from './read-candidate.ts'
import { Remembered } from './remembered.ts'
import type { Candidate } from './source.ts'

/** One tag of one repository, by its full path. */
export interface TaggedPlace {
  readonly repository: string
  readonly tag: Tag
}

export interface StillNeededOptions extends Call {
  /** Every repository that could be read, and its tags. */
  readonly repositories: ReadonlyMap<string, readonly Tag[]>
  readonly layouts: Layouts
  readonly open: (repository: string) => Store
  readonly concurrency: number
}

/** A repository whose packages could not be read, so that nobody knows what they need. */
export class UnreadableRepository extends Error {
  readonly repository: string
  override readonly cause: SlipwayError

  constructor(repository: string, cause: SlipwayError) {
    super(cause.message)
    this.repository = repository
    this.cause = cause
  }
}

interface TaggedVersion extends TaggedPlace {
  readonly version: Version
}

/** Bytes of a blob that tells dependencies. */
const largest = 32 * 1024 * 1024

/**
 * What versions in a registry depend on, as solving there would choose it: looked for beside the package first
 * (in the same namespace), else wherever the registry has a package of that name, and there all that would fit.
 */
export class StillNeeded {
  readonly #options: StillNeededOptions
  /** By the names that a package there could have. */
  readonly #named = new Map<string, string[]>()
  readonly #read = new Remembered<Candidate | undefined>()

  constructor(options: StillNeededOptions) {
    this.#options = options
    for (const repository of options.repositories.keys()) {
      for (const name of namesIn(repository, options.layouts))
        this.#named.set(name, [...(this.#named.get(name) ?? []), repository])
    }
  }

  /**
   * The tags that these need, and for whom.
   * @throws UnreadableRepository
   */
  async of(places: readonly TaggedPlace[]): Promise<(TaggedPlace & { readonly by: string })[]> {
    const found = await mapConcurrent(places, this.#options.concurrency, (place) => this.#ofOne(place))
    return found.flat()
  }

  async #ofOne({ repository, tag }: TaggedPlace): Promise<(TaggedPlace & { readonly by: string })[]> {
    const version = versionOf(tag) ?? (await this.#told(repository, tag))
    if (version === undefined) return []
    const candidate = await this.#candidate({ repository, tag, version })
    if (candidate === undefined || candidate.requires.length === 0) return []
    const by = `${nameIn(repository)} ${version.version}`
    const home = namespaceOf(repository)
    const beside: Requirement[] = []
    const needed = new Map<string, TaggedPlace>()
    const add = (place: TaggedPlace) => needed.set(`${place.repository}:${place.tag}`, place)
    for (const requirement of candidate.requires) {
      const near = this.#homes(requirement.id).filter((one) => isBeside(one, home))
      if (near.length > 0) beside.push(requirement)
      else for (const place of this.#fitting(requirement, this.#homes(requirement.id))) add(place)
    }
    for (const place of await this.#solution(beside, home)) add(place)
    return [...needed.values()].map((place) => ({ repository: place.repository, tag: place.tag, by }))
  }

  /** The version of a package under a tag that is none, such as `lts`. */
  async #told(repository: string, tag: Tag): Promise<Version | undefined> {
    const { open, signal } = this.#options
    try {
      const found = await open(repository).manifest(tag, signal === undefined ? {} : { signal })
      const {
        [annotation.manifest]: text,
        [annotation.kcl]: kcl,
        [annotation.kclVersion]: kpm,
      } = found?.manifest.annotations ?? {}
      for (const one of [text, kcl]) {
        const version = one === undefined ? undefined : versionIn(told(one).version, '')
        if (version !== undefined) return version
      }
      return versionIn(kpm ?? '', '')
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error
      throw new UnreadableRepository(repository, onSide('source', error))
    }
  }

  /** What solving chooses; where nothing goes together, all that any requirement names. */
  async #solution(requires: readonly Requirement[], home: string): Promise<TaggedPlace[]> {
    if (requires.length === 0) return []
    const near = (id: PackageId) => this.#homes(id).filter((one) => isBeside(one, home))
    const versionsOf = (id: PackageId) => near(id).flatMap((one) => this.#versions(one))
    const { signal } = this.#options
    const result = await solve(
      {
        versions: async (id) => versionsOf(id).map(({ version }) => version),
        dependencies: async (id, version) => {
          for (const place of versionsOf(id).filter((one) => compareVersions(one.version, version) === 0)) {
            const candidate = await this.#candidate(place)
            if (candidate?.id !== id) continue
            return { requires: candidate.requires.filter((one) => near(one.id).length > 0) }
          }
          return { unavailable: { cause: 'unreadable', reason: 'is no package' } }
        },
      },
      { roots: requires, lowest: isKcl, ...(signal === undefined ? {} : { signal }) },
    )
    if ('failure' in result) return requires.flatMap((one) => this.#fitting(one, this.#homes(one.id)))
    return [...result.solution.versions].flatMap(([id, chosen]) =>
      versionsOf(id).filter(({ version }) => compareVersions(version, chosen) === 0),
    )
  }

  #fitting({ set }: Requirement, homes: readonly string[]): TaggedVersion[] {
    return homes.flatMap((one) => this.#versions(one)).filter(({ version }) => includes(set, version))
  }

  #homes(id: PackageId): readonly string[] {
    const name =
      id === core ? (this.#options.layouts.core.name ?? core) : isKcl(id) ? id.slice('kcl:'.length) : id
    return this.#named.get(name) ?? []
  }

  #versions(repository: string): TaggedVersion[] {
    return (this.#options.repositories.get(repository) ?? []).flatMap((tag) => {
      const version = versionOf(tag)
      return version === undefined ? [] : [{ repository, tag, version }]
    })
  }

  /** What a version says of itself; undefined for what is no package. */
  #candidate({ repository, tag, version }: TaggedVersion): Promise<Candidate | undefined> {
    const { open, signal, layouts } = this.#options
    const call = signal === undefined ? {} : { signal }
    return this.#read.of(`${repository}:${tag}`, async () => {
      const store = open(repository)
      try {
        const found = await store.manifest(tag, call)
        if (found === undefined) return undefined
        const asking = possible(namesIn(repository, layouts), layouts).map((one) => ({ ...one, version }))
        for (const asked of [...asking, ...selfTold(found.manifest.annotations ?? {}, layouts)]) {
          const read = await readCandidate(found, { ...asked, source: store.name }, async (content) => {
            if (content.size > largest) return new Uint8Array()
            return await collect(store.fetch(content, call))
          })
          if (!('unavailable' in read)) return read
        }
        return undefined
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error
        throw new UnreadableRepository(repository, onSide('source', error))
      }
    })
  }
}

/** What a package in a repository can be, by the last part of each kind's template. */
function possible(names: readonly string[], layouts: Layouts): Pick<Asked, 'id' | 'kinds' | 'name'>[] {
  return [
    ...names.map((name) => ({ id: extensionId(name), kinds: extensionKinds, name })),
    ...names.map((name) => ({ id: kclId(name), kinds: ['kcl'] as const, name })),
    ...names.flatMap((name) =>
      name === layouts.core.name ? [{ id: core, kinds: ['core'] as const, name }] : [],
    ),
  ]
}

/** A copy may stand under another name or tag than its document has; what it needs is the same. */
function selfTold(annotations: Readonly<Record<string, string>>, layouts: Layouts): Omit<Asked, 'source'>[] {
  return [annotations[annotation.manifest], annotations[annotation.kcl]].flatMap((text = '') => {
    const { name, version: written } = told(text)
    const version = versionIn(written, '')
    if (version === undefined || !isName(name)) return []
    return possible([name], layouts).map((one) => ({ ...one, version }))
  })
}

function namesIn(repository: string, layouts: Layouts): string[] {
  const last = nameIn(repository)
  const names = [...extensionKinds, 'kcl' as const, 'core' as const].flatMap((kind) => {
    const [before = '', after] = nameIn(layouts[kind].repository).split('{name}')
    if (after === undefined) return before === last ? [layouts[kind].name ?? last] : []
    const fits = last.length > before.length + after.length && last.startsWith(before) && last.endsWith(after)
    return fits ? [last.slice(before.length, last.length - after.length)] : []
  })
  return [...new Set(names)]
}

/** What a document says of its name and version; empty where it does not. */
function told(document: string): { readonly name: string; readonly version: string } {
  try {
    const { name, version } = JSON.parse(document) as { name?: unknown; version?: unknown }
    return {
      name: typeof name === 'string' ? name : '',
      version: typeof version === 'string' ? version : '',
    }
  } catch {
    return { name: '', version: '' }
  }
}

function versionOf(tag: string): Version | undefined {
  return versionIn(tag, '') ?? versionIn(tag, 'v')
}

function nameIn(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1)
}

function namespaceOf(repository: string): string {
  return repository.slice(0, Math.max(0, repository.lastIndexOf('/')))
}

/** In the same namespace, or in one of the two below the other: `extensions/x` and `extensions/provisioning-kcl/y`. */
function isBeside(repository: string, namespace: string): boolean {
  const other = namespaceOf(repository)
  return (
    other === namespace ||
    (other.startsWith(`${namespace}/`) && !other.slice(namespace.length + 1).includes('/')) ||
    (namespace.startsWith(`${other}/`) && !namespace.slice(other.length + 1).includes('/'))
  )
}

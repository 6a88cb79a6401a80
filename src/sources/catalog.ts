import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Kind, Layouts } from '../extension/kinds.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { showAddress, showTarget, type Target, under } from '../store/address.ts'
import type { Call, Registry } from '../store/store.ts'
import { core, isKcl, nameOf } from '../version/package-id.ts'
import { compareTags, highestTag, isVersionTag } from '../version/version-tag.ts'
import { idOfRepository } from './homes.ts'
import { factsOf, nothing, type PackageFacts } from './package-facts.ts'

/** One package of a registry, as its highest version describes it. Every field is always there. */
export interface CataloguedPackage extends PackageFacts {
  /** The target it was found at. */
  readonly source: string
  /** Full path in the registry. */
  readonly repository: string
  readonly name: string
  /** Address of the highest version; null where there is none. */
  readonly reference: string | null
  /** Tag of the highest stable version, else of the highest of all. */
  readonly highest: Tag | null
  /** Tags that are versions, the highest first. */
  readonly versions: readonly Tag[]
  /** Of the highest version's manifest. */
  readonly digest: Digest | null
}

/** A repository that nothing can be said of. */
export interface UnreadRepository {
  readonly source: string
  readonly repository: string
  readonly code: string
  readonly message: string
}

export interface Catalogue {
  /** Sorted by repository. */
  readonly packages: readonly CataloguedPackage[]
  readonly unread: readonly UnreadRepository[]
}

export interface CatalogueOptions extends Call {
  readonly target: Target
  readonly layouts: Layouts
  /** Repositories read at once. */
  readonly concurrency: number
  /** Below the target's prefix, instead of asking the registry for its list. */
  readonly repositories?: readonly string[]
  /** Told whenever one more of all repositories was read. */
  readonly progress?: (done: number, all: number) => void
}

/** More than any registry that is meant well has of either. */
const mostRepositories = 100_000
const mostTags = 100_000

/**
 * Reads every package of a target: its tags, and one manifest each. What fails for one repository is told of that
 * one.
 * @throws UNSUPPORTED where the registry has no list of repositories; CATALOG_TOO_LARGE; what listing throws
 */
export async function readCatalogue(registry: Registry, options: CatalogueOptions): Promise<Catalogue> {
  const { target, concurrency, progress, signal } = options
  const paths = await pathsOf(registry, options)
  const unread: UnreadRepository[] = []
  let done = 0
  const packages = await mapConcurrent(paths, concurrency, async (repository) => {
    try {
      return [await readPackage(registry, repository, options)]
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof SlipwayError)) throw error
      const { code, message } = error
      unread.push({ source: showTarget(target), repository, code, message })
      return []
    } finally {
      progress?.(++done, paths.length)
    }
  })
  return { packages: packages.flat(), unread: unread.sort((a, b) => (a.repository < b.repository ? -1 : 1)) }
}

async function pathsOf(registry: Registry, options: CatalogueOptions): Promise<string[]> {
  const { target, repositories, ...call } = options
  if (repositories !== undefined) return [...new Set(repositories.map((one) => under(target, one)))].sort()
  const start = target.prefix === '' ? '' : `${target.prefix}/`
  const paths: string[] = []
  let looked = 0
  for await (const path of registry.repositories(signalOf(call))) {
    if (++looked > mostRepositories)
      throw tooLarge(`${showTarget(target)} lists more than ${mostRepositories} repositories`)
    if (path.startsWith(start)) paths.push(path)
  }
  return paths.sort()
}

async function readPackage(
  registry: Registry,
  repository: string,
  { target, layouts, ...call }: CatalogueOptions,
): Promise<CataloguedPackage> {
  const store = registry.repository(repository)
  const versions: Tag[] = []
  let looked = 0
  for await (const tag of store.tags(signalOf(call))) {
    if (++looked > mostTags) throw tooLarge(`${store.name} has more than ${mostTags} tags`)
    if (isVersionTag(tag)) versions.push(tag)
  }
  versions.sort((a, b) => compareTags(b, a))
  const highest = highestTag(versions)
  const found = highest === undefined ? undefined : await store.manifest(highest, signalOf(call))
  const { name, kind } = packageAt(target, layouts, repository)
  const facts = found === undefined ? nothing : factsOf(found, name)
  return {
    source: showTarget(target),
    repository,
    name,
    reference: highest === undefined ? null : showAddress({ ...target, repository, tag: highest }),
    highest: highest ?? null,
    versions,
    digest: found?.descriptor.digest ?? null,
    ...facts,
    kind: facts.kind ?? kind,
  }
}

/** What a repository's path alone tells. */
function packageAt(
  target: Target,
  layouts: Layouts,
  repository: string,
): { readonly name: string; readonly kind: Kind | null } {
  const path = target.prefix === '' ? repository : repository.slice(target.prefix.length + 1)
  const id = idOfRepository(layouts, path)
  if (id === core) return { name: layouts.core.name ?? core, kind: 'core' }
  const { prefix } = layouts.platform
  const platform = prefix !== '' && path.startsWith(`${prefix}/`) ? 'platform' : null
  if (id === undefined) return { name: path.slice(path.lastIndexOf('/') + 1), kind: platform }
  return { name: nameOf(id), kind: isKcl(id) ? 'kcl' : null }
}

function signalOf({ signal }: Call): Call {
  return signal === undefined ? {} : { signal }
}

function tooLarge(message: string): SlipwayError {
  return new SlipwayError('CATALOG_TOO_LARGE', message, {
    hint: 'Name a prefix that holds less, or the repositories.',
  })
}

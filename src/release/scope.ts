import { badInput } from '../core/error.ts'
import type { CheckedPackage } from '../extension/check.ts'
import type { Layouts } from '../extension/kinds.ts'
import type { Commit } from '../git/commit-tree.ts'
import type { PackageId } from '../version/package-id.ts'
import { changedPackages } from './changes.ts'
import { packageIdOf } from './graph.ts'
import type { WholeRepository } from './repository.ts'
import type { Sources } from './sources.ts'

/** Which packages of a repository are looked at. */
export interface ScopeOptions {
  readonly layouts: Layouts
  /** Folders relative to the repository: a package, or one that holds packages; none: everything. */
  readonly paths: readonly string[]
  /** Only what changed since HEAD parted from the first of these names that exists, and its dependents. */
  readonly since?: readonly string[]
  /** Whether changes count that no commit has yet. */
  readonly uncommitted: boolean
}

export interface Scope {
  readonly packages: readonly CheckedPackage[]
  /** Of the packages. */
  readonly ids: ReadonlySet<PackageId>
  /** Undefined where everything is looked at. */
  readonly changes?: {
    readonly base: Commit
    readonly changed: ReadonlySet<PackageId>
    /** Packages that are gone. */
    readonly removed: ReadonlySet<PackageId>
  }
  /** Why everything is looked at although only changes were asked for. */
  readonly fallback?: { readonly why: string; readonly hint: string }
}

/**
 * The packages that somebody asked for: of some folders, or what changed with everything that depends on it.
 * @throws EXTENSION_NOT_FOUND for a folder without a package, GIT_REF_MISSING, GIT_REF_INVALID
 */
export async function scopeOf(
  repository: WholeRepository,
  options: ScopeOptions,
  sources: Sources,
): Promise<Scope> {
  const within = inFolders(repository.packages, options.paths)
  const idsOf = (list: readonly CheckedPackage[]) => repository.graph.idsOf(list.map((one) => one.package))
  if (options.since === undefined) return { packages: within, ids: idsOf(within) }
  const since = await sources.since(options.since, options.uncommitted)
  if ('unknown' in since)
    return { packages: within, ids: idsOf(within), fallback: { why: since.unknown, hint: since.hint } }
  const all = repository.packages.map((one) => one.package)
  const found = await changedPackages(since, all, options.layouts)
  const changed = repository.graph.idsOf(found.changed)
  const removed = new Set(found.removed.flatMap((one) => packageIdOf(one) ?? []))
  const affected = repository.graph.withDependents([...changed, ...removed])
  const packages = within.filter(
    (one) => found.changed.includes(one.package) || isAny(affected, repository.graph.idsOf([one.package])),
  )
  return { packages, ids: idsOf(packages), changes: { base: since.base, changed, removed } }
}

function inFolders(packages: readonly CheckedPackage[], paths: readonly string[]): CheckedPackage[] {
  const wanted = paths.map((path) => path.replace(/^\.\/|\/+$/g, ''))
  const inside = (folder: string, path: string) =>
    path === '' || path === '.' || folder === path || folder.startsWith(`${path}/`)
  for (const path of wanted)
    if (!packages.some((one) => inside(one.package.folder, path)))
      throw badInput('EXTENSION_NOT_FOUND', `There is no package in ${JSON.stringify(path)}`, {
        hint:
          packages[0] === undefined
            ? 'No package was found at all: is -C right?'
            : `There is ${packages[0].package.folder}, for example.`,
      })
  return packages.filter(
    (one) => wanted.length === 0 || wanted.some((path) => inside(one.package.folder, path)),
  )
}

function isAny<T>(of: ReadonlySet<T>, items: Iterable<T>): boolean {
  return [...items].some((one) => of.has(one))
}

import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, SlipwayError } from '../core/error.ts'
import { sortFindings } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { discover, type Package } from '../extension/discover.ts'
import { formatGitTag, type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import { subtree } from '../tree/subtree.ts'
import { type Version, versionOf } from '../version/version.ts'
import { changedPackages } from './changes.ts'
import { withKclMod } from './kcl-mods.ts'
import { canRelease, refuseErrors } from './plan.ts'
import type { Sources } from './sources.ts'

/** Versions that could be released. */
export interface Candidates {
  /** One for each address in a registry. */
  readonly tags: readonly GitTag[]
  /** What it means when there is none: `there is no package`. */
  readonly none: string
}

/**
 * The git tag of each version in the working tree, whether it exists or not.
 * @param since only of packages that changed since the checked-out commit parted from this
 * @throws FINDINGS where a package does not tell its version, GIT_HISTORY_MISSING, GIT_REF_MISSING
 */
export async function workingVersions(
  layouts: Layouts,
  sources: Sources,
  since?: string,
): Promise<Candidates> {
  const { tree } = await sources.working()
  const found = await discover(tree, layouts)
  refuseErrors(found.findings)
  const packages = found.packages.filter(({ kind }) => canRelease(kind))
  const chosen = since === undefined ? packages : await changedSince(since, packages, layouts, sources)
  const checked = await mapConcurrent(chosen, 16, async (one) => {
    const folder = subtree(tree, one.folder)
    return (await withKclMod(folder, await checkPackage(folder, one))).checked
  })
  const untold = checked.filter((one) => versionIn(one) === undefined)
  refuseErrors(sortFindings(untold.flatMap((one) => one.findings)))
  const existing = new Set(await (await sources.repository())?.tags())
  const tags = checked.flatMap((one) => {
    const version = versionIn(one)
    return version === undefined ? [] : [gitTagOf(one.package, version, layouts, existing)]
  })
  return {
    tags,
    none: since === undefined ? 'there is no package' : `no package has changed since ${since}`,
  }
}

function versionIn({ document }: CheckedPackage): Version | undefined {
  return typeof document?.version === 'string' ? versionOf(document.version) : undefined
}

/** The one that exists, where a category gives a version two git tags. */
function gitTagOf(one: Package, version: Version, layouts: Layouts, existing: ReadonlySet<string>): GitTag {
  const plain = formatGitTag({ kind: one.kind, name: one.name, version }, layouts)
  const longer = formatGitTag({ ...one, version }, layouts)
  return parseGitTag(existing.has(longer) ? longer : plain, layouts)
}

/** @throws GIT_HISTORY_MISSING: releasing everything instead would be more than was asked for */
async function changedSince(
  since: string,
  packages: readonly Package[],
  layouts: Layouts,
  sources: Sources,
): Promise<readonly Package[]> {
  const changes = await sources.since([since], true)
  if ('unknown' in changes)
    throw badInput('GIT_HISTORY_MISSING', `Nobody can tell what changed since ${since}: ${changes.unknown}`, {
      hint: changes.hint,
    })
  return (await changedPackages(changes, packages, layouts)).changed
}

/**
 * Every git tag of a release. Tags of other forms are not ours; neither are those of kinds that are released
 * otherwise.
 * @throws GIT_REPOSITORY_MISSING
 */
export async function releaseTags(layouts: Layouts, sources: Sources): Promise<Candidates> {
  const repository = await sources.repository()
  if (repository === undefined)
    throw badInput('GIT_REPOSITORY_MISSING', `${sources.directory} is in no git repository with tags`, {
      hint: 'Check -C. all-changed works without git.',
    })
  const isCore = await holdsCore(layouts, sources)
  const tags = new Map<string, GitTag>()
  for (const text of (await repository.tags()).sort()) {
    const one = gitTagIn(text, layouts)
    if (one === undefined || !canRelease(one.kind) || (one.kind === 'core' && !isCore)) continue
    const address = `${repositoryOf(layouts, one.kind, one.name)}:${registryTagOf(layouts, one.kind, one.version)}`
    if (!tags.has(address)) tags.set(address, one)
  }
  const shallow = tags.size === 0 && (await repository.isShallow())
  return {
    tags: [...tags.values()],
    none: shallow
      ? 'this shallow clone has no git tag of a release (check out with fetch-depth: 0)'
      : 'the repository has no git tag of a release',
  }
}

/** Many a repository has tags such as v1.2.0 without being the core: nobody asked for those to be published. */
async function holdsCore(layouts: Layouts, sources: Sources): Promise<boolean> {
  if (layouts.core.folder !== '') return true
  const { packages } = await discover((await sources.working()).tree, layouts)
  return packages.some(({ kind }) => kind === 'core')
}

function gitTagIn(text: string, layouts: Layouts): GitTag | undefined {
  try {
    return parseGitTag(text, layouts)
  } catch (error) {
    if (error instanceof SlipwayError) return undefined
    throw error
  }
}

import { SlipwayError } from '../core/error.ts'
import { showPlace } from '../core/finding.ts'
import { checkPackage } from '../extension/check.ts'
import { discover, type Package } from '../extension/discover.ts'
import { parseGitTag } from '../extension/git-tag.ts'
import type { Kind, Layouts } from '../extension/kinds.ts'
import { packageIdOf } from '../release/graph.ts'
import { withKclMod } from '../release/kcl-mods.ts'
import type { Call } from '../store/store.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { describedBy, faultsOf } from './described.ts'
import type { GitRemote } from './git-remote.ts'
import { versionOfTag } from './homes.ts'
import { unreadable } from './read-candidate.ts'
import { Remembered } from './remembered.ts'
import type { Candidate, PackageSource, Withheld } from './source.ts'

export interface GitSourceOptions {
  readonly remote: GitRemote
  readonly kind: Kind
  readonly name: string
  /** The form of its git tags, with `{version}`: `taskservs/kubernetes/v{version}`. */
  readonly tag: string
  readonly layouts: Layouts
}

export interface GitSource extends PackageSource {
  /** The package's own files at a version; undefined where there is no such version or no such folder. */
  tree(version: Version, call?: Call): Promise<Tree | undefined>
}

/**
 * One package in a git repository elsewhere: a version for each tag of its form. All tags cost one request, and
 * each version that is looked at one fetch of its commit.
 */
export function gitSource(options: GitSourceOptions): GitSource {
  const { remote, kind, name } = options
  const id = packageIdOf({ kind, name })
  const candidates = new Remembered<Candidate | Withheld | undefined>()
  const tagOf = async (version: Version, call?: Call): Promise<string | undefined> => {
    const tag = options.tag.replaceAll('{version}', version.version)
    return (await remote.tags(call)).includes(tag) ? tag : undefined
  }
  const find = async (version: Version, call?: Call) => {
    const tag = await tagOf(version, call)
    return tag === undefined ? undefined : { tag, files: await filesAt(tag, options, call) }
  }
  return {
    name: `git+${remote.url}`,
    async versions(asked, call) {
      if (asked !== id) return []
      const versions = (await remote.tags(call)).flatMap((tag) => versionOfTag(tag, options.tag) ?? [])
      return versions.sort(compareVersions)
    },
    async candidate(asked, version, call) {
      if (id === undefined || asked !== id) return undefined
      return await candidates.of(version.version, async () => {
        try {
          const at = await find(version, call)
          if (at === undefined) return undefined
          const source = `git+${remote.url}#${at.tag}`
          return await candidateIn(id, version, at, source)
        } catch (error) {
          // What git's own objects hold is at fault, as a submodule is; what git could not do has exit code 1.
          if (error instanceof SlipwayError && error.exit === 2)
            return unreadable(`cannot be read: ${error.message}`)
          throw error
        }
      })
    },
    names: async () => (id === undefined ? [] : [id]),
    async tree(version, call) {
      return (await find(version, call))?.files?.tree
    },
  }
}

interface Files {
  readonly package: Package
  /** Its own folder. */
  readonly tree: Tree
}

async function candidateIn(
  id: PackageId,
  version: Version,
  { tag, files }: { readonly tag: string; readonly files: Files | undefined },
  source: string,
): Promise<Candidate | Withheld> {
  if (files === undefined) return unreadable(`has no files at git tag ${tag}`)
  const expected = { version, gitTag: tag }
  const read = await checkPackage(files.tree, files.package, expected)
  const { checked, dependencies } = await withKclMod(files.tree, read, expected)
  const candidate = describedBy(id, checked, dependencies, source)
  if (candidate !== undefined) return candidate
  const [first] = faultsOf(checked)
  const why = first === undefined ? 'no version in its files' : `${showPlace(first.place)}: ${first.message}`
  return unreadable(`is broken at git tag ${tag}: ${why}`)
}

/** The package's folder as its tag names it; else wherever it is, also the root of a repository of one package. */
async function filesAt(
  tag: string,
  { remote, kind, name, layouts }: GitSourceOptions,
  call: Call | undefined,
): Promise<Files | undefined> {
  const { category } = parseGitTag(tag, layouts)
  const folder = [layouts[kind].folder, category, name].filter(Boolean).join('/')
  const named = await remote.tree(tag, folder, call)
  if (named !== undefined) return { package: { kind, name, folder }, tree: named }
  const whole = await remote.tree(tag, '', call)
  if (whole === undefined) return undefined
  const { packages } = await discover(whole, layouts)
  const found = packages.find((one) => one.kind === kind && one.name === name)
  if (found !== undefined) return { package: found, tree: subtree(whole, found.folder) }
  const main = await whole.file(kind === 'kcl' ? 'kcl.mod' : 'manifest.yaml')
  return main === undefined ? undefined : { package: { kind, name, folder: '' }, tree: whole }
}

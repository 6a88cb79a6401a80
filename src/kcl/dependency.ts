import type { Place } from '../core/finding.ts'
import { isRepository } from '../oci/reference.ts'
import { isRepositoryAddress } from '../store/address.ts'
import { kclId, type PackageId } from '../version/package-id.ts'
import { type Version, versionOf } from '../version/version.ts'
import { atLeast, everything, exactly, type VersionSet } from '../version/version-set.ts'

/** One entry of kcl.mod's `[dependencies]`. */
export interface KclDependency {
  /** The key: what code imports, with `_` for `-`. */
  readonly alias: string
  /** The package's own name. */
  readonly name: string
  /** `version`: by name and version alone, from whatever registry the client is set to. */
  readonly from: 'version' | 'oci' | 'git' | 'path'
  /** `oci://HOST/REPOSITORY` (without a host: `oci:///REPOSITORY`), a git URL, or a path. */
  readonly source?: string
  /** The least version; beside `oci`, `git` and `path` the version of the package that is found there. */
  readonly version?: string
  /** The tag in a registry or in git. */
  readonly tag?: string
  /** A commit or branch of git. */
  readonly revision?: string
  readonly place: Place
}

/** What a dependency asks of a solver. */
export interface KclRequirement {
  readonly id: PackageId
  readonly set: VersionSet
  /** As a range of node-semver: `>=1.31.2` for a least version, `=1.31.2` for a tag, `*`. */
  readonly text: string
  /** `oci://HOST/REPOSITORY`, where the dependency names both. */
  readonly at?: string
}

/**
 * What takes part in solving: versions and registries' tags. A bare version is the least one, as kpm takes it;
 * a tag is exact.
 * @returns undefined for git and paths, and where no version can be read
 */
export function requirementOf(dependency: KclDependency): KclRequirement | undefined {
  const { name, from, source, tag, version } = dependency
  if (from === 'git' || from === 'path') return undefined
  const id = kclId(name)
  const asked = tag ?? version
  const place = from === 'oci' && source !== undefined && isRepositoryAddress(source) ? { at: source } : {}
  if (asked === undefined) return { id, set: everything, text: '*', ...place }
  const read = looseVersion(asked)
  if (read === undefined) return undefined
  return tag === undefined
    ? { id, set: atLeast(read), text: `>=${read.version}`, ...place }
    : { id, set: exactly(read), text: `=${read.version}`, ...place }
}

/** kpm reads `1.28` as 1.28.0, and allows a `v` before it. */
function looseVersion(text: string): Version | undefined {
  const short = /^v?(\d{1,9}(?:\.\d{1,9}){0,2})$/.exec(text)?.[1]
  if (short === undefined) return versionOf(text.replace(/^v/, ''))
  const [major = 0, minor = 0, patch = 0] = short.split('.').map(Number)
  return versionOf(`${major}.${minor}.${patch}`)
}

/** The repository of `oci://HOST/REPOSITORY`, and the address without what stands behind it; else undefined. */
export function readOciSource(text: string): { source: string; name: string; tag?: string } | undefined {
  const match = /^oci:\/\/([A-Za-z0-9.:[\]-]*)\/([^?#\s]+?)\/?(?:\?tag=([\w.-]{1,128}))?$/.exec(text)
  const [, host = '', repository = '', tag] = match ?? []
  if (match === null || !isRepository(repository)) return undefined
  const name = repository.slice(repository.lastIndexOf('/') + 1)
  return { source: `oci://${host}/${repository}`, name, ...(tag === undefined ? {} : { tag }) }
}

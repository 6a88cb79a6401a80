import type { Target } from '../store/address.ts'

/** Which tags of a repository travel; every filter that is given must hold. */
export interface TagFilter {
  /** A range as node-semver writes it; only tags that are full versions, with or without a `v`, can meet it. */
  readonly semver?: string
  /** Globs and `/regular expressions/`; one of them must match. */
  readonly match?: readonly string[]
  /** Globs and `/regular expressions/`; none may match. */
  readonly exclude?: readonly string[]
  /** How many of the versions that are left, the highest first; prereleases are counted apart. */
  readonly newest?: number
  /** Whether `semver` and `newest` also take prereleases; default: only those that a range names. */
  readonly prereleases?: boolean
}

/** One entry of `mirror.yaml`. */
export interface MirrorRule {
  /** For reports and errors. */
  readonly name: string
  readonly from: Target
  readonly to: readonly Target[]
  /** Names or globs, below the source's prefix. */
  readonly repositories: readonly string[]
  /** The repository below a target's prefix, with `{repository}` or `{name}`; default: as at the source. */
  readonly rename?: string
  readonly tags: TagFilter
  /** Only these platforms of an index, which makes a new index. */
  readonly platforms?: readonly string[]
  /** Whether what refers to a manifest travels with it, or only what has one of these artifactTypes. */
  readonly referrers: boolean | readonly string[]
  /** Whether what the selected versions need comes along. */
  readonly withDependencies: boolean
  /** Absolute paths of locks whose packages come along. */
  readonly lockfiles: readonly string[]
}

import type { Layouts } from '../extension/kinds.ts'
import type { Compression } from '../tarball/compress.ts'
import type { Shape } from '../package/pack.ts'
import type { Moving } from '../publishing/moving-tags.ts'
import type { Target } from '../store/address.ts'

/** Which packages, from which bytes. */
export interface SelectOptions {
  /** Absolute path of the extension repository (`-C`). */
  readonly directory: string
  readonly layouts: Layouts
  /** Full git tags; with `snapshot` also `taskservs/kubernetes` without a version. */
  readonly gitTags: readonly string[]
  /** Build the current commit under a snapshot version. */
  readonly snapshot: boolean
  readonly allowDirty: boolean
  /** On a tag-push event the git tag must exist; elsewhere the working tree may stand in. */
  readonly requireGitTag: boolean
}

/** How packages are tested and packed. */
export interface PackingOptions {
  readonly compression: Compression
  readonly shape: Shape
  readonly allowIrreproducible: boolean
  /** Seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly sourceDateEpoch?: number
  readonly skipTests: boolean
  /** The command that tests an extension; default: `nu tests/run.nu` where that file exists. */
  readonly testCommand?: string
  /** Milliseconds for one extension's tests. */
  readonly testTimeout: number
}

/** Where and how artifacts are published. */
export interface PublishingOptions {
  readonly targets: readonly Target[]
  readonly moving: readonly Moving[]
  readonly allowOverwrite: boolean
  /** Releases under way at once. */
  readonly concurrency: number
}

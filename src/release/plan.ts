import { badInput, hasCode, SlipwayError } from '../core/error.ts'
import { type Finding, sortFindings } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { discover, findPackage } from '../extension/discover.ts'
import { type GitTag, parseGitTag } from '../extension/git-tag.ts'
import { type Kind, type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { Tag } from '../oci/reference.ts'
import type { Tree } from '../tree/tree.ts'
import type { Version } from '../version/version.ts'
import { snapshotVersion } from './snapshot.ts'
import type { Source, Sources } from './sources.ts'

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

/** One package that is ready to be tested, packed and published. */
export interface PlannedRelease {
  readonly kind: Kind
  readonly name: string
  readonly version: Version
  /** Undefined for a snapshot. */
  readonly gitTag: string | undefined
  /** Relative to the extension repository; empty for core. */
  readonly folder: string
  readonly tree: Tree
  /** The parsed manifest.yaml, with the version that is released. */
  readonly manifest: Readonly<Record<string, unknown>> | undefined
  readonly repository: string
  /** Tag in the registry. */
  readonly tag: Tag
}

export interface Plan {
  readonly releases: readonly PlannedRelease[]
  /** Warnings and notices. */
  readonly findings: readonly Finding[]
}

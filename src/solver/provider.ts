import type { PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import type { VersionSet } from '../version/version-set.ts'

/** One package that a version needs, and which versions of it. */
export interface Requirement {
  readonly id: PackageId
  readonly set: VersionSet
  /** The range as its author wrote it, for messages: `^1.28`. */
  readonly text: string
  /** The one repository that its author says has it, `oci://HOST/REPOSITORY`; solving itself does not look at it. */
  readonly at?: string
}

/** Why a version that exists cannot be chosen. */
export interface Unavailable {
  readonly cause: 'platform' | 'retracted' | 'unreadable' | 'offline'
  /** Completes "kubernetes 1.28.0 …": `is not available for linux/arm64`, `was retracted: broken install`. */
  readonly reason: string
}

export type Dependencies =
  | { readonly requires: readonly Requirement[] }
  | { readonly unavailable: Unavailable }

/** Where the solver learns what exists; asks nothing twice. The solver itself does no input or output. */
export interface Provider {
  /** Every version that exists, in any order; empty where the package is unknown. */
  versions(id: PackageId): Promise<readonly Version[]>
  dependencies(id: PackageId, version: Version): Promise<Dependencies>
  /** What is known not to exist; left out where that is all that `versions` does not list. */
  missing?(id: PackageId): VersionSet
  /** Tells what will probably be asked next, the likeliest first. */
  prefetch?(id: PackageId, versions: readonly Version[]): void
}

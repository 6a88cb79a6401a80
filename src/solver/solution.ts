import type { PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { Requirement } from './provider.ts'

/** A requirement of whoever asks, and where it is written: `workspace/config/provisioning.yaml:12:9`. */
export interface Root extends Requirement {
  readonly origin?: string
}

export interface SolveOptions {
  readonly roots: readonly Root[]
  /** Locked versions: tried first, and the only way to a retracted version. */
  readonly preferred?: ReadonlyMap<PackageId, Version>
  /** Which packages take the lowest version that fits instead of the highest. */
  readonly lowest?: (id: PackageId) => boolean
  /** What replaces every requirement on a package. */
  readonly overrides?: ReadonlyMap<PackageId, VersionSet>
  /** Prereleases of these are candidates for ranges that name none. */
  readonly prereleases?: (id: PackageId) => boolean
  /** Learns every version of a package at once: where asking costs nothing, explanations get shorter. */
  readonly eager?: boolean
  readonly signal?: AbortSignal
}

/** How much work a solution took: for benches and `--json`. */
export interface SolveCounts {
  readonly decisions: number
  readonly conflicts: number
}

/** One version of each package, and what each of them requires. */
export interface Solution {
  readonly versions: ReadonlyMap<PackageId, Version>
  readonly requires: ReadonlyMap<PackageId, readonly Requirement[]>
  readonly counts: SolveCounts
}

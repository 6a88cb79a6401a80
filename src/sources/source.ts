import type { Kind } from '../extension/kinds.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Requirement, Unavailable } from '../solver/provider.ts'
import type { Call } from '../store/store.ts'
import type { PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'

/** What a source tells of one version without fetching its files. */
export interface Candidate {
  readonly id: PackageId
  readonly kind: Kind
  readonly version: Version
  /** Where its bytes are, as the lock writes it (`LockedPackage.source`), but with absolute paths. */
  readonly source: string
  readonly manifest?: Digest
  /** The one layer, or the archive itself. */
  readonly layer?: Descriptor
  /** Extensions, KCL packages, and the core by `min_provisioning_version`. */
  readonly requires: readonly Requirement[]
  /** Empty: every platform. */
  readonly platforms: readonly string[]
  /** Versions that this one's manifest takes back: ranges as written, with the reason. */
  readonly retracted: Readonly<Record<string, string>>
}

/** A version that is there but cannot be chosen, whoever asks: its manifest is damaged, or was never fetched. */
export interface Withheld {
  readonly unavailable: Unavailable
}

/** How often a source asked a server, and how often its cache answered instead. */
export interface SourceCounts {
  readonly requests: number
  readonly hits: number
}

/** One place that can hold versions of packages: a registry, a layout, a folder, an archive, git. */
export interface PackageSource {
  /** For messages: `oci://ghcr.io/example/provisioning`. */
  readonly name: string
  /** Every version of a package; empty where it has none. Complete or it throws. */
  versions(id: PackageId, call?: Call): Promise<readonly Version[]>
  /** Undefined where the version is not there after all. */
  candidate(id: PackageId, version: Version, call?: Call): Promise<Candidate | Withheld | undefined>
  /** Whether a package at this address, as the lock writes it, would be found here; only where many are. */
  holds?(id: PackageId, address: string): boolean
  /** Names that exist there, for "did you mean"; undefined where nobody can tell. */
  names?(call?: Call): Promise<readonly PackageId[] | undefined>
  /** What was asked so far; only for sources that ask over a network. */
  counts?(): SourceCounts
}

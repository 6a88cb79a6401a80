import type { Kind } from '../extension/kinds.ts'
import type { Digest } from '../oci/digest.ts'
import type { PackageId } from '../version/package-id.ts'

/** One package of a lock. */
export interface LockedPackage {
  readonly id: PackageId
  /** `core` for the provisioning system itself. */
  readonly kind: Kind
  readonly version: string
  /**
   * Where its bytes are: `oci://HOST/REPOSITORY`, `layout:DIR#REPOSITORY`, `archive:FILE#REPOSITORY`,
   * `path:FOLDER` (a folder of this repository, or beside it), `https://…` or `git+https://…#TAG`. Paths
   * are relative to the lock, with `/`. Undefined for a core that is only a version.
   */
  readonly source?: string
  /** Digest of its manifest; undefined for folders and for a core that is only a version. */
  readonly manifest?: Digest
  /** Digest of its one layer, of the archive that was downloaded, or of what a git tag's files are packed into. */
  readonly layer?: Digest
  /** What it requires, as written: id to range. */
  readonly dependencies: Readonly<Record<string, string>>
  /** `os/architecture[/variant]`; empty where it does not say. */
  readonly platforms: readonly string[]
}

/** `slipway.lock`: the one solution that everybody gets. */
export interface Lock {
  /** What was asked for, as written: id to range. */
  readonly roots: Readonly<Record<string, string>>
  /** What else decided the solution, such as `platform` or `lowest`; sorted key to text. */
  readonly options: Readonly<Record<string, string>>
  /** Digest over roots, options and the requirements of folders: what `--frozen` compares. */
  readonly requirements: Digest
  /** Sorted by id. */
  readonly packages: readonly LockedPackage[]
}

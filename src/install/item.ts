import type { Digest } from '../oci/digest.ts'
import type { Installable } from './places.ts'

/** One package to install, as a lock names it. */
export interface InstallItem extends Installable {
  /** As in the lock: an extension's name, or `kcl:<name>`. */
  readonly id: string
  readonly version: string
  /** Digest of the tar.gz: nothing else is installed. */
  readonly layer: Digest
  readonly manifest?: Digest
  /** For messages, the receipt and the cache: `oci://ghcr.io/example/kubernetes`. */
  readonly source: string
  readonly mediaType?: string
  /** The tar.gz itself. Asked once, or again where what was fetched could not be kept. */
  open(): AsyncIterable<Uint8Array>
  /** Ids of what it needs; those that are no items do not matter. */
  readonly dependsOn: readonly string[]
}

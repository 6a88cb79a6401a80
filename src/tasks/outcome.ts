import type { ExitCode } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import type { Kind } from '../extension/kinds.ts'
import type { Digest } from '../oci/digest.ts'
import type { PackedJob } from '../package/pack-all.ts'
import { type Failure, failureOf, type TargetOutcome } from '../publishing/outcome.ts'
import type { FailedRelease, PlannedRelease } from '../release/plan.ts'

/** One packed artifact. */
export interface PackedOutcome {
  readonly kind: Kind
  readonly name: string
  readonly version: string
  /** The git tag that was asked for; undefined for a snapshot of a folder. */
  readonly gitTag?: string
  /** Undefined when the bytes come from a working tree. */
  readonly commit?: string
  readonly repository: string
  readonly tag: string
  /** Of the manifest as packed here; where a target already had the content, its own differs. */
  readonly digest: Digest
  readonly config: Digest
  readonly layer: Digest
  /** Bytes of the layer. */
  readonly size: number
  /** Files in the archive. */
  readonly files: number
  /** Whether the extension's own tests ran; undefined where it has none. */
  readonly tested?: boolean
}

/** One release: the artifact and what became of it at every target. */
export interface ReleasedOutcome extends PackedOutcome {
  readonly targets: readonly TargetOutcome[]
  readonly milliseconds: number
}

/** A git tag that was found to have no artifact and cannot have one: its commit or its tests are wrong. */
export interface FailedOutcome {
  readonly kind: Kind
  readonly name: string
  readonly version: string
  readonly gitTag: string
  readonly error: Failure
}

export interface ReleaseResult {
  /** In the order of their git tags, not in that in which they were published. */
  readonly releases: readonly ReleasedOutcome[]
  /** By git tag. Empty unless every missing one was asked for: otherwise the first of these errors is thrown. */
  readonly failed: readonly FailedOutcome[]
  /** Warnings and notices about the files, and errors of what failed. */
  readonly findings: readonly Finding[]
  /** 0, or what the worst means: 1 when a git tag or a target failed, 3 when one was only refused. */
  readonly exit: 0 | ExitCode
}

export function failedOutcome({ wanted, error }: FailedRelease): FailedOutcome {
  const { kind, name, version, tag } = wanted
  return { kind, name, version: version.version, gitTag: tag, error: failureOf(error) }
}

export function byGitTag(a: FailedOutcome, b: FailedOutcome): number {
  return a.gitTag < b.gitTag ? -1 : 1
}

export function packedOutcome({ job, packed, tested }: PackedJob<PlannedRelease>): PackedOutcome {
  return {
    kind: job.kind,
    name: job.name,
    version: job.version,
    ...(job.gitTag === undefined ? {} : { gitTag: job.gitTag }),
    ...(job.tree.commit === undefined ? {} : { commit: job.tree.commit }),
    repository: job.repository,
    tag: job.tag,
    digest: packed.encoded.descriptor.digest,
    config: packed.config.digest,
    layer: packed.layer.digest,
    size: packed.layer.size,
    files: packed.files,
    ...(tested === undefined ? {} : { tested }),
  }
}
export type { Failure, TargetOutcome } from '../publishing/outcome.ts'

import type { ExitCode, SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'

/** A failure as results and `--json` carry it. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** What became of one artifact at one target. */
export interface TargetOutcome {
  /** As given: `oci://localhost:5000/prefix`. */
  readonly target: string
  /** Full address with the exact tag. */
  readonly reference: string
  readonly outcome: 'published' | 'unchanged' | 'overwritten' | 'refused' | 'failed'
  /** What the exact tag points to; undefined where it failed. */
  readonly digest?: Digest
  /** Moving tags and the version tag each points to now. */
  readonly moved: Readonly<Record<string, string>>
  readonly bytes: { readonly uploaded: number; readonly mounted: number; readonly present: number }
  readonly milliseconds: number
  readonly error?: Failure
}

export function failureOf(error: SlipwayError): Failure {
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  }
}

/** The exit code of many outcomes: failures outweigh refusals. */
export function exitOf(outcomes: Iterable<TargetOutcome>): 0 | ExitCode {
  let exit: 0 | ExitCode = 0
  for (const { outcome } of outcomes) {
    if (outcome === 'failed') return 1
    if (outcome === 'refused') exit = 3
  }
  return exit
}

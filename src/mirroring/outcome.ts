import { SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { CopyResult, Counts } from '../store/copy.ts'

/** Why a tag, or without one a whole repository, did not arrive. */
export interface MirrorFailure {
  readonly tag?: Tag
  readonly code: string
  readonly message: string
  readonly side?: string
  readonly hint?: string
}

/** What became of one repository at one target. */
export interface RepositoryOutcome {
  /** The rule's name. */
  readonly mirror: string
  /** `oci://host/repository` */
  readonly source: string
  readonly target: string
  /** `partial`: some tags arrived or were there, others failed. */
  readonly state: 'copied' | 'unchanged' | 'partial' | 'failed'
  readonly tags: { readonly copied: number; readonly unchanged: number; readonly failed: number }
  readonly blobs: Counts
  readonly manifests: Counts
  readonly bytes: Counts
  /** Referrers that were looked at and are at the target now. */
  readonly referrers: number
  /** Sent to source and target, without repetitions and tokens. */
  readonly requests: number
  readonly milliseconds: number
  readonly failures: readonly MirrorFailure[]
  /** Referrers that the source lists but does not have, or that refer to something else; where there are any. */
  readonly skipped?: readonly Digest[]
}

/** @throws what is no failure of a store, such as an interruption */
export function mirrorFailure(error: unknown, tag?: Tag): MirrorFailure {
  if (!(error instanceof SlipwayError)) throw error
  const { code, message, side, hint } = error
  return {
    ...(tag === undefined ? {} : { tag }),
    code,
    message,
    ...(side === undefined ? {} : { side }),
    ...(hint === undefined ? {} : { hint }),
  }
}

/** A repository of which nothing arrived. */
export function failedRepository(
  names: Pick<RepositoryOutcome, 'mirror' | 'source' | 'target'>,
  failure: MirrorFailure,
  cost: { readonly tags?: number; readonly requests?: number; readonly milliseconds?: number } = {},
): RepositoryOutcome {
  const { tags = 0, requests = 0, milliseconds = 0 } = cost
  return {
    ...names,
    state: 'failed',
    tags: { copied: 0, unchanged: 0, failed: tags },
    blobs: noCounts,
    manifests: noCounts,
    bytes: noCounts,
    referrers: 0,
    requests,
    milliseconds,
    failures: [failure],
  }
}

export const noCounts: Counts = { uploaded: 0, mounted: 0, present: 0 }

/** Sums over the copies of one repository. */
export class Sums {
  blobs = noCounts
  manifests = noCounts
  bytes = noCounts
  readonly referrers = new Set<string>()
  readonly skipped = new Set<Digest>()

  add({ blobs, manifests, bytes, referrers, skipped }: CopyResult): void {
    this.blobs = sum(this.blobs, blobs)
    this.manifests = sum(this.manifests, manifests)
    this.bytes = sum(this.bytes, bytes)
    for (const one of referrers) this.referrers.add(one.digest)
    for (const { descriptor } of skipped) this.skipped.add(descriptor.digest)
  }
}

/** All repositories together. */
export function total(outcomes: readonly RepositoryOutcome[]) {
  const tags = { copied: 0, unchanged: 0, failed: 0 }
  let bytes = noCounts
  let requests = 0
  for (const one of outcomes) {
    for (const key of ['copied', 'unchanged', 'failed'] as const) tags[key] += one.tags[key]
    bytes = sum(bytes, one.bytes)
    requests += one.requests
  }
  return { repositories: outcomes.length, tags, bytes, requests }
}

function sum(a: Counts, b: Counts): Counts {
  return {
    uploaded: a.uploaded + b.uploaded,
    mounted: a.mounted + b.mounted,
    present: a.present + b.present,
  }
}

/** What to say of referrers that stayed behind; undefined where none did. */
export function showSkipped(source: string, skipped: Iterable<Digest>): string | undefined {
  const all = [...skipped]
  if (all.length === 0) return undefined
  const more = all.length > 5 ? ` and ${all.length - 5} more` : ''
  return `${source} lists referrers that it does not have, or that refer to something else: ${all.slice(0, 5).join(', ')}${more}`
}

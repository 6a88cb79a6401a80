import { messageOf, onSide, SlipwayError } from '../core/error.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call, ReadableStore, Store } from '../store/store.ts'
import type { Moving, VersionPrefix } from './moving-tags.ts'
import { failureOf, type TargetOutcome } from './outcome.ts'
import { publish } from './publish.ts'

/** One place an artifact goes to. */
export interface Destination {
  /** As given: `oci://localhost:5000/prefix`. */
  readonly target: string
  /** Full address with the exact tag. */
  readonly reference: string
  readonly tag: Tag
  readonly prefix: VersionPrefix
  readonly moving: readonly Moving[]
  /** Opened only now, so that a host that is down fails its own outcome and no other. */
  open(): Promise<Store>
}

export interface EverywhereOptions {
  readonly allowOverwrite: boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onProgress?: (destination: Destination, bytes: number) => void
  readonly onOutcome?: (outcome: TargetOutcome) => void
  /** Why the artifact must not go to a destination; asked before that is opened. */
  readonly refuse?: (destination: Destination) => SlipwayError | undefined
}

/**
 * Publishes one artifact to every destination at once. One that fails does not stop the others; only
 * cancellation is thrown.
 */
export async function publishEverywhere(
  from: ReadableStore,
  artifact: Encoded,
  destinations: readonly Destination[],
  options: EverywhereOptions,
  call: Call = {},
): Promise<TargetOutcome[]> {
  return await Promise.all(
    destinations.map(async (destination) => {
      const outcome = await deliver(from, artifact, destination, options, call)
      options.onOutcome?.(outcome)
      return outcome
    }),
  )
}

async function deliver(
  from: ReadableStore,
  artifact: Encoded,
  destination: Destination,
  options: EverywhereOptions,
  call: Call,
): Promise<TargetOutcome> {
  const { target, reference, tag, prefix, moving } = destination
  const start = options.now()
  try {
    const refusal = options.refuse?.(destination)
    if (refusal !== undefined) throw refusal
    const store = await destination.open()
    const done = await publish(
      from,
      artifact,
      store,
      {
        tag,
        prefix,
        moving,
        now: options.now,
        allowOverwrite: options.allowOverwrite,
        onProgress: (bytes) => options.onProgress?.(destination, bytes),
      },
      call,
    )
    return {
      target,
      reference,
      outcome: done.outcome,
      digest: done.artifact.descriptor.digest,
      moved: Object.fromEntries(done.moved.map((one) => [one.tag, one.to])),
      bytes: {
        uploaded: done.copied?.bytes.uploaded ?? 0,
        mounted: done.copied?.bytes.mounted ?? 0,
        present: done.copied?.bytes.present ?? 0,
      },
      milliseconds: options.now() - start,
    }
  } catch (error) {
    call.signal?.throwIfAborted()
    const known = asKnown(onSide('destination', error), reference)
    return {
      target,
      reference,
      outcome: known.exit === 3 ? 'refused' : 'failed',
      moved: {},
      bytes: { uploaded: 0, mounted: 0, present: 0 },
      milliseconds: options.now() - start,
      error: failureOf(known),
    }
  }
}

/** A failure nobody foresaw still belongs to one target only. */
function asKnown(error: unknown, reference: string): SlipwayError {
  if (error instanceof SlipwayError) return error
  return new SlipwayError('UNEXPECTED', `${reference}: ${messageOf(error)}`, {
    cause: error,
    hint: 'This is a defect in Slipway: please report it with the output of the same command under SLIPWAY_DEBUG=1.',
  })
}

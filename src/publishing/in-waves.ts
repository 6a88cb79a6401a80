import { mapConcurrent } from '../core/concurrent.ts'
import { refused, type SlipwayError } from '../core/error.ts'
import type { Destination } from './everywhere.ts'
import type { TargetOutcome } from './outcome.ts'

/** Which artifacts come before which; numbers are places in a list of artifacts. */
export interface Waves {
  readonly waves: readonly (readonly number[])[]
  readonly needs: readonly (readonly number[])[]
}

/** Why an artifact must not go to a destination; undefined where it may. */
export type Refuse = (destination: Destination) => SlipwayError | undefined

/**
 * Publishes wave by wave, concurrently within one: a wave begins once everything of the one before has ended
 * at every target. What did not get through at a target keeps back, there and nowhere else, whatever needs it.
 * @returns the outcomes in the order of the list, not of the waves
 */
export async function inWaves<Result extends { readonly targets: readonly TargetOutcome[] }>(
  order: Waves,
  concurrency: number,
  publish: (index: number, refuse: Refuse) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (const wave of order.waves)
    await mapConcurrent(wave, concurrency, async (index) => {
      const needed = (order.needs[index] ?? []).flatMap((one) => results[one]?.targets ?? [])
      results[index] = await publish(index, (destination) => keptBack(destination, needed))
    })
  return results
}

function keptBack(destination: Destination, needed: readonly TargetOutcome[]): SlipwayError | undefined {
  const missing = needed.find(
    (one) => one.target === destination.target && (one.outcome === 'failed' || one.outcome === 'refused'),
  )
  return missing === undefined
    ? undefined
    : dependencyFailed(destination.reference, missing.reference, missing.error?.code ?? missing.outcome)
}

/** @param why the code under which what is needed failed */
export function dependencyFailed(reference: string, needs: string, why: string): SlipwayError {
  return refused('DEPENDENCY_FAILED', `${reference} needs ${needs}, which was not published (${why})`, {
    hint: 'Once that one is published, the same command brings this one too.',
  })
}

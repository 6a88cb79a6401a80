import { onSide, SlipwayError } from '../core/error.ts'
import type { Tag } from '../oci/reference.ts'
import {
  type Address,
  type Place,
  showAddress,
  showPlace,
  showTarget,
  type Target,
  under,
} from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import type { Destination } from './everywhere.ts'
import type { Moving, VersionPrefix } from './moving-tags.ts'
import { failureOf, type TargetOutcome } from './outcome.ts'

/** Opens a place; one registry object per place. */
export type Open = (place: Place) => Promise<Registry>

/** What is published: its repository below a target's prefix, and its tags. */
export interface Named {
  readonly repository: string
  readonly tag: Tag
  readonly moving: readonly Moving[]
}

/** Where one artifact goes, one destination a target. @throws REPOSITORY_INVALID */
export function destinationsOf(named: Named, targets: readonly Target[], open: Open): Destination[] {
  return targets.map((target) => {
    const repository = under(target, named.repository)
    return {
      target: showTarget(target),
      reference: showAddress({ ...target, repository, tag: named.tag }),
      tag: named.tag,
      prefix: prefixOf(named.tag),
      moving: named.moving,
      open: async () => (await open(target)).repository(repository),
    }
  })
}

/** The same for full addresses, each with a tag of its own. */
export function destinationOf(
  address: Address & { readonly tag: Tag },
  moving: readonly Moving[],
  open: Open,
): Destination {
  return {
    target: showPlace(address),
    reference: showAddress(address),
    tag: address.tag,
    prefix: prefixOf(address.tag),
    moving,
    open: async () => (await open(address)).repository(address.repository),
  }
}

/** How versions stand in the tags beside this one. */
function prefixOf(tag: Tag): VersionPrefix {
  return /^v\d/.test(tag) ? 'v' : ''
}

/**
 * Makes every place real: an archive becomes a file only now. What cannot be finished has published
 * nothing, whatever its outcomes said before.
 */
export async function finish<Outcome extends TargetOutcome>(
  places: readonly Place[],
  outcomes: readonly Outcome[],
  open: Open,
): Promise<Outcome[]> {
  const failures = new Map<string, SlipwayError>()
  for (const [name, place] of new Map(places.map((one) => [showPlace(one), one]))) {
    const reached = outcomes.some(
      (one) => isAt(one, name) && one.outcome !== 'failed' && one.outcome !== 'refused',
    )
    if (!reached) continue
    try {
      await (await open(place)).finish()
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error
      failures.set(name, onSide('destination', error))
    }
  }
  return outcomes.map((one) => {
    const failure = [...failures].find(([name]) => isAt(one, name))?.[1]
    if (failure === undefined) return one
    const { digest: _, ...rest } = one
    return { ...rest, outcome: 'failed', moved: {}, error: failureOf(failure) } as unknown as Outcome
  })
}

function isAt(outcome: TargetOutcome, place: string): boolean {
  return outcome.target === place || outcome.target.startsWith(`${place}/`)
}

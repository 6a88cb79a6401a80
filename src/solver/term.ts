import type { PackageId } from '../version/package-id.ts'
import {
  complement,
  equals,
  intersect,
  isEmpty,
  isSubset,
  nothing,
  union,
  type VersionSet,
} from '../version/version-set.ts'

/**
 * A statement about one package: positive, "one of these versions is chosen"; negative, "none of these is",
 * which also holds where the package is not chosen at all.
 */
export interface Term {
  readonly id: PackageId
  readonly positive: boolean
  readonly set: VersionSet
}

/** What knowing one term says of another. */
export type Relation = 'satisfied' | 'contradicted' | 'open'

export function negate({ id, positive, set }: Term): Term {
  return { id, positive: !positive, set }
}

/** Both statements at once. */
export function both(a: Term, b: Term): Term {
  const { id } = a
  if (a.positive && b.positive) return { id, positive: true, set: intersect(a.set, b.set) }
  if (!a.positive && !b.positive) return { id, positive: false, set: union(a.set, b.set) }
  const [chosen, excluded] = a.positive ? [a, b] : [b, a]
  return { id, positive: true, set: intersect(chosen.set, complement(excluded.set)) }
}

/** Says nothing: holds whatever is chosen. */
export function isTrivial(term: Term): boolean {
  return !term.positive && isEmpty(term.set)
}

/** Can never hold. */
export function isImpossible(term: Term): boolean {
  return term.positive && isEmpty(term.set)
}

/** Whether a term follows from what is known of its package, cannot hold any more, or is undecided. */
export function relation(known: Term, term: Term): Relation {
  if (known.positive) {
    const common = intersect(known.set, term.set)
    const [inside, outside] = term.positive
      ? (['satisfied', 'contradicted'] as const)
      : (['contradicted', 'satisfied'] as const)
    if (isEmpty(common)) return outside
    return equals(common, known.set) ? inside : 'open'
  }
  if (!isSubset(term.set, known.set)) return 'open'
  return term.positive ? 'contradicted' : 'satisfied'
}

/** Nothing is known yet. */
export function unknown(id: PackageId): Term {
  return { id, positive: false, set: nothing }
}

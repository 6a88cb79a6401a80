import type { PackageId } from '../version/package-id.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { Fact } from './facts.ts'
import type { Requirement, Unavailable } from './provider.ts'
import type { Root } from './solution.ts'
import { both, isImpossible, isTrivial, type Term } from './term.ts'

/** Two incompatibilities that together forbid what the derived one forbids. */
export interface Derived {
  readonly kind: 'derived'
  readonly conflict: Incompatibility
  readonly other: Incompatibility
}

/** Terms that no solution satisfies all at once, at most one of each package; without terms, nothing is a solution. */
export interface Incompatibility {
  readonly terms: readonly Term[]
  readonly cause: Fact | Derived
}

export function rootIncompatibility(requirement: Root): Incompatibility {
  const { id, set } = requirement
  return { terms: joined([{ id, positive: false, set }]), cause: { kind: 'root', requirement } }
}

/** Undefined where the requirement is met by the package itself. */
export function dependencyIncompatibility(
  id: PackageId,
  set: VersionSet,
  requires: Requirement,
): Incompatibility | undefined {
  const terms = joined([
    { id, positive: true, set },
    { id: requires.id, positive: false, set: requires.set },
  ])
  if (terms.some(isImpossible)) return undefined
  return { terms, cause: { kind: 'dependency', id, set, requires } }
}

export function noVersions(id: PackageId, set: VersionSet): Incompatibility {
  return { terms: [{ id, positive: true, set }], cause: { kind: 'no-versions', id, set } }
}

export function unavailable(id: PackageId, set: VersionSet, because: Unavailable): Incompatibility {
  return { terms: [{ id, positive: true, set }], cause: { kind: 'unavailable', id, set, because } }
}

/** The rule of resolution: the terms of both but for the one that they disagree on. */
export function derive(
  conflict: Incompatibility,
  other: Incompatibility,
  terms: readonly Term[],
): Incompatibility {
  return { terms: joined(terms), cause: { kind: 'derived', conflict, other } }
}

/** One term of each package, in the order in which the packages first appear. */
function joined(terms: readonly Term[]): readonly Term[] {
  const byId = new Map<PackageId, Term>()
  for (const term of terms) {
    const before = byId.get(term.id)
    byId.set(term.id, before === undefined ? term : both(before, term))
  }
  return [...byId.values()].filter((term) => !isTrivial(term))
}

import type { PackageId } from '../version/package-id.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { Incompatibility } from './incompatibility.ts'
import type { Requirement, Unavailable } from './provider.ts'
import type { Root } from './solution.ts'

/** Something that was looked up or asked for, not derived: a failure follows from its facts alone. */
export type Fact =
  | { readonly kind: 'root'; readonly requirement: Root }
  | {
      readonly kind: 'dependency'
      readonly id: PackageId
      /** Every existing version in it requires the same; it may reach over versions that do not exist. */
      readonly set: VersionSet
      /** After overrides, and with prereleases where they were asked for. */
      readonly requires: Requirement
    }
  | { readonly kind: 'no-versions'; readonly id: PackageId; readonly set: VersionSet }
  | {
      readonly kind: 'unavailable'
      readonly id: PackageId
      readonly set: VersionSet
      readonly because: Unavailable
    }

/** What a fact requires, if it does. */
export function requirementOf(fact: Fact): Requirement | Root | undefined {
  if (fact.kind === 'root') return fact.requirement
  return fact.kind === 'dependency' ? fact.requires : undefined
}

/** The facts that a failure follows from, each once, in the order in which an explanation meets them. */
export function factsOf(failure: Incompatibility): readonly Fact[] {
  const facts = new Set<Fact>()
  const seen = new Set<Incompatibility>()
  const waiting = [failure]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const { cause } = next
    if (cause.kind === 'derived') waiting.push(cause.other, cause.conflict)
    else facts.add(cause)
  }
  return [...facts]
}

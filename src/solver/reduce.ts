import parse from 'semver/functions/parse.js'
import { contains, type Point } from '../version/intervals.ts'
import type { PackageId } from '../version/package-id.ts'
import { showPoint } from '../version/show-set.ts'
import type { Version } from '../version/version.ts'
import { everything, includes, nothing, union, type VersionSet } from '../version/version-set.ts'
import type { Fact } from './facts.ts'
import type { Dependencies, Provider } from './provider.ts'
import type { Root } from './solution.ts'
import { solve } from './solve.ts'

/** Up to so many facts, each one is tried for itself. */
const most = 200

/** Into so many parts more facts than that are divided at most, each part tried at once. */
const finest = 64

/**
 * Fewer facts that still contradict each other. Up to 200, the result is minimal: without any one of them,
 * the rest could hold. Of more, first halves are left out, then quarters of what is left and so on to
 * sixty-fourths, until 200 are left; more than that are returned as they then are.
 * @param facts that cannot all hold
 */
export async function reduce(
  facts: readonly Fact[],
  satisfiable: (facts: readonly Fact[]) => Promise<boolean> = factsSatisfiable,
): Promise<readonly Fact[]> {
  let kept = facts
  const leaveOut = async (count: number) => {
    // The last first: those that come first in an explanation are nearest to what was asked for.
    for (let from = kept.length - (kept.length % count || count); from >= 0; from -= count) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + count)]
      if (!(await satisfiable(rest))) kept = rest
    }
  }
  for (let parts = 2; parts <= finest && kept.length > most; parts *= 2)
    await leaveOut(Math.ceil(kept.length / parts))
  if (kept.length <= most) await leaveOut(1)
  return kept
}

/** Whether something could meet all facts, whatever else exists. */
export async function factsSatisfiable(facts: readonly Fact[]): Promise<boolean> {
  return 'solution' in (await solve(factsProvider(facts), { roots: rootsOf(facts) }))
}

/** What the facts say was asked for: the roots to solve beside `factsProvider`. */
export function rootsOf(facts: readonly Fact[]): readonly Root[] {
  return facts.flatMap((fact) => (fact.kind === 'root' ? [fact.requirement] : []))
}

/**
 * A world in which nothing is known but these facts. Between two versions at which a set of some fact begins
 * or ends, all are alike; the first of each such stretch stands for it, unless a fact says that it is empty.
 */
export function factsProvider(facts: readonly Fact[]): Provider {
  const bounds = new Map<PackageId, Map<string, Point>>()
  const about = new Map<PackageId, Exclude<Fact, { kind: 'root' }>[]>()
  const note = (id: PackageId, set: VersionSet) => {
    const own = bounds.get(id) ?? new Map<string, Point>()
    bounds.set(id, own)
    for (const point of [...boundsOf(everything), ...boundsOf(set)]) own.set(showPoint(point), point)
  }
  for (const fact of facts) {
    if (fact.kind === 'root') {
      note(fact.requirement.id, fact.requirement.set)
      continue
    }
    note(fact.id, fact.set)
    if (fact.kind === 'dependency') note(fact.requires.id, fact.requires.set)
    about.set(fact.id, [...(about.get(fact.id) ?? []), fact])
  }
  return {
    async versions(id) {
      const empty = (about.get(id) ?? []).filter(({ kind }) => kind === 'no-versions')
      return [...(bounds.get(id)?.values() ?? [])]
        .filter((point) => !empty.some(({ set }) => holds(set, point)))
        .flatMap((point) => versionAt(point) ?? [])
    },
    missing(id) {
      const empty = (about.get(id) ?? []).filter(({ kind }) => kind === 'no-versions')
      return empty.map(({ set }) => set).reduce(union, nothing)
    },
    async dependencies(id, version): Promise<Dependencies> {
      const own = (about.get(id) ?? []).filter(({ set }) => includes(set, version))
      const refusal = own.find((fact) => fact.kind === 'unavailable')
      if (refusal !== undefined) return { unavailable: refusal.because }
      return { requires: own.flatMap((fact) => (fact.kind === 'dependency' ? [fact.requires] : [])) }
    },
  }
}

function boundsOf({ releases, prereleases }: VersionSet): readonly Point[] {
  return [...releases, ...prereleases].flatMap(({ low, high }) => (high === undefined ? [low] : [low, high]))
}

function holds({ releases, prereleases }: VersionSet, point: Point): boolean {
  return contains(point.pre.length > 0 ? prereleases : releases, point)
}

/** None where a range names a number or a length that no version has. */
function versionAt(point: Point): Version | undefined {
  return parse(showPoint(point)) ?? undefined
}

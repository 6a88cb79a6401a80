import SemVerRange from 'semver/classes/range.js'
import {
  contains,
  type Intervals,
  interval,
  meet,
  type Point,
  sameIntervals,
  unite,
  without,
} from './intervals.ts'
import { parseRange } from './range.ts'
import type { Version } from './version.ts'

/**
 * A set of versions: one union of intervals over releases and one over prereleases, since by node-semver's
 * rule a comparator admits prereleases only of its own x.y.z. Both are canonical, so that sets of the same
 * versions are equal whatever ranges they come from.
 */
export interface VersionSet {
  readonly releases: Intervals
  readonly prereleases: Intervals
}

const firstRelease: Point = { major: 0, minor: 0, patch: 0, pre: [] }
const firstPrerelease: Point = { major: 0, minor: 0, patch: 0, pre: [0] }

export const nothing: VersionSet = { releases: [], prereleases: [] }
export const everything: VersionSet = complement(nothing)

/**
 * Exactly the versions that node-semver's range admits.
 * @throws RANGE_INVALID
 */
export function setOf(text: string): VersionSet {
  parseRange(text)
  return new SemVerRange(text).set
    .map((comparators) => {
      // Comparators that all hold; a prerelease also needs one of its own x.y.z among them.
      let set = everything
      let named: Intervals = []
      for (const { operator, semver } of comparators) {
        // node-semver's "any version" has no version.
        if (typeof semver.major !== 'number') continue
        const point = pointOf(semver)
        set = intersect(set, compared(operator, point))
        if (point.pre.length > 0)
          named = unite(named, interval({ ...point, pre: [0] }, nextTuple(point, [0])))
      }
      return { releases: set.releases, prereleases: meet(set.prereleases, named) }
    })
    .reduce(union, nothing)
}

export function exactly(version: Version): VersionSet {
  return compared('', pointOf(version))
}

/** This version and all after it, prereleases too: a minimum, not a range. */
export function atLeast(version: Version): VersionSet {
  return compared('>=', pointOf(version))
}

export function union(a: VersionSet, b: VersionSet): VersionSet {
  return { releases: unite(a.releases, b.releases), prereleases: unite(a.prereleases, b.prereleases) }
}

export function intersect(a: VersionSet, b: VersionSet): VersionSet {
  return { releases: meet(a.releases, b.releases), prereleases: meet(a.prereleases, b.prereleases) }
}

export function complement(a: VersionSet): VersionSet {
  return {
    releases: without(a.releases, firstRelease),
    prereleases: without(a.prereleases, firstPrerelease),
  }
}

export function includes(set: VersionSet, version: Version): boolean {
  const intervals = version.prerelease.length > 0 ? set.prereleases : set.releases
  return contains(intervals, pointOf(version))
}

export function isEmpty(set: VersionSet): boolean {
  return set.releases.length === 0 && set.prereleases.length === 0
}

export function equals(a: VersionSet, b: VersionSet): boolean {
  return sameIntervals(a.releases, b.releases) && sameIntervals(a.prereleases, b.prereleases)
}

export function isSubset(a: VersionSet, of: VersionSet): boolean {
  return equals(intersect(a, of), a)
}

/**
 * The same releases, and every prerelease between them or just before them. Where a range names prereleases
 * before its first release, it begins with those: `^1.0.0-rc.2` gets no `1.0.0-rc.1`.
 */
export function withPrereleases(set: VersionSet): VersionSet {
  const spanned = set.releases.map(({ low, high }) => {
    const start = { ...low, pre: [0] }
    const named = meet(set.prereleases, interval(start, nextTuple(low, [0])))
    return { low: named[0]?.low ?? start, high: high === undefined ? undefined : { ...high, pre: [0] } }
  })
  return { releases: set.releases, prereleases: unite(set.prereleases, spanned) }
}

function compared(operator: string, point: Point): VersionSet {
  const { from, after } = ends('releases', point)
  const pre = ends('prereleases', point)
  switch (operator) {
    case '>=':
      return { releases: interval(from), prereleases: interval(pre.from) }
    case '>':
      return { releases: interval(after), prereleases: interval(pre.after) }
    case '<':
      return { releases: interval(firstRelease, from), prereleases: interval(firstPrerelease, pre.from) }
    case '<=':
      return { releases: interval(firstRelease, after), prereleases: interval(firstPrerelease, pre.after) }
    default:
      return { releases: interval(from, after), prereleases: interval(pre.from, pre.after) }
  }
}

/** The least release, or prerelease, that is not before a point, and the least one after it. */
function ends(among: keyof VersionSet, point: Point): { readonly from: Point; readonly after: Point } {
  if (among === 'releases') {
    const own = { ...point, pre: [] }
    return { from: own, after: point.pre.length > 0 ? own : nextTuple(point, []) }
  }
  if (point.pre.length === 0) {
    const next = nextTuple(point, [0])
    return { from: next, after: next }
  }
  // Nothing lies between 1.0.0-rc and 1.0.0-rc.0.
  return { from: point, after: { ...point, pre: [...point.pre, 0] } }
}

/** After the largest number that node-semver knows comes the next minor or major. */
export function nextTuple({ major, minor, patch }: Point, pre: Point['pre']): Point {
  const largest = Number.MAX_SAFE_INTEGER
  if (patch < largest) return { major, minor, patch: patch + 1, pre }
  return minor < largest
    ? { major, minor: minor + 1, patch: 0, pre }
    : { major: major + 1, minor: 0, patch: 0, pre }
}

export function pointOf({ major, minor, patch, prerelease }: Version): Point {
  return { major, minor, patch, pre: prerelease }
}

import type { Interval, Point } from './intervals.ts'
import { equals, everything, isEmpty, type VersionSet } from './version-set.ts'

/**
 * A set as ranges are written: `^1.28.0`, `>=1.7.0 <1.8.0 || 2.0.0`, `*`. For people; prereleases that only
 * follow from a negation are left out.
 */
export function showSet(set: VersionSet): string {
  if (isEmpty(set)) return 'no version'
  if (equals(set, everything) || (whole(set.releases) && set.prereleases.length === 0)) return '*'
  const loose = [...set.prereleases]
  const parts = set.releases.map((one) => {
    const at = loose.findIndex(({ low }) => sameTuple(low, one.low) && low.pre.length > 0)
    const [before] = at < 0 ? [] : loose.splice(at, 1)
    return showInterval(
      before === undefined || isFirst(before.low) ? one : { low: before.low, high: one.high },
    )
  })
  const own = set.releases.length === 0 ? loose.map(showInterval) : loose.filter(isExact).map(showInterval)
  return [...parts, ...own].join(' || ')
}

function whole(intervals: VersionSet['releases']): boolean {
  const [only] = intervals
  return intervals.length === 1 && only?.high === undefined && showPoint(only?.low as Point) === '0.0.0'
}

/** A prerelease alone: `1.0.0-rc.1` up to `1.0.0-rc.1.0`. */
function isExact({ low, high }: Interval): boolean {
  return (
    high !== undefined &&
    sameTuple(low, high) &&
    high.pre.length === low.pre.length + 1 &&
    high.pre.at(-1) === 0
  )
}

function isFirst({ pre }: Point): boolean {
  return pre.length === 1 && pre[0] === 0
}

function showInterval(one: Interval): string {
  const { low, high } = one
  const from = showPoint(low)
  if (high === undefined) return `>=${from}`
  if (isExact(one)) return from
  if (
    low.pre.length === 0 &&
    high.major === low.major &&
    high.minor === low.minor &&
    high.patch === low.patch + 1
  )
    return from
  if (from === '0.0.0' || (isFirst(low) && from === '0.0.0-0')) return `<${showEnd(high)}`
  const { major, minor } = low
  const caret = major > 0 ? [major + 1, 0, 0] : [0, minor + 1, 0]
  if (high.pre.length === 0 && caret.every((part, at) => part === [high.major, high.minor, high.patch][at]))
    return `^${from}`
  return `>=${from} <${showEnd(high)}`
}

/** The end of a run of prereleases may be the first one of the next x.y.z: that is the end of its own. */
function showEnd(point: Point): string {
  return isFirst(point) && point.patch > 0 ? showPoint({ ...point, pre: [] }) : showPoint(point)
}

function showPoint({ major, minor, patch, pre }: Point): string {
  return `${major}.${minor}.${patch}${pre.length === 0 ? '' : `-${pre.join('.')}`}`
}

function sameTuple(a: Point, b: Point): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch
}

import { comparePoints, type Interval, type Point } from './intervals.ts'
import { isEmpty, nextTuple, type VersionSet } from './version-set.ts'

/**
 * A set as ranges are written: `^1.28.0`, `>=1.7.0 <1.8.0 || 2.0.0`, `*`. For people, yet it reads back to
 * the same set but for two kinds that no range can express:
 * - prereleases of more than one x.y.z in a row, as a negation, a minimum or `withPrereleases` holds them:
 *   left out, but for where they begin and end beside releases;
 * - prereleases together with every release: `* || 1.0.0-rc.1` is just `*` to node-semver.
 */
export function showSet(set: VersionSet): string {
  if (isEmpty(set)) return 'no version'
  const runs = set.prereleases.flatMap(runsOf)
  const take = (fits: (run: Run) => boolean) => {
    const at = runs.findIndex(fits)
    return at < 0 ? undefined : runs.splice(at, 1)[0]
  }
  const releases = set.releases.map(({ low, high }) => {
    const before = take((run) => run.high === undefined && sameTuple(run.low, low))
    const after = take(
      (run) => high !== undefined && run.high !== undefined && isFirst(run.low) && sameTuple(run.high, high),
    )
    return showReleases(before?.low ?? low, after?.high ?? high)
  })
  const own = runs.filter(({ alone }) => alone).map(showRun)
  return [...releases, ...own].join(' || ') || 'no release'
}

/** Prereleases of one x.y.z; without `high`, to its last. */
interface Run {
  readonly low: Point
  readonly high: Point | undefined
  /** It may be written without the releases beside it. */
  readonly alone: boolean
}

/** The beginning of an interval and its end; what spans more than one whole x.y.z between is left out. */
function runsOf({ low, high }: Interval): Run[] {
  if (high !== undefined && sameTuple(low, high)) return [{ low, high, alone: true }]
  const whole: Point = isFirst(low) ? low : nextTuple(low, [0])
  const rest = high === undefined ? undefined : { ...high, pre: [0] }
  const one = rest !== undefined && comparePoints(nextTuple(whole, [0]), rest) === 0
  const alone = one || (rest !== undefined && comparePoints(whole, rest) === 0)
  const runs: Run[] = []
  if (!isFirst(low)) runs.push({ low, high: undefined, alone })
  if (one) runs.push({ low: whole, high: undefined, alone })
  if (rest !== undefined && high !== undefined && !isFirst(high)) runs.push({ low: rest, high, alone })
  return runs
}

function showReleases(low: Point, high: Point | undefined): string {
  const from = showPoint(low)
  if (from === '0.0.0') return high === undefined ? '*' : `<${showPoint(high)}`
  if (high === undefined) return `>=${from}`
  if (low.pre.length === 0 && comparePoints(nextTuple(low, []), high) === 0) return from
  return comparePoints(caret(low), high) === 0 ? `^${from}` : `>=${from} <${showPoint(high)}`
}

/** Before what `^` ends. */
function caret({ major, minor, patch }: Point): Point {
  if (major > 0) return { major: major + 1, minor: 0, patch: 0, pre: [] }
  return minor > 0
    ? { major, minor: minor + 1, patch: 0, pre: [] }
    : { major, minor, patch: patch + 1, pre: [] }
}

function showRun({ low, high }: Run): string {
  const from = showPoint(low)
  if (high === undefined) return `>=${from} <${showPoint({ ...low, pre: [] })}`
  return comparePoints({ ...low, pre: [...low.pre, 0] }, high) === 0 ? from : `>=${from} <${showPoint(high)}`
}

/** No prerelease of its x.y.z comes before it. */
function isFirst({ pre }: Point): boolean {
  return pre.length === 1 && pre[0] === 0
}

/** The version that stands at a point. */
export function showPoint({ major, minor, patch, pre }: Point): string {
  return `${major}.${minor}.${patch}${pre.length === 0 ? '' : `-${pre.join('.')}`}`
}

function sameTuple(a: Point, b: Point): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch
}

/** A place in the order of versions; `pre` is empty among releases and never empty among prereleases. */
export interface Point {
  readonly major: number
  readonly minor: number
  readonly patch: number
  readonly pre: readonly (string | number)[]
}

/** From `low`, which belongs to it, to before `high`; without `high` it never ends. */
export interface Interval {
  readonly low: Point
  readonly high: Point | undefined
}

/** Sorted, disjoint, never touching: two sets are equal exactly when their intervals are. */
export type Intervals = readonly Interval[]

/**
 * Precedence of semver 2.0.0 section 11. Numeric identifiers are compared exactly, whatever their size;
 * node-semver rounds those beyond 2^53 and then takes versions for equal that are not.
 */
export function comparePoints(a: Point, b: Point): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePrereleases(a.pre, b.pre)
}

function comparePrereleases(a: Point['pre'], b: Point['pre']): number {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0)
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]]
    if (one === undefined || other === undefined)
      return Number(other === undefined) - Number(one === undefined)
    if (one !== other) return compareIdentifiers(one, other)
  }
  return 0
}

/** Two that differ. node-semver leaves numbers beyond 2^53 as text. */
function compareIdentifiers(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  const [a, b] = [String(one), String(other)]
  const [numeric, otherNumeric] = [isNumeric.test(a), isNumeric.test(b)]
  if (numeric !== otherNumeric) return numeric ? -1 : 1
  if (numeric && a.length !== b.length) return a.length - b.length
  return a < b ? -1 : 1
}

const isNumeric = /^\d+$/

/** Order of upper ends; one that never ends comes last. */
function compareEnds(a: Point | undefined, b: Point | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return comparePoints(a, b)
}

/** The interval, or nothing where it would hold no point. */
export function interval(low: Point, high?: Point): Intervals {
  return compareEnds(low, high) < 0 ? [{ low, high }] : []
}

export function unite(a: Intervals, b: Intervals): Intervals {
  const sorted = [...a, ...b].sort((one, other) => comparePoints(one.low, other.low))
  const united: Interval[] = []
  for (const next of sorted) {
    const last = united.at(-1)
    if (last === undefined || compareEnds(last.high, next.low) < 0) united.push(next)
    else if (compareEnds(last.high, next.high) < 0)
      united[united.length - 1] = { low: last.low, high: next.high }
  }
  return united
}

export function meet(a: Intervals, b: Intervals): Intervals {
  const common: Interval[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    const one = a[i] as Interval
    const other = b[j] as Interval
    const low = comparePoints(one.low, other.low) < 0 ? other.low : one.low
    const ends = compareEnds(one.high, other.high)
    const high = ends < 0 ? one.high : other.high
    if (compareEnds(low, high) < 0) common.push({ low, high })
    if (ends <= 0) i += 1
    if (ends >= 0) j += 1
  }
  return common
}

/** What is left of everything from `first` on. */
export function without(a: Intervals, first: Point): Intervals {
  const rest: Interval[] = []
  let low: Point | undefined = first
  for (const one of a) {
    rest.push(...interval(low, one.low))
    low = one.high
    if (low === undefined) return rest
  }
  return [...rest, { low, high: undefined }]
}

export function contains(a: Intervals, point: Point): boolean {
  let [from, to] = [0, a.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const one = a[middle] as Interval
    if (comparePoints(point, one.low) < 0) to = middle
    else if (one.high !== undefined && comparePoints(point, one.high) >= 0) from = middle + 1
    else return true
  }
  return false
}

export function sameIntervals(a: Intervals, b: Intervals): boolean {
  return (
    a.length === b.length &&
    a.every((one, at) => {
      const other = b[at] as Interval
      return comparePoints(one.low, other.low) === 0 && compareEnds(one.high, other.high) === 0
    })
  )
}

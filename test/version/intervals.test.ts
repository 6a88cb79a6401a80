import { expect, test } from 'vitest'
import {
  comparePoints,
  contains,
  type Intervals,
  interval,
  meet,
  type Point,
  sameIntervals,
  unite,
  without,
} from '../../src/version/intervals.ts'
import { compareVersions, parseVersion } from '../../src/version/version.ts'
import { below, randomVersion, seeded } from './random.ts'

const first = at(0)
const size = 24

/** Releases 0.0.0 to 0.0.23 as points of a line. */
function at(patch: number): Point {
  return { major: 0, minor: 0, patch, pre: [] }
}

/** The points of the line that a text of `#` and `.` marks; a trailing `>` never ends. */
function marked(text: string): Intervals {
  const stretches = [...text.matchAll(/#+>?/g)].map(({ 0: stretch, index }) =>
    interval(at(index), stretch.endsWith('>') ? undefined : at(index + stretch.length)),
  )
  return stretches.reduce(unite, [])
}

function drawn(intervals: Intervals): string {
  return Array.from({ length: size }, (_, patch) => (contains(intervals, at(patch)) ? '#' : '.')).join('')
}

const drawing = (random: () => number) =>
  Array.from({ length: size }, () => (below(random, 2) === 0 ? '#' : '.')).join('') +
  (below(random, 3) === 0 ? '#>' : '')

test('points are ordered as versions are, over random pairs and the list in semver section 11', () => {
  const random = seeded(1)
  const toPoint = (version: ReturnType<typeof parseVersion>): Point => ({
    ...version,
    pre: version.prerelease,
  })
  let equal = 0
  for (let pair = 0; pair < 20_000; pair++) {
    const [a, b] = [randomVersion(random), randomVersion(random)]
    const expected = Math.sign(compareVersions(a, b))
    if (expected === 0) equal += 1
    if (Math.sign(comparePoints(toPoint(a), toPoint(b))) !== expected)
      expect.fail(`${a.version} and ${b.version}: ${expected}`)
  }
  expect(equal).toBeGreaterThan(100)
  const listed = ['alpha', 'alpha.1', 'alpha.beta', 'beta', 'beta.2', 'beta.11', 'rc.1']
  const points = [...listed.map((pre) => `1.0.0-${pre}`), '1.0.0'].map((text) => toPoint(parseVersion(text)))
  expect([...points].reverse().sort(comparePoints)).toEqual(points)
})

test('an interval that would hold nothing is no interval', () => {
  expect(interval(at(3), at(3))).toEqual([])
  expect(interval(at(4), at(3))).toEqual([])
  expect(interval(at(3), at(4))).toEqual([{ low: at(3), high: at(4) }])
  expect(interval(at(3))).toEqual([{ low: at(3), high: undefined }])
})

test('what touches or overlaps becomes one interval', () => {
  expect(unite(interval(at(1), at(3)), interval(at(3), at(5)))).toEqual(interval(at(1), at(5)))
  expect(unite(interval(at(2)), interval(at(1), at(9)))).toEqual(interval(at(1)))
  expect(unite(interval(at(1), at(9)), interval(at(2), at(3)))).toEqual(interval(at(1), at(9)))
  expect(unite(interval(at(5), at(6)), interval(at(1), at(2)))).toHaveLength(2)
})

test('union, intersection and rest hold point for point on random drawings, in one form', () => {
  const random = seeded(2)
  for (let round = 0; round < 3000; round++) {
    const [a, b] = [drawing(random), drawing(random)]
    const [one, other] = [marked(a), marked(b)]
    const pointwise = (hold: (inA: boolean, inB: boolean) => boolean) =>
      Array.from({ length: size }, (_, patch) => (hold(a[patch] === '#', b[patch] === '#') ? '#' : '.')).join(
        '',
      )
    const results: readonly (readonly [Intervals, string, boolean])[] = [
      [unite(one, other), pointwise((x, y) => x || y), a.endsWith('>') || b.endsWith('>')],
      [meet(one, other), pointwise((x, y) => x && y), a.endsWith('>') && b.endsWith('>')],
      [without(one, first), pointwise((x) => !x), !a.endsWith('>')],
    ]
    for (const [result, expected, endless] of results) {
      const far = contains(result, at(1000))
      if (drawn(result) !== expected || far !== endless) expect.fail(`${a} ${b}: ${drawn(result)} ${far}`)
      // One form: sorted, apart from each other, and equal only to itself.
      for (const [index, { high }] of result.entries()) {
        const next = result[index + 1]
        if (next !== undefined && (high === undefined || comparePoints(high, next.low) >= 0))
          expect.fail(JSON.stringify(result))
      }
    }
    if (sameIntervals(one, other) !== (a === b && a.endsWith('>') === b.endsWith('>')))
      expect.fail(`${a} ${b}`)
    if (!sameIntervals(without(without(one, first), first), one)) expect.fail(a)
  }
})

import { expect, test } from 'vitest'
import { rangeOf } from '../../src/version/range.ts'
import { showSet } from '../../src/version/show-set.ts'
import { parseVersion } from '../../src/version/version.ts'
import {
  atLeast,
  complement,
  equals,
  everything,
  exactly,
  intersect,
  isEmpty,
  nothing,
  setOf,
  union,
  withPrereleases,
} from '../../src/version/version-set.ts'
import { randomRange, seeded } from './random.ts'

test.each([
  ['^1.28.0', '^1.28.0'],
  ['1.x', '^1.0.0'],
  ['~1.28.3', '>=1.28.3 <1.29.0'],
  ['1.7 - 1.8', '>=1.7.0 <1.9.0'],
  ['<=1.7.0', '<1.7.1'],
  ['>1.7.0', '>=1.7.1'],
  ['^0.2.3', '^0.2.3'],
  ['~0.0.3', '>=0.0.3 <0.1.0'],
  ['^0.0.3', '0.0.3'],
  ['0.0.x', '<0.1.0'],
  ['0.x', '<1.0.0'],
  ['=1.0.0', '1.0.0'],
  ['1.0.0 || 2.0.0', '1.0.0 || 2.0.0'],
  ['3.x || 1.x', '^1.0.0 || ^3.0.0'],
  ['2.x || 1.x', '>=1.0.0 <3.0.0'],
  ['*', '*'],
  ['>=0.0.0', '*'],
  ['>=2 <1', 'no version'],
  ['^1.0.0-rc.1', '^1.0.0-rc.1'],
  ['^0.0.3-rc.1', '^0.0.3-rc.1'],
  ['^1.0.0-0', '^1.0.0-0'],
  ['1.0.0-rc.1', '1.0.0-rc.1'],
  ['1.0.0-rc.1 || ^1.0.0', '^1.0.0 || 1.0.0-rc.1'],
  ['>=1.0.0-rc.1 <1.0.0', '>=1.0.0-rc.1 <1.0.0'],
  ['>=1.0.0-rc.1 <=1.0.0-rc.3', '>=1.0.0-rc.1 <1.0.0-rc.3.0'],
  ['<2.0.0-rc.1', '<2.0.0-rc.1'],
  ['>=1.0.0-rc.1 <2.0.0-rc.1', '>=1.0.0-rc.1 <2.0.0-rc.1'],
  ['>=1.0.0-rc.1 <1.0.1-rc.1', '>=1.0.0-rc.1 <1.0.1-rc.1'],
])('%s is shown as %s', (range, shown) => {
  expect(showSet(setOf(range))).toBe(shown)
})

test('what follows from a negation is shown by its releases', () => {
  expect(showSet(complement(setOf('^1.0.0')))).toBe('<1.0.0 || >=2.0.0')
  expect(showSet(complement(setOf('^1.0.0-rc.1')))).toBe('<1.0.0-rc.1 || >=2.0.0')
  expect(showSet(complement(exactly(parseVersion('1.0.0'))))).toBe('<1.0.0 || >=1.0.1')
  expect(showSet(complement(exactly(parseVersion('1.0.0-rc.1'))))).toBe('*')
  expect(showSet(complement(setOf('*')))).toBe('no release')
  expect(showSet(everything)).toBe('*')
  expect(showSet(nothing)).toBe('no version')
})

test('a minimum and a range with its prereleases are shown by where they begin and end', () => {
  expect(showSet(atLeast(parseVersion('1.0.0')))).toBe('>=1.0.0')
  expect(showSet(atLeast(parseVersion('1.0.0-rc.1')))).toBe('>=1.0.0-rc.1')
  expect(showSet(complement(atLeast(parseVersion('1.0.0-rc.1'))))).toBe('<1.0.0-rc.1')
  expect(showSet(withPrereleases(setOf('^1.2.0')))).toBe('^1.2.0')
  expect(showSet(withPrereleases(setOf('^1.2.0-rc.1')))).toBe('^1.2.0-rc.1')
})

test('the set of a range, and what ranges have in common or together, read back to the same set', () => {
  const random = seeded(1)
  const wrong: string[] = []
  let [read, unions] = [0, 0]
  while (read < 5000) {
    const texts = [randomRange(random), randomRange(random)]
    const [a, b] = texts.filter((text) => rangeOf(text) !== undefined).map(setOf)
    if (a === undefined || b === undefined) continue
    for (const set of [a, intersect(a, b), union(a, b)].filter((one) => !isEmpty(one))) {
      const shown = showSet(set)
      if (shown.startsWith('* ||')) unions += 1
      else if (!equals(setOf(shown), set)) wrong.push(`${texts.join('  and  ')}: ${shown}`)
      read += 1
    }
  }
  expect(wrong.slice(0, 10)).toEqual([])
  // These hold every release and some prereleases, which no range can.
  expect(unions).toBeLessThan(read / 4)
})

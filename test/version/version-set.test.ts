import satisfies from 'semver/functions/satisfies.js'
import { describe, expect, test } from 'vitest'
import { rangeOf } from '../../src/version/range.ts'
import { compareVersions, parseVersion, type Version, versionOf } from '../../src/version/version.ts'
import {
  atLeast,
  complement,
  equals,
  everything,
  exactly,
  includes,
  intersect,
  isEmpty,
  isSubset,
  nothing,
  setOf,
  union,
  type VersionSet,
  withPrereleases,
} from '../../src/version/version-set.ts'
import { below, oneOf, type Random, randomPrerelease, randomRange, randomVersion, seeded } from './random.ts'

const ranges = sample(seeded(1), 2000, validRange)
const versions = sample(seeded(2), 250, randomVersion)

function sample<T>(random: Random, count: number, one: (random: Random) => T): T[] {
  return Array.from({ length: count }, () => one(random))
}

/** Most random texts are ranges: only `1.0.0-a` with a missing part and the like are none. */
function validRange(random: Random): string {
  const text = randomRange(random)
  return rangeOf(text) === undefined ? validRange(random) : text
}

/** Versions at the bounds that a range names, just before and after them. */
function near(range: string, random: Random): Version[] {
  return [...range.matchAll(/(\d+\.\d+\.\d+)(?:-([0-9A-Za-z.-]+))?/g)].flatMap(([, tuple = '', pre = '0']) =>
    [tuple, `${tuple}-${pre}`, `${tuple}-${pre}.0`, `${tuple}-0`, `${tuple}-${pre}a`]
      .concat(Array.from({ length: 5 }, () => `${tuple}-${randomPrerelease(random)}`))
      .flatMap((text) => versionOf(text) ?? []),
  )
}

const holds = (text: string, version: string) => includes(setOf(text), parseVersion(version))

describe('against node-semver', () => {
  test('a set holds exactly the versions that satisfy its range, over half a million pairs', () => {
    const random = seeded(4)
    const wrong: string[] = []
    let [pairs, held, heldPrereleases] = [0, 0, 0]
    for (const range of ranges) {
      const set = setOf(range)
      for (const version of [...versions, ...near(range, random)]) {
        const expected = satisfies(version.version, range)
        if (includes(set, version) !== expected) wrong.push(`${range} and ${version.version}: ${expected}`)
        pairs += 1
        if (expected) held += 1
        if (expected && version.prerelease.length > 0) heldPrereleases += 1
      }
    }
    expect(wrong.slice(0, 10)).toEqual([])
    expect(pairs).toBeGreaterThan(500_000)
    expect(held).toBeGreaterThan(pairs / 20)
    expect(held).toBeLessThan(pairs / 2)
    expect(heldPrereleases).toBeGreaterThan(4000)
  })

  test.each([
    ['^1.0.0-rc.2', '1.0.0-rc.2', true],
    ['^1.0.0-rc.2', '1.0.0-rc.1', false],
    ['^1.0.0-rc.2', '1.0.1-rc.2', false],
    ['>=1.0.0-rc.1 <1.0.1-rc.1', '1.0.1-rc.0', true],
    ['*', '1.0.0-rc.1', false],
    ['* || 1.0.0-rc.1', '1.0.0-rc.1', false],
    ['<=1.0.0', '1.0.0-rc.1', false],
    ['1.0.0-rc', '1.0.0-rc.0', false],
    ['>1.0.0-rc <1.0.0', '1.0.0-rc.0', true],
    ['>1.0.0--', '1.0.0-10000000000000000000', false],
    ['>1.0.0-9100000000000000000', '1.0.0-10000000000000000000', true],
    ['>1.0.0-9007199254740991', '1.0.0-9007199254740990', false],
  ])('%s and %s: %s', (range, version, expected) => {
    expect(satisfies(version, range)).toBe(expected)
    expect(holds(range, version)).toBe(expected)
  })

  test('numbers that node-semver rounds to one are told apart', () => {
    expect(satisfies('1.0.0-9007199254740993', '1.0.0-9007199254740992')).toBe(true)
    expect(holds('1.0.0-9007199254740992', '1.0.0-9007199254740993')).toBe(false)
    expect(holds('>1.0.0-9007199254740992', '1.0.0-9007199254740993')).toBe(true)
  })

  test('what is no range is refused as parseRange refuses it', () => {
    expect(() => setOf('')).toThrow(expect.objectContaining({ code: 'RANGE_INVALID' }))
    expect(() => setOf('^1.0.0 nonsense')).toThrow(expect.objectContaining({ code: 'RANGE_INVALID' }))
  })
})

describe('sets of versions', () => {
  const sets = ranges.slice(0, 800).map(setOf)
  const pairs = sets.map((one, at) => [one, sets[(at * 7 + 3) % sets.length] as VersionSet] as const)

  test('operations hold what their operands hold', () => {
    for (const [a, b] of pairs) {
      const [both, either, not] = [intersect(a, b), union(a, b), complement(a)]
      for (const version of versions) {
        const [inA, inB] = [includes(a, version), includes(b, version)]
        if (
          includes(both, version) !== (inA && inB) ||
          includes(either, version) !== (inA || inB) ||
          includes(not, version) === inA
        )
          expect.fail(`${JSON.stringify([a, b])} and ${version.version}`)
      }
    }
  })

  test('the laws of sets hold as equality, since equal sets have one form', () => {
    for (const [a, b] of pairs) {
      const c = intersect(a, complement(b))
      const laws: readonly (readonly [VersionSet, VersionSet])[] = [
        [complement(union(a, b)), intersect(complement(a), complement(b))],
        [complement(intersect(a, b)), union(complement(a), complement(b))],
        [complement(complement(a)), a],
        [union(a, complement(a)), everything],
        [intersect(a, complement(a)), nothing],
        [union(a, b), union(b, a)],
        [intersect(a, b), intersect(b, a)],
        [union(c, intersect(a, b)), a],
        [intersect(a, union(b, c)), union(intersect(a, b), intersect(a, c))],
      ]
      for (const [at, [one, other]] of laws.entries())
        if (!equals(one, other)) expect.fail(`law ${at}: ${JSON.stringify([a, b])}`)
      if (!isSubset(c, a) || isSubset(a, c) !== equals(a, c)) expect.fail(JSON.stringify([a, c]))
    }
  })

  test('sets are equal exactly when they hold the same versions of a dense grid', () => {
    // Every bound of the ranges lies on the grid or between two of its versions.
    const grid = denseGrid()
    const random = seeded(3)
    const bySignature = new Map<string, VersionSet[]>()
    for (let at = 0; at < 1500; at++) {
      const set = setOf(gridRange(random))
      const signature = grid.map((version) => (includes(set, version) ? 1 : 0)).join('')
      bySignature.set(signature, [...(bySignature.get(signature) ?? []), set])
    }
    const groups = [...bySignature.values()]
    for (const group of groups)
      for (const set of group) if (!equals(group[0] as VersionSet, set)) expect.fail(JSON.stringify(group))
    for (const [at, [one]] of groups.entries())
      for (const [other] of groups.slice(at + 1))
        if (equals(one as VersionSet, other as VersionSet)) expect.fail(JSON.stringify([one, other]))
    expect(groups.length).toBeGreaterThan(200)
    expect(groups.filter((group) => group.length > 1).length).toBeGreaterThan(100)
  })

  test.each([
    ['^1.2.0', '>=1.2.0 <2.0.0'],
    ['1.x || 2.x', '>=1.0.0 <3.0.0'],
    ['>1.0.0-rc', '>=1.0.0-rc.0'],
    ['<1.0.0 || 1.0.0 || >1.0.0', '*'],
    ['>=2.0.0 <1.0.0', '<0.0.0'],
    ['<=1.0.9007199254740991', '<1.1.0'],
    ['<=1.9007199254740991.9007199254740991', '<2.0.0'],
  ])('%s is %s', (one, other) => {
    expect(equals(setOf(one), setOf(other))).toBe(true)
  })

  test('an exact version is the set of that version alone', () => {
    for (const version of versions) {
      const set = exactly(version)
      expect(versions.filter((other) => includes(set, other)).map((other) => other.version)).toEqual(
        versions.filter((other) => compareVersions(other, version) === 0).map((other) => other.version),
      )
      expect(isEmpty(set)).toBe(false)
    }
  })

  test('a minimum holds everything from it on, prereleases of later versions too', () => {
    for (const version of versions.slice(0, 100)) {
      const set = atLeast(version)
      for (const other of versions)
        if (includes(set, other) !== compareVersions(other, version) >= 0)
          expect.fail(`${other.version} at least ${version.version}`)
    }
  })

  test('prereleases that a range leaves out can be let in, but none below a prerelease that it names', () => {
    const widened = (text: string, version: string) =>
      includes(withPrereleases(setOf(text)), parseVersion(version))
    expect(widened('^1.2.0', '1.3.0-rc.1')).toBe(true)
    expect(widened('^1.2.0', '1.2.0-rc.1')).toBe(true)
    expect(widened('^1.2.0', '2.0.0-rc.1')).toBe(false)
    expect(widened('<2.0.0', '2.0.0-rc.1')).toBe(false)
    expect(widened('<2.0.0-rc.2', '2.0.0-rc.1')).toBe(true)
    expect(widened('1.2.0', '1.2.0-rc.1')).toBe(true)
    expect(widened('^1.2.0-rc.2', '1.2.0-rc.1')).toBe(false)
    expect(widened('^1.2.0-rc.2', '1.2.0-rc.2')).toBe(true)
    expect(widened('^1.2.0-rc.2', '1.4.0-rc.1')).toBe(true)
  })
})

/** Versions so close that each two different bounds of `gridRange` have one of them in between. */
function denseGrid(): Version[] {
  const numbers = [0, 1, 2, 3]
  const prereleases = ['', '-0', '-a', '-a.0', '-b', '-b.0']
  return numbers.flatMap((major) =>
    numbers.flatMap((minor) =>
      numbers.flatMap((patch) =>
        prereleases.map((prerelease) => parseVersion(`${major}.${minor}.${patch}${prerelease}`)),
      ),
    ),
  )
}

function gridRange(random: Random): string {
  const bound = () =>
    `${below(random, 2)}.${below(random, 2)}.${below(random, 2)}${oneOf(random, ['', '', '-a', '-b'])}`
  const one = () =>
    oneOf(random, [
      () => `${oneOf(random, ['', '^', '~', '<', '<=', '>', '>='])}${bound()}`,
      () => `>=${bound()} <${bound()}`,
      () => `${below(random, 2)}.x`,
    ])()
  return random() < 0.5 ? one() : `${one()} || ${one()}`
}

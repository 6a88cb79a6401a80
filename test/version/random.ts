import { type Version, versionOf } from '../../src/version/version.ts'

/** Numbers from 0 to before 1 that are the same on every run (mulberry32). */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0 to before `end`. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end)
}

export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T
}

export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

/** Numeric and not, prefixes of each other, beyond 2^53 (none that a double rounds), sorting before digits. */
const identifiers = [
  ...['0', '1', '2', '10', 'a', 'b', 'rc', 'alpha', 'A', '0a', '1-', '-', '--0', 'x'],
  ...['9007199254740991', '9007199254740994', '10000000000000000000', '9100000000000000000'],
]

export function randomPrerelease(random: Random): string {
  return Array.from({ length: 1 + below(random, 3) }, () => oneOf(random, identifiers)).join('.')
}

/** Few numbers, so that ranges and versions often touch. */
function randomTuple(random: Random): string {
  return [below(random, 3), below(random, 3), below(random, 3)].join('.')
}

function randomVersionText(random: Random, prereleases = 0.5): string {
  const tuple = randomTuple(random)
  return random() < prereleases ? `${tuple}-${randomPrerelease(random)}` : tuple
}

export function randomVersion(random: Random): Version {
  return versionOf(randomVersionText(random)) as Version
}

/** A range of node-semver's grammar: comparators, carets, tildes, x-ranges, hyphens and their unions. */
export function randomRange(random: Random): string {
  const alternatives = Array.from({ length: oneOf(random, [1, 1, 2, 3]) }, () => randomAlternative(random))
  return alternatives.join(oneOf(random, [' || ', '||']))
}

function randomAlternative(random: Random): string {
  if (random() < 0.15) return `${randomPartial(random)} - ${randomPartial(random)}`
  return Array.from({ length: oneOf(random, [1, 1, 2, 3]) }, () => randomSimple(random)).join(' ')
}

function randomSimple(random: Random): string {
  const operator = oneOf(random, ['', '=', '<', '<=', '>', '>=', '^', '~', '~>', '>= ', '^ ', 'v', '>=v'])
  return `${operator}${randomPartial(random)}`
}

function randomPartial(random: Random): string {
  if (random() < 0.6) return `${randomVersionText(random)}${random() < 0.1 ? '+build.7' : ''}`
  const [major, minor] = [below(random, 3), below(random, 3)]
  const x = oneOf(random, ['x', 'X', '*'])
  return oneOf(random, [
    `${major}`,
    `${major}.${x}`,
    `${major}.${x}.${x}`,
    `${major}.${minor}`,
    `${major}.${minor}.${x}`,
    x,
  ])
}

import { comparePoints, type Intervals, interval, meet, type Point } from '../version/intervals.ts'
import { compareVersions, isPrerelease, type Version } from '../version/version.ts'
import {
  complement,
  equals,
  everything,
  exactly,
  includes,
  pointOf,
  union,
  type VersionSet,
} from '../version/version-set.ts'
import type { Incompatibility } from './incompatibility.ts'
import type { Requirement, Unavailable } from './provider.ts'

/** One thing that a version says of itself, and the incompatibility that came of it. */
export interface Claim {
  readonly says: { readonly requires: Requirement } | { readonly unavailable: Unavailable }
  incompatibility?: Incompatibility | undefined
}

/** Neighbours that all claim the same, and a set that holds them and no other version that exists. */
export interface Run {
  readonly set: VersionSet
  readonly claims: readonly Claim[]
}

/** Releases or prereleases of one package, the lowest first, and what those say that were asked. */
interface Line {
  readonly versions: readonly Version[]
  readonly points: readonly Point[]
  readonly claims: (readonly Claim[] | undefined)[]
}

/** The versions of one package that exist, and what is known of them. */
export class Candidates {
  /** The lowest first, each once. */
  readonly versions: readonly Version[]
  readonly #releases: Line
  readonly #prereleases: Line
  /** What is known not to exist. */
  #missing: VersionSet | undefined
  readonly #within = new WeakMap<VersionSet, readonly Version[]>()

  constructor(versions: readonly Version[], missing?: VersionSet) {
    this.#missing = missing
    const sorted = [...versions].sort(compareVersions)
    this.versions = sorted.filter((one, at) => one.version !== sorted[at - 1]?.version)
    this.#releases = lineOf(this.versions.filter((version) => !isPrerelease(version)))
    this.#prereleases = lineOf(this.versions.filter(isPrerelease))
  }

  /** The versions that a set holds, the lowest first. */
  within(set: VersionSet): readonly Version[] {
    let found = this.#within.get(set)
    if (found === undefined) {
      const prereleases = between(this.#prereleases, set.prereleases)
      const releases = between(this.#releases, set.releases)
      found = prereleases.length === 0 ? releases : [...releases, ...prereleases].sort(compareVersions)
      this.#within.set(set, found)
    }
    return found
  }

  /** A set that holds no version, widened to all that lies between the versions around it. */
  gap(set: VersionSet): VersionSet {
    if (this.versions.length === 0) return everything
    this.#missing ??= complement(this.versions.map(exactly).reduce(union))
    const { releases, prereleases } = this.#missing
    const touched = (missing: Intervals, own: Intervals) =>
      missing.filter((one) => meet([one], own).length > 0)
    return union(set, {
      releases: touched(releases, set.releases),
      prereleases: touched(prereleases, set.prereleases),
    })
  }

  /** The version worth trying first: the preferred one, else the highest, or the lowest. */
  best(set: VersionSet, lowest: boolean, preferred: Version | undefined): Version | undefined {
    const found = this.within(set)
    if (preferred !== undefined && includes(set, preferred)) {
      const same = found.find((version) => version.version === preferred.version)
      if (same !== undefined) return same
    }
    return lowest ? found[0] : found.at(-1)
  }

  /** What a version says; undefined until it was asked. */
  claims(version: Version): readonly Claim[] | undefined {
    const line = this.#lineOf(version)
    return line.claims[placeOf(line, pointOf(version))]
  }

  /** What is said twice counts once. */
  learn(version: Version, claims: readonly Claim[]): void {
    const line = this.#lineOf(version)
    line.claims[placeOf(line, pointOf(version))] = claims.filter(
      (claim, at) => !claims.slice(0, at).some((other) => sayTheSame(claim, other)),
    )
  }

  /** All neighbours of a version that are known to claim the same. */
  run(version: Version, claim: Claim): Run {
    const line = this.#lineOf(version)
    const { claims, points } = line
    const twin = (at: number) => claims[at]?.find((other) => sayTheSame(claim, other))
    const at = placeOf(line, pointOf(version))
    const found = [claim]
    let [from, after] = [at, at + 1]
    for (let one = twin(from - 1); one !== undefined; one = twin(from - 1)) {
      found.push(one)
      from -= 1
    }
    for (let one = twin(after); one !== undefined; one = twin(after)) {
      found.push(one)
      after += 1
    }
    const { releases, prereleases } = everything
    const whole = line === this.#releases ? releases : prereleases
    const reach = interval((from === 0 ? whole[0]?.low : points[from]) as Point, points[after])
    const set =
      line === this.#releases
        ? { releases: reach, prereleases: this.#prereleases.points.length === 0 ? prereleases : [] }
        : { releases: this.#releases.points.length === 0 ? releases : [], prereleases: reach }
    return { set, claims: found }
  }

  #lineOf(version: Version): Line {
    return isPrerelease(version) ? this.#prereleases : this.#releases
  }
}

function lineOf(versions: readonly Version[]): Line {
  return { versions, points: versions.map(pointOf), claims: [] }
}

/** The place of the first version that is not before a point. */
function placeOf({ points }: Line, point: Point): number {
  let [from, to] = [0, points.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (comparePoints(points[middle] as Point, point) < 0) from = middle + 1
    else to = middle
  }
  return from
}

function between(line: Line, intervals: Intervals): Version[] {
  return intervals.flatMap(({ low, high }) =>
    line.versions.slice(placeOf(line, low), high === undefined ? undefined : placeOf(line, high)),
  )
}

function sayTheSame({ says: one }: Claim, { says: other }: Claim): boolean {
  if ('requires' in one)
    return (
      'requires' in other &&
      one.requires.id === other.requires.id &&
      (one.requires.set === other.requires.set || equals(one.requires.set, other.requires.set))
    )
  return (
    'unavailable' in other &&
    one.unavailable.cause === other.unavailable.cause &&
    one.unavailable.reason === other.unavailable.reason
  )
}

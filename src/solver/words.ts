import { comparePoints } from '../version/intervals.ts'
import { core, type PackageId } from '../version/package-id.ts'
import { showSet } from '../version/show-set.ts'
import { isPrerelease, type Version } from '../version/version.ts'
import { equals, includes, isEmpty, isSubset, pointOf, type VersionSet } from '../version/version-set.ts'
import { type Fact, requirementOf } from './facts.ts'
import type { Incompatibility } from './incompatibility.ts'
import { describe, displayName } from './known-versions.ts'
import type { Requirement } from './provider.ts'
import type { Root } from './solution.ts'
import type { Term } from './term.ts'

/** What an explanation may look up. */
export interface About {
  readonly roots: readonly Root[]
  /** All versions that are known to exist, the lowest first. */
  versions(id: PackageId): readonly Version[]
  /** Names that exist and look like one that does not, the likeliest first. */
  readonly nearest?: (id: PackageId) => readonly string[]
  readonly overrides?: ReadonlyMap<PackageId, VersionSet>
}

/** Puts facts and what follows from them into words. */
export class Words {
  readonly #about: About
  /** Ranges as their authors wrote them. */
  readonly #written = new Map<PackageId, Requirement[]>()

  constructor(about: About, facts: readonly Fact[]) {
    this.#about = about
    for (const fact of facts) {
      const requirement = requirementOf(fact)
      if (requirement === undefined) continue
      const { id } = requirement
      this.#written.set(id, [...(this.#written.get(id) ?? []), requirement])
    }
  }

  fact(fact: Fact): string {
    switch (fact.kind) {
      case 'root':
        return `you require ${this.#target(fact.requirement)}${originOf(fact.requirement)}`
      case 'dependency':
        return `${this.#subject(fact.id, fact.set)} ${this.#requires(fact.requires)}`
      case 'no-versions':
        return this.#missing(fact.id, fact.set)
      case 'unavailable':
        return refusal(this.#subject(fact.id, fact.set), oneLine(fact.because.reason))
    }
  }

  /** Two facts in one breath: where one speaks of what the other requires, its subject is not said again. */
  both(a: Fact, b: Fact): string {
    const [first, second] = this.place(a) <= this.place(b) ? [a, b] : [b, a]
    return this.#chain(first, second) ?? this.#chain(second, first) ?? this.#list(first, second)
  }

  /** What was asked for comes first, in its order, and what is missing last. */
  place(fact: Fact): number {
    if (fact.kind === 'root') {
      const { id, text } = fact.requirement
      return this.#about.roots.findIndex((root) => root.id === id && root.text === text)
    }
    const { length } = this.#about.roots
    return length + ['dependency', 'unavailable', 'no-versions'].indexOf(fact.kind)
  }

  /** What must be so because of an incompatibility. */
  conclusion({ terms }: Incompatibility): string {
    const subjects = terms.filter((term) => term.positive).map(({ id, set }) => this.#subject(id, set))
    const targets = terms.filter((term) => !term.positive).map((term) => this.#needed(term))
    const [first, second] = subjects
    if (first === undefined)
      return targets.length === 0 ? 'your requirements cannot be met' : `${targets.join(' or ')} is required`
    if (targets.length > 0)
      return subjects.length === 1
        ? `${first} requires ${targets.join(' or ')}`
        : `${series(subjects)} together require ${targets.join(' or ')}`
    if (second === undefined) return refusal(first, 'cannot be used')
    return subjects.length === 2 ? apart(first, second) : `${series(subjects)} do not go together`
  }

  #chain(requiring: Fact, next: Fact): string | undefined {
    const target = requirementOf(requiring)
    if (target === undefined || next.kind === 'root' || next.id !== target.id) return undefined
    const versions = this.#about.versions(target.id)
    const asked = versions.filter((version) => includes(target.set, version))
    if (next.kind === 'no-versions') {
      if (asked.length > 0 || target.id === core) return undefined
      return `${this.fact(requiring)}, which ${this.#nowhere(target.id, target.set)}`
    }
    if (asked.length === 0 || !asked.every((version) => includes(next.set, version))) return undefined
    const then = next.kind === 'unavailable' ? oneLine(next.because.reason) : this.#requires(next.requires)
    return `${this.fact(requiring)}, which ${then}`
  }

  #list(a: Fact, b: Fact): string {
    if (a.kind === 'root' && b.kind === 'root')
      return `${this.fact(a)} and ${this.#target(b.requirement)}${originOf(b.requirement)}`
    if (a.kind === 'dependency' && b.kind === 'dependency' && a.id === b.id && equals(a.set, b.set))
      return `${this.fact(a)} and ${this.#target(b.requires)}`
    return `${this.fact(a)} and ${this.fact(b)}`
  }

  #subject(id: PackageId, set: VersionSet): string {
    return describe(id, set, this.#about.versions(id))
  }

  #requires(requirement: Requirement): string {
    return `${requirement.id === core ? 'requires' : 'depends on'} ${this.#target(requirement)}`
  }

  /** A requirement as its author wrote it. */
  #target({ id, set, text }: Requirement): string {
    const name = displayName(id)
    const range = text === '*' ? name : `${name} ${text}`
    if (this.#about.overrides?.has(id) === true) return `${range} (by your override)`
    return isEmpty(set) ? `${range} (which no version can match)` : range
  }

  /** A derived requirement: as somebody wrote it, if somebody did. */
  #needed({ id, set }: Term): string {
    const written = this.#written.get(id)?.find((requirement) => equals(requirement.set, set))
    if (written !== undefined) return this.#target(written)
    const versions = this.#about.versions(id)
    if (versions.length > 0 && versions.every((version) => includes(set, version))) return displayName(id)
    return describe(id, set, versions)
  }

  #missing(id: PackageId, set: VersionSet): string {
    const versions = this.#about.versions(id)
    const [lowest, highest] = [versions[0], versions.at(-1)]
    if (id === core && lowest !== undefined && highest !== undefined)
      return lowest === highest
        ? `provisioning is ${lowest.version}`
        : `provisioning is between ${lowest.version} and ${highest.version}`
    if (lowest === undefined) return `${displayName(id)} was not found in any source`
    return `no version of ${displayName(id)} matches ${this.#range(id, set)}${nearest(set, versions)}`
  }

  #nowhere(id: PackageId, set: VersionSet): string {
    const versions = this.#about.versions(id)
    if (versions[0] === undefined) return 'was not found in any source'
    return `no version matches${nearest(set, versions)}`
  }

  /** The requirements that a set without versions leaves unmet; else the set. */
  #range(id: PackageId, set: VersionSet): string {
    const unmet = (this.#written.get(id) ?? []).filter((one) => !isEmpty(one.set) && isSubset(one.set, set))
    return unmet.length === 0 ? showSet(set) : [...new Set(unmet.map(({ text }) => text))].join(' or ')
  }
}

function originOf({ origin }: Root): string {
  return origin === undefined ? '' : ` (${origin})`
}

/** `every version of x` that `is not` something reads better as `no version of x` that `is`. */
function refusal(subject: string, reason: string): string {
  const every = /^every (version|release) of (.*)$/s.exec(subject)
  const not = /^(is|can) ?not (.*)$/s.exec(reason)
  if (every === null || not === null) return `${subject} ${reason}`
  return `no ${every[1]} of ${every[2]} ${not[1]} ${not[2]}`
}

/** Which versions a set without any just missed. */
function nearest(set: VersionSet, all: readonly Version[]): string {
  const releases = all.filter((version) => !isPrerelease(version))
  const versions = releases.length === 0 ? all : releases
  const intervals = [...set.releases, ...set.prereleases]
  const below = versions.filter((version) => {
    const point = pointOf(version)
    return intervals.every(({ low }) => comparePoints(point, low) < 0)
  })
  const above = versions.filter((version) => {
    const point = pointOf(version)
    return intervals.every(({ high }) => high !== undefined && comparePoints(point, high) >= 0)
  })
  const [before, after] = [below.at(-1)?.version, above[0]?.version]
  if (below.length === versions.length) return ` (the newest is ${before})`
  if (above.length === versions.length) return ` (the oldest is ${after})`
  if (below.length + above.length < versions.length) return ''
  return ` (the nearest are ${before} and ${after})`
}

/** Of two that clash; `not every` would leave open that some do go together. */
function apart(first: string, second: string): string {
  const other = second.replace(/^every /, 'any ')
  const every = /^every (version|release) of (.*)$/s.exec(first)
  if (every === null) return `${first} does not go together with ${other}`
  return `no ${every[1]} of ${every[2]} goes together with ${other}`
}

function series(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

/** Reasons come from manifests and may hold anything. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

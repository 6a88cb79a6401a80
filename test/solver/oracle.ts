import Logic from 'logic-solver'
import type { Fact } from '../../src/solver/facts.ts'
import type { Requirement } from '../../src/solver/provider.ts'
import { contains, type Point } from '../../src/version/intervals.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { parseVersion, type Version } from '../../src/version/version.ts'
import { includes, type VersionSet, withPrereleases } from '../../src/version/version-set.ts'
import { type Random, shuffled } from '../version/random.ts'
import type { Published, Registry } from './random-registry.ts'

/** The set that a requirement comes to under the options of a registry. */
export function effective({ options }: Registry, { id, set }: Requirement): VersionSet {
  const chosen = options.overrides?.get(id) ?? set
  return options.prereleases?.(id) === true ? withPrereleases(chosen) : chosen
}

export function publishedAt(registry: Registry, id: PackageId, version: Version): Published | undefined {
  return registry.packages.get(id)?.find((one) => one.version.version === version.version)
}

/** What a published version requires, or undefined where it cannot be chosen. */
export function requirementsOf(
  registry: Registry,
  id: PackageId,
  version: Version,
): readonly Requirement[] | undefined {
  const dependencies = publishedAt(registry, id, version)?.dependencies
  return dependencies !== undefined && 'requires' in dependencies ? dependencies.requires : undefined
}

/** Whether each requirement is met by what is chosen; there may be more than is needed. */
export function holdsTogether(registry: Registry, chosen: ReadonlyMap<PackageId, Version>): boolean {
  const met = (requirement: Requirement) => {
    const version = chosen.get(requirement.id)
    return version !== undefined && includes(effective(registry, requirement), version)
  }
  return (
    registry.roots.every(met) &&
    [...chosen].every(([id, version]) => requirementsOf(registry, id, version)?.every(met) === true)
  )
}

/** What the roots need of what is chosen. */
export function needed(
  registry: Registry,
  chosen: ReadonlyMap<PackageId, Version>,
): ReadonlyMap<PackageId, Version> {
  const found = new Map<PackageId, Version>()
  const waiting: Requirement[] = [...registry.roots]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const version = chosen.get(next.id)
    if (version === undefined || found.has(next.id)) continue
    found.set(next.id, version)
    waiting.push(...(requirementsOf(registry, next.id, version) ?? []))
  }
  return found
}

/** Starting MiniSat costs more than most questions to it, so that some share one; their variables differ. */
let shared = { solver: new Logic.Solver(), questions: 0 }

/** One question's own part of a MiniSat, without the library's costly checks of its arguments. Without assumptions, all its variables may be false. */
class Clauses {
  readonly #solver: InstanceType<typeof Logic.Solver>
  readonly #own: string

  constructor() {
    if (shared.questions === 60) shared = { solver: new Logic.Solver(), questions: 0 }
    shared.questions += 1
    this.#solver = shared.solver
    this.#own = `q${shared.questions} `
  }

  /** At least one holds; names begin with `-` where they must not. */
  clause(names: readonly string[]): void {
    Logic.disablingAssertions(() => this.#solver.require(Logic.or(names.map(this.#name))))
  }

  atMostOne(names: readonly string[]): void {
    Logic.disablingAssertions(() => this.#solver.require(Logic.atMostOne(names.map(this.#name))))
  }

  /** The names that hold, beside those assumed, where all clauses can. */
  solve(assumed: readonly string[]): readonly string[] | undefined {
    const answer = Logic.disablingAssertions(() =>
      this.#solver.solveAssuming(Logic.and(assumed.map(this.#name))),
    )
    return answer
      ?.getTrueVars()
      .filter((name) => name.startsWith(this.#own))
      .map((name) => name.slice(this.#own.length))
  }

  readonly #name = (name: string) =>
    name.startsWith('-') ? `-${this.#own}${name.slice(1)}` : `${this.#own}${name}`
}

/** A registry as clauses for MiniSat: a variable for each version, no search of ours. */
export class Oracle {
  readonly #clauses = new Clauses()
  readonly #registry: Registry
  readonly #variables: readonly string[]

  constructor(registry: Registry) {
    this.#registry = registry
    const { packages, roots } = registry
    const known = new Map<Requirement, string>()
    // A variable for each requirement, too, since many versions share one.
    const met = (requirement: Requirement) => {
      const before = known.get(requirement)
      if (before !== undefined) return before
      const name = `met ${known.size}`
      known.set(requirement, name)
      const { id } = requirement
      const set = effective(registry, requirement)
      const fitting = (packages.get(id) ?? []).filter(({ version }) => includes(set, version))
      this.#clauses.clause([`-${name}`, ...fitting.map(({ version }) => variable(id, version))])
      return name
    }
    this.#variables = [...packages].flatMap(([id, all]) => all.map(({ version }) => variable(id, version)))
    for (const [id, all] of packages) {
      this.#clauses.atMostOne(all.map(({ version }) => variable(id, version)))
      for (const { version, dependencies } of all) {
        const not = `-${variable(id, version)}`
        if ('unavailable' in dependencies) this.#clauses.clause([not])
        else for (const one of dependencies.requires) this.#clauses.clause([not, met(one)])
      }
    }
    for (const root of roots) this.#clauses.clause(['-asked', met(root)])
  }

  get solvable(): boolean {
    return this.#clauses.solve(['asked']) !== undefined
  }

  /** Any solution, without what it does not need. */
  some(random: Random): ReadonlyMap<PackageId, Version> | undefined {
    const wanted = ['asked']
    for (const one of shuffled(random, this.#variables).slice(0, 4))
      if (this.#clauses.solve([...wanted, one]) !== undefined) wanted.push(one)
    const chosen = this.#clauses.solve(wanted)?.flatMap((name) => {
      const [id = '', text = ''] = name.split('@')
      return text === '' ? [] : [[id as PackageId, parseVersion(text)] as const]
    })
    return chosen && needed(this.#registry, new Map(chosen))
  }
}

function variable(id: PackageId, { version }: Pick<Version, 'version'>): string {
  return `${id}@${version}`
}

/**
 * Facts as clauses, each with a switch. Nothing is known of what exists but what they say, so that every
 * point at which a set of theirs begins or ends stands for all versions from there to the next.
 */
export class FactsOracle {
  readonly #clauses = new Clauses()
  readonly #facts: readonly Fact[]

  constructor(facts: readonly Fact[]) {
    this.#facts = facts
    const points = boundsOf(facts)
    const within = (id: PackageId, set: VersionSet) =>
      [...(points.get(id) ?? [])]
        .filter(([, point]) => contains(point.pre.length > 0 ? set.prereleases : set.releases, point))
        .map(([name]) => name)
    for (const own of points.values()) this.#clauses.atMostOne([...own.keys()])
    for (const [at, fact] of facts.entries()) {
      const off = `-fact ${at}`
      if (fact.kind === 'root') {
        this.#clauses.clause([off, ...within(fact.requirement.id, fact.requirement.set)])
        continue
      }
      const then = fact.kind === 'dependency' ? within(fact.requires.id, fact.requires.set) : []
      for (const one of within(fact.id, fact.set)) this.#clauses.clause([off, `-${one}`, ...then])
    }
  }

  /** Whether all facts can hold at once, or all but one. */
  satisfiable(without?: Fact): boolean {
    const on = this.#facts.flatMap((fact, at) => (fact === without ? [] : [`fact ${at}`]))
    return this.#clauses.solve(on) !== undefined
  }
}

function boundsOf(facts: readonly Fact[]): Map<PackageId, Map<string, Point>> {
  const points = new Map<PackageId, Map<string, Point>>()
  const note = (id: PackageId, { releases, prereleases }: VersionSet) => {
    const own = points.get(id) ?? new Map<string, Point>()
    points.set(id, own)
    const zero = { major: 0, minor: 0, patch: 0 }
    const ends = [...releases, ...prereleases].flatMap(({ low, high }) => [low, ...(high ? [high] : [])])
    for (const point of [...ends, { ...zero, pre: [] }, { ...zero, pre: [0] }])
      own.set(`${id}@${point.major}.${point.minor}.${point.patch}-${point.pre.join('.')}`, point)
  }
  for (const fact of facts) {
    if (fact.kind === 'root') note(fact.requirement.id, fact.requirement.set)
    else note(fact.id, fact.set)
    if (fact.kind === 'dependency') note(fact.requires.id, fact.requires.set)
  }
  return points
}

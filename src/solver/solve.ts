import { setImmediate } from 'node:timers/promises'
import type { PackageId } from '../version/package-id.ts'
import { showSet } from '../version/show-set.ts'
import type { Version } from '../version/version.ts'
import { intersect, withPrereleases } from '../version/version-set.ts'
import { Candidates, type Claim } from './candidates.ts'
import {
  dependencyIncompatibility,
  type Incompatibility,
  noVersions,
  rootIncompatibility,
  unavailable,
} from './incompatibility.ts'
import { Order } from './order.ts'
import { Propagation } from './propagation.ts'
import type { Provider, Requirement } from './provider.ts'
import type { Solution, SolveCounts, SolveOptions } from './solution.ts'
import type { Term } from './term.ts'

/** Candidates told to the provider at once, at most. */
const ahead = 16

/** Choices between two breaths, so that a signal can arrive although every answer is at hand. */
const breath = 512

/** What was found, or the proof that there is nothing to find. */
export type SolveResult =
  | { readonly solution: Solution }
  | { readonly failure: Incompatibility; readonly counts: SolveCounts }

/**
 * Finds one version of each package so that every requirement is met, by PubGrub: what a conflict teaches
 * is kept, and where nothing fits, it is the proof. The same answers of the provider lead to the same
 * result, in whatever order they arrive. `explain` puts a failure into words.
 * @throws what the provider throws, and the signal's reason
 */
export async function solve(provider: Provider, options: SolveOptions): Promise<SolveResult> {
  return new Search(provider, options).run()
}

class Search {
  readonly #provider: Provider
  readonly #options: SolveOptions
  readonly #state = new Propagation()
  readonly #asked = new Map<PackageId, Promise<Candidates>>()
  readonly #candidates = new Map<PackageId, Candidates>()
  readonly #requires = new Map<string, readonly Requirement[]>()
  readonly #told = new Set<Version>()
  readonly #order: Order
  #choices = 0

  constructor(provider: Provider, options: SolveOptions) {
    this.#provider = provider
    this.#options = options
    this.#order = new Order(this.#state.heat, options.preferred)
  }

  async run(): Promise<SolveResult> {
    const state = this.#state
    for (const root of this.#options.roots)
      state.add(rootIncompatibility({ ...root, ...this.#effective(root) }))
    for (;;) {
      this.#options.signal?.throwIfAborted()
      state.run()
      if (state.failure !== undefined) return { failure: state.failure, counts: this.#counts() }
      const term = await this.#next()
      if (term === undefined) return { solution: this.#solution() }
      await this.#choose(term)
    }
  }

  /** Which package to choose next; undefined when all are chosen. */
  async #next(): Promise<Term | undefined> {
    const open = [...this.#state.solution.open()]
    const asked = open.map(({ id }) => this.#ask(id))
    // Packages that became known together are chosen before those that they brought in: one round of
    // requests for each depth of the graph, and what is required directly gets its best version.
    const foremost = this.#order.foremost(open)
    let ready = foremost.filter(({ id }) => this.#candidates.has(id))
    if (ready.length === 0) {
      // One after the other, so that of several failures it is always the same that is thrown.
      for (const [at, { id }] of open.entries())
        this.#candidates.set(id, await (asked[at] as Promise<Candidates>))
      ready = [...foremost]
    }
    for (const term of ready) this.#announce(term)
    return this.#order.first(ready, ({ id, set }) => this.#known(id).within(set).length)
  }

  /** The more versions of a package had to be tried, the more of them are told at once. */
  #announce({ id, set }: Term): void {
    const { prefetch } = this.#provider
    if (prefetch === undefined) return
    const candidates = this.#known(id)
    const best = this.#best(candidates, id, set)
    if (best === undefined || this.#told.has(best)) return
    const tried = candidates.versions.filter((version) => candidates.claims(version) !== undefined).length
    const rest = candidates.within(set)
    const next = (this.#options.lowest?.(id) === true ? rest : rest.toReversed()).slice(
      0,
      Math.min(tried, ahead),
    )
    const fresh = [...new Set([best, ...next])].filter(
      (version) => !this.#told.has(version) && candidates.claims(version) === undefined,
    )
    for (const version of fresh) this.#told.add(version)
    if (fresh.length > 0) prefetch.call(this.#provider, id, fresh)
  }

  async #choose({ id, set }: Term): Promise<void> {
    const candidates = this.#known(id)
    const version = this.#best(candidates, id, set)
    if (version === undefined) {
      this.#state.add(noVersions(id, candidates.gap(set)))
      return
    }
    this.#choices += 1
    if (this.#choices % breath === 0) await setImmediate()
    if (candidates.claims(version) === undefined) {
      const versions = this.#options.eager === true ? candidates.versions : [version]
      const fresh = await Promise.all(versions.map((one) => this.#learn(id, one)))
      fresh.forEach((claims, at) => {
        candidates.learn(versions[at] as Version, claims)
      })
      for (const one of versions) this.#addClaims(id, one)
    }
    // A version that cannot stand beside what is chosen already is left out without choosing it.
    const incompatibilities = (candidates.claims(version) ?? []).map((claim) => claim.incompatibility)
    const clash = this.#state.clash(id, version, incompatibilities)
    if (clash === undefined) this.#state.choose(id, version)
    else this.#raise(id, clash)
  }

  /**
   * Where a package that takes its lowest version was chosen before all that require it were known, a higher
   * one may do for all: minimal version selection, instead of leaving out who requires more.
   */
  #raise(id: PackageId, { terms }: Incompatibility): void {
    for (const term of terms) {
      if (term.id === id || term.positive || this.#options.lowest?.(term.id) !== true) continue
      const before = this.#state.solution.beforeChoice(term.id)
      if (before === undefined) continue
      const higher = this.#known(term.id).within(intersect(before.known.set, term.set))
      if (higher.length === 0 || !this.#order.wait(term.id, id, true)) continue
      this.#state.takeBack(before.level)
      return
    }
  }

  async #learn(id: PackageId, version: Version): Promise<readonly Claim[]> {
    const answer = await this.#provider.dependencies(id, version)
    if ('unavailable' in answer) return [{ says: answer }]
    this.#requires.set(`${id} ${version.version}`, answer.requires)
    return answer.requires.map((requirement) => ({ says: { requires: this.#effective(requirement) } }))
  }

  /** Neighbours that claim the same share one incompatibility. */
  #addClaims(id: PackageId, version: Version): void {
    const candidates = this.#known(id)
    for (const claim of candidates.claims(version) ?? []) {
      if (claim.incompatibility !== undefined) continue
      const { set, claims } = candidates.run(version, claim)
      const { says } = claim
      if ('requires' in says && this.#options.lowest?.(says.requires.id) === true)
        this.#order.wait(says.requires.id, id)
      const incompatibility =
        'requires' in says
          ? dependencyIncompatibility(id, set, says.requires)
          : unavailable(id, set, says.unavailable)
      if (incompatibility === undefined) continue
      for (const old of new Set(claims.map((one) => one.incompatibility)))
        if (old !== undefined) this.#state.remove(old)
      for (const one of claims) one.incompatibility = incompatibility
      this.#state.add(incompatibility)
    }
  }

  /** A requirement after overrides, and with prereleases where they were asked for. */
  #effective(requirement: Requirement): Requirement {
    const { overrides, prereleases } = this.#options
    const { id } = requirement
    const override = overrides?.get(id)
    const { set, text } = override === undefined ? requirement : { set: override, text: showSet(override) }
    return { id, set: prereleases?.(id) === true ? withPrereleases(set) : set, text }
  }

  #best(candidates: Candidates, id: PackageId, set: Term['set']): Version | undefined {
    const { lowest, preferred } = this.#options
    return candidates.best(set, lowest?.(id) === true, preferred?.get(id))
  }

  /** Asks once which versions a package has; nobody may ever wait for the answer. */
  #ask(id: PackageId): Promise<Candidates> {
    let answer = this.#asked.get(id)
    if (answer === undefined) {
      answer = this.#provider
        .versions(id)
        .then((versions) => new Candidates(versions, this.#provider.missing?.(id)))
      answer.catch(() => {})
      this.#asked.set(id, answer)
    }
    return answer
  }

  #solution(): Solution {
    const chosen = [...this.#state.solution.chosen].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      versions: new Map(chosen),
      requires: new Map(
        chosen.map(([id, version]) => [id, this.#requires.get(`${id} ${version.version}`) ?? []]),
      ),
      counts: this.#counts(),
    }
  }

  #counts(): SolveCounts {
    return { decisions: this.#choices, conflicts: this.#state.conflicts }
  }

  #known(id: PackageId): Candidates {
    return this.#candidates.get(id) as Candidates
  }
}

import type { PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import { exactly } from '../version/version-set.ts'
import { derive, type Incompatibility } from './incompatibility.ts'
import { PartialSolution } from './partial-solution.ts'
import { both, isImpossible, negate, relation, type Term } from './term.ts'

/** The state between two choices: all known incompatibilities, and what follows from them. */
export class Propagation {
  readonly solution = new PartialSolution()
  /** Set once nothing can be a solution any more. */
  failure: Incompatibility | undefined
  conflicts = 0
  /** How often each package was part of a conflict. */
  readonly heat = new Map<PackageId, number>()
  readonly #byId = new Map<PackageId, Incompatibility[]>()
  readonly #changed = new Set<PackageId>()
  /** Those that cannot become a conflict before a choice is taken back, in order, and the level of that choice. */
  readonly #settled = new Set<Incompatibility>()
  readonly #settledAt: { readonly incompatibility: Incompatibility; readonly level: number }[] = []

  add(incompatibility: Incompatibility): void {
    if (incompatibility.terms.length === 0) this.failure ??= incompatibility
    for (const { id } of incompatibility.terms) {
      const own = this.#byId.get(id)
      if (own === undefined) this.#byId.set(id, [incompatibility])
      else own.push(incompatibility)
      this.#changed.add(id)
    }
  }

  /** A wider one says all that this one does: looking at both would only take time. */
  remove(incompatibility: Incompatibility): void {
    for (const { id } of incompatibility.terms) {
      const own = this.#byId.get(id) ?? []
      const at = own.lastIndexOf(incompatibility)
      if (at >= 0) own.splice(at, 1)
    }
  }

  /** Derives all that follows; conflicts on the way are resolved by taking choices back. */
  run(): void {
    for (const id of this.#changed) {
      if (this.failure !== undefined) return
      this.#changed.delete(id)
      const own = this.#byId.get(id) ?? []
      // The newest first: what a conflict taught says most.
      for (let at = own.length - 1; at >= 0; at--) {
        const incompatibility = own[at] as Incompatibility
        if (this.#settled.has(incompatibility)) continue
        if (this.#follow(incompatibility) === 'conflict') {
          this.#resolve(incompatibility)
          break
        }
      }
    }
  }

  choose(...choice: Parameters<PartialSolution['choose']>): void {
    this.solution.choose(...choice)
    this.#changed.add(choice[0])
  }

  /** Which of these would be complete at once if a version was chosen now. */
  clash(
    id: PackageId,
    version: Version,
    incompatibilities: readonly (Incompatibility | undefined)[],
  ): Incompatibility | undefined {
    const chosen: Term = { id, positive: true, set: exactly(version) }
    const found = incompatibilities.find((one) =>
      one?.terms.every(
        (term) => (term.id === id ? relation(chosen, term) : this.solution.relation(term)) === 'satisfied',
      ),
    )
    if (found === undefined) return undefined
    this.#count(found)
    this.#changed.add(id)
    return found
  }

  #count({ terms }: Incompatibility): void {
    this.conflicts += 1
    for (const { id } of terms) this.heat.set(id, (this.heat.get(id) ?? 0) + 1)
  }

  /** Where all terms hold but one, that one cannot. */
  #follow(incompatibility: Incompatibility): 'conflict' | undefined {
    let open: Term | undefined
    for (const term of incompatibility.terms) {
      const known = this.solution.relation(term)
      if (known === 'contradicted') return this.#settle(incompatibility)
      if (known === 'satisfied') continue
      if (open !== undefined) return undefined
      open = term
    }
    if (open === undefined) return 'conflict'
    this.solution.derive(negate(open), incompatibility)
    this.#changed.add(open.id)
    return this.#settle(incompatibility)
  }

  #settle(incompatibility: Incompatibility): undefined {
    this.#settled.add(incompatibility)
    this.#settledAt.push({ incompatibility, level: this.solution.level })
  }

  /** Finds what the conflict comes from, goes back to where that could have been known, and goes on from there. */
  #resolve(conflict: Incompatibility): void {
    this.#count(conflict)
    let learned = conflict
    while (learned.terms.length > 0) {
      const { term, satisfier, rest, earlier } = this.#lastSatisfied(learned)
      if (satisfier.cause === undefined || earlier < satisfier.level) {
        this.takeBack(earlier)
        this.#changed.clear()
        if (learned === conflict) for (const { id } of learned.terms) this.#changed.add(id)
        else this.add(learned)
        return
      }
      const others = [...learned.terms, ...satisfier.cause.terms].filter(({ id }) => id !== term.id)
      learned = derive(learned, satisfier.cause, rest === undefined ? others : [...others, negate(rest)])
    }
    this.failure = learned
  }

  /** The term that came to hold last, by which assignment, and up to which level the others alone held. */
  #lastSatisfied({ terms }: Incompatibility) {
    let last = { term: terms[0] as Term, satisfier: this.solution.satisfier(terms[0] as Term) }
    let earlier = 0
    for (const term of terms.slice(1)) {
      const satisfier = this.solution.satisfier(term)
      earlier = Math.max(earlier, Math.min(satisfier.level, last.satisfier.level))
      if (satisfier.at > last.satisfier.at) last = { term, satisfier }
    }
    // Where the assignment alone does not make the term hold, one before it did its part.
    const rest = both(last.satisfier.term, negate(last.term))
    if (isImpossible(rest)) return { ...last, earlier, rest: undefined }
    return { ...last, earlier: Math.max(earlier, this.solution.satisfier(negate(rest)).level), rest }
  }

  /** Takes back all choices after the first so many. */
  takeBack(level: number): void {
    this.solution.backtrack(level)
    for (let last = this.#settledAt.at(-1); last !== undefined && last.level > level; ) {
      this.#settled.delete(last.incompatibility)
      this.#settledAt.pop()
      last = this.#settledAt.at(-1)
    }
  }
}

import type { PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import { exactly } from '../version/version-set.ts'
import type { Incompatibility } from './incompatibility.ts'
import { both, type Relation, relation, type Term, unknown } from './term.ts'

/** One step towards a solution: a version chosen, or a term that follows from what was known. */
export interface Assignment {
  readonly term: Term
  /** What is known of the package from here on. */
  readonly known: Term
  /** Its place among all assignments. */
  readonly at: number
  /** How many versions had been chosen, this one included. */
  readonly level: number
  /** What it follows from; undefined for a choice. */
  readonly cause: Incompatibility | undefined
}

/** What was chosen and derived so far, in order. */
export class PartialSolution {
  readonly #assignments: Assignment[] = []
  readonly #byId = new Map<PackageId, Assignment[]>()
  readonly #chosen = new Map<PackageId, Version>()

  /** The versions chosen so far. */
  get chosen(): ReadonlyMap<PackageId, Version> {
    return this.#chosen
  }

  get level(): number {
    return this.#chosen.size
  }

  /** What is known of every package that must be chosen and is not. */
  *open(): Generator<Term> {
    for (const [id, assignments] of this.#byId) {
      const known = assignments.at(-1)?.known
      if (known?.positive === true && !this.#chosen.has(id)) yield known
    }
  }

  /** What was known of a package when its version was chosen, and how many choices had been made. */
  beforeChoice(id: PackageId): { readonly known: Term; readonly level: number } | undefined {
    const own = this.#byId.get(id) ?? []
    const at = own.findIndex((one) => one.cause === undefined)
    const [before, choice] = [own[at - 1], own[at]]
    if (before === undefined || choice === undefined) return undefined
    return { known: before.known, level: choice.level - 1 }
  }

  relation(term: Term): Relation {
    return relation(this.#byId.get(term.id)?.at(-1)?.known ?? unknown(term.id), term)
  }

  choose(id: PackageId, version: Version): void {
    this.#chosen.set(id, version)
    this.#assign({ id, positive: true, set: exactly(version) }, undefined)
  }

  derive(term: Term, cause: Incompatibility): void {
    this.#assign(term, cause)
  }

  /** The assignment from which on a term holds; the term must hold. */
  satisfier(term: Term): Assignment {
    const assignments = this.#byId.get(term.id) as readonly Assignment[]
    let [from, to] = [0, assignments.length - 1]
    while (from < to) {
      const middle = (from + to) >> 1
      if (relation((assignments[middle] as Assignment).known, term) === 'satisfied') to = middle
      else from = middle + 1
    }
    return assignments[from] as Assignment
  }

  /** Forgets all that came after that many choices. */
  backtrack(level: number): void {
    for (let last = this.#assignments.at(-1); last !== undefined && last.level > level; ) {
      const { id } = last.term
      const own = this.#byId.get(id) as Assignment[]
      own.pop()
      if (own.length === 0) this.#byId.delete(id)
      if (last.cause === undefined) this.#chosen.delete(id)
      this.#assignments.pop()
      last = this.#assignments.at(-1)
    }
  }

  #assign(term: Term, cause: Incompatibility | undefined): void {
    let own = this.#byId.get(term.id)
    if (own === undefined) {
      own = []
      this.#byId.set(term.id, own)
    }
    const before = own.at(-1)
    const known = before === undefined ? term : both(before.known, term)
    const assignment = { term, known, at: this.#assignments.length, level: this.level, cause }
    own.push(assignment)
    this.#assignments.push(assignment)
  }
}

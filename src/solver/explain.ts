import { type Fact, factsOf } from './facts.ts'
import { hintsFor } from './hints.ts'
import type { Incompatibility } from './incompatibility.ts'
import { type About, Words } from './words.ts'

export interface Explanation {
  /** Sentences, one a line, the last of which says that the requirements cannot be met. */
  readonly text: string
  /** What the failure follows from. */
  readonly facts: readonly Fact[]
  /** What could be done, each a sentence. */
  readonly hints: readonly string[]
}

/** Steps that somebody would read: of a longer proof only the facts are told. */
const longest = 200

/** Facts that are listed where the proof is too long. */
const listed = 50

/** Puts a failure into words: why nothing fits, step by step, and what would help. */
export function explain(failure: Incompatibility, about: About): Explanation {
  const facts = factsOf(failure)
  const words = new Words(about, facts)
  const uses = usesOf(failure)
  const text = uses.size > longest ? list(facts, words) : new Proof(words, uses).write(failure)
  return { text, facts, hints: hintsFor(facts, about) }
}

/** How many steps build on each derived one. */
function usesOf(failure: Incompatibility): ReadonlyMap<Incompatibility, number> {
  const uses = new Map<Incompatibility, number>()
  const waiting = [failure]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.cause.kind !== 'derived') continue
    const before = uses.get(next) ?? 0
    uses.set(next, before + 1)
    if (before === 0) waiting.push(next.cause.other, next.cause.conflict)
  }
  return uses
}

function list(facts: readonly Fact[], words: Words): string {
  const more = facts.length > listed ? [`- and ${facts.length - listed} more`] : []
  const sorted = [...facts].sort((a, b) => words.place(a) - words.place(b))
  const lines = sorted.slice(0, listed).map((fact) => `- ${words.fact(fact)}`)
  return ['Because not all of this can hold:', ...lines, ...more, 'your requirements cannot be met.'].join(
    '\n',
  )
}

/** Two causes of a step: what was derived before, and what is plain fact. */
interface Causes {
  readonly derived: readonly Incompatibility[]
  readonly facts: readonly Fact[]
}

class Proof {
  readonly #words: Words
  readonly #uses: ReadonlyMap<Incompatibility, number>
  readonly #lines: string[] = []
  /** The number of the line that states a step, for steps that later lines refer to. */
  readonly #numbers = new Map<Incompatibility, number>()

  constructor(words: Words, uses: ReadonlyMap<Incompatibility, number>) {
    this.#words = words
    this.#uses = uses
  }

  write(failure: Incompatibility): string {
    if (failure.cause.kind === 'derived') this.#step(failure, true, false)
    else this.#line(failure, `Because ${this.#words.fact(failure.cause)}`, false)
    return this.#lines.join('\n')
  }

  /** Writes the lines that lead to a step, its own the last. */
  #step(step: Incompatibility, last: boolean, cited: boolean): void {
    const { derived, facts } = causesOf(step)
    const numbered = cited || (this.#uses.get(step) ?? 0) > 1
    const next = last ? 'So, because' : 'And because'
    const [first, second] = derived
    const [fact, fellow] = facts
    if (first === undefined) {
      this.#line(step, `Because ${this.#words.both(fact as Fact, fellow as Fact)}`, numbered)
    } else if (second !== undefined) this.#join(step, first, second, next, numbered)
    else if (this.#numbers.has(first))
      this.#line(step, `Because ${this.#cite(first)} and ${this.#words.fact(fact as Fact)}`, numbered)
    else {
      const inner = this.#skipped(first)
      if (inner === undefined) {
        this.#step(first, false, false)
        this.#line(step, `${next} ${this.#words.fact(fact as Fact)}`, numbered)
      } else {
        this.#step(inner.derived, false, false)
        this.#line(step, `${next} ${this.#words.both(inner.fact, fact as Fact)}`, numbered)
      }
    }
  }

  /** A step from two derived ones. */
  #join(
    step: Incompatibility,
    a: Incompatibility,
    b: Incompatibility,
    next: string,
    numbered: boolean,
  ): void {
    if (this.#numbers.has(a) && this.#numbers.has(b)) {
      this.#line(step, `Because ${this.#cite(a)} and ${this.#cite(b)}`, numbered)
      return
    }
    const [told, rest] = this.#numbers.has(a) ? [a, b] : [b, a]
    if (!this.#numbers.has(told)) {
      // The longer way first, so that the other one follows in one line.
      const [long, short] = isShort(a) ? [b, a] : [a, b]
      this.#step(long, false, true)
      if (this.#numbers.has(short)) {
        this.#line(step, `Because ${this.#cite(long)} and ${this.#cite(short)}`, numbered)
        return
      }
      this.#lines.push('')
      this.#step(short, false, false)
      this.#line(step, `${next} ${this.#cite(long)}`, numbered)
      return
    }
    this.#step(rest, false, false)
    this.#line(step, `${next} ${this.#cite(told)}`, numbered)
  }

  /** A step between two facts that nobody else refers to goes without saying. */
  #skipped(step: Incompatibility) {
    if ((this.#uses.get(step) ?? 0) > 1) return undefined
    const { derived, facts } = causesOf(step)
    const [inner, fact] = [derived[0], facts[0]]
    if (inner === undefined || fact === undefined || this.#numbers.has(inner)) return undefined
    return { derived: inner, fact }
  }

  #cite(step: Incompatibility): string {
    return `${this.#words.conclusion(step)} (${this.#numbers.get(step)})`
  }

  #line(step: Incompatibility, because: string, numbered: boolean): void {
    const line = `${because}, ${this.#words.conclusion(step)}.`
    if (numbered) this.#numbers.set(step, this.#numbers.size + 1)
    this.#lines.push(numbered ? `${line} (${this.#numbers.size})` : line)
  }
}

function causesOf({ cause }: Incompatibility): Causes {
  if (cause.kind !== 'derived') return { derived: [], facts: [cause] }
  const both = [cause.conflict, cause.other]
  return {
    derived: both.filter((one) => one.cause.kind === 'derived'),
    facts: both.flatMap((one) => (one.cause.kind === 'derived' ? [] : [one.cause])),
  }
}

/** Follows from two facts. */
function isShort(step: Incompatibility): boolean {
  return causesOf(step).derived.length === 0
}

/** Something that goes wrong with the requests it matches. */
export interface Fault {
  readonly method?: string
  /** Matched against the path; requests to the storage that blobs redirect to begin with `storage/`. */
  readonly path?: RegExp
  /** Matching requests to let pass first. */
  readonly after?: number
  /** How many requests it strikes; default 1. */
  readonly times?: number
  /** Answers this status instead of doing anything. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Does the work, then breaks the connection instead of answering. */
  readonly loseAnswer?: boolean
  /** Breaks the connection after this many bytes of the request's body; 0: before reading any. */
  readonly resetAfter?: number
  /** Breaks the connection after this many bytes of the answer's body. */
  readonly truncate?: number
  /** Flips a byte of the answer's body. */
  readonly corrupt?: boolean
  /** Milliseconds before the request is looked at. */
  readonly delay?: number
}

export class Faults {
  readonly #faults: { readonly fault: Fault; passed: number; struck: number }[] = []

  add(fault: Fault): void {
    this.#faults.push({ fault, passed: 0, struck: 0 })
  }

  clear(): void {
    this.#faults.length = 0
  }

  /** The fault that strikes this request, counting it. */
  strike(method: string, path: string): Fault | undefined {
    for (const one of this.#faults) {
      const { fault } = one
      if (fault.method !== undefined && fault.method !== method) continue
      if (fault.path !== undefined && !fault.path.test(path)) continue
      if (one.passed < (fault.after ?? 0)) {
        one.passed++
        continue
      }
      if (one.struck >= (fault.times ?? 1)) continue
      one.struck++
      return fault
    }
    return undefined
  }
}

/** Runs one piece of work per key at a time; later callers share the running one's result. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>()

  run(key: string, work: () => Promise<T>): { readonly first: boolean; readonly result: Promise<T> } {
    const running = this.#running.get(key)
    if (running !== undefined) return { first: false, result: running }
    const result = work().finally(() => this.#running.delete(key))
    this.#running.set(key, result)
    return { first: true, result }
  }
}

/** Runs work under one key strictly one after the other. */
export class Serial {
  readonly #tails = new Map<string, Promise<unknown>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const result = before.then(work, work)
    const tail = result
      .catch(() => {})
      .then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key)
      })
    this.#tails.set(key, tail)
    return result
  }
}

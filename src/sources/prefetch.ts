/** Work waiting to be started; what is older than this many was not wanted soon after all. */
const mostWaiting = 256

/**
 * Work done ahead of being asked for, the newest batch first and each batch in its order. It only warms what
 * remembers answers: who asks for the same meanwhile does not wait in this queue, and failures are not told.
 */
export class Prefetch {
  readonly #limit: number
  readonly #running = new Set<Promise<void>>()
  #waiting: (() => Promise<unknown>)[] = []
  #stopped = false

  constructor(limit: number) {
    this.#limit = limit
  }

  add(batch: readonly (() => Promise<unknown>)[]): void {
    this.#waiting = [...batch, ...this.#waiting].slice(0, mostWaiting)
    this.#fill()
  }

  /** Starts nothing more and waits for what runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }

  #fill(): void {
    while (!this.#stopped && this.#running.size < this.#limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      const running: Promise<void> = next()
        .then(
          () => {},
          () => {},
        )
        .then(() => {
          this.#running.delete(running)
          this.#fill()
        })
      this.#running.add(running)
    }
  }
}

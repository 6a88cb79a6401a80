/** A bounded number of places, given to those who wait in the order they came. */
export class Lane {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(width: number) {
    this.#free = Math.max(1, width)
  }

  /** Resolves to a function that gives the place back (once, however often it is called). */
  enter(signal?: AbortSignal): Promise<() => void> | (() => void) {
    if (this.#free > 0) {
      this.#free--
      return this.#place()
    }
    return new Promise((resolve, reject) => {
      const next = () => {
        signal?.removeEventListener('abort', stop)
        resolve(this.#place())
      }
      const stop = () => {
        this.#waiting.delete(next)
        reject(signal?.reason)
      }
      this.#waiting.add(next)
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  #place(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      const [next] = this.#waiting
      if (next === undefined) this.#free++
      else {
        this.#waiting.delete(next)
        next()
      }
    }
  }
}

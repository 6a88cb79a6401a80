import type { Clock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'

/** Who may start a request to a host when: pauses the host asked for, and requests per second. */
export class Pace {
  readonly #endpoint: string
  readonly #clock: Clock
  /** Milliseconds between two requests. */
  readonly #interval: number
  #pausedUntil = 0
  #nextSlot = 0

  constructor(endpoint: string, clock: Clock, requestsPerSecond: number | undefined) {
    this.#endpoint = endpoint
    this.#clock = clock
    this.#interval = requestsPerSecond === undefined || requestsPerSecond <= 0 ? 0 : 1000 / requestsPerSecond
  }

  /** No request to this host starts within the next `ms` milliseconds. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms)
  }

  /** Whether a request can start without waiting; takes its turn if so. */
  tryStart(): boolean {
    const now = this.#clock.now()
    if (now < this.#pausedUntil || now < this.#nextSlot) return false
    if (this.#interval > 0) this.#nextSlot = now + this.#interval
    return true
  }

  /**
   * Waits until a request may start. `deadline` is a time in milliseconds since 1970.
   * @throws DEADLINE_EXCEEDED at once, when the host's pause outlasts it
   */
  async start(deadline: number, signal?: AbortSignal): Promise<void> {
    for (let pause = this.#pauseLeft(deadline); pause > 0; pause = this.#pauseLeft(deadline))
      // Those who waited together do not come back in one instant.
      await this.#clock.sleep(pause + this.#clock.random() * Math.min(pause / 4, 1000), signal)
    if (this.#interval === 0) return
    const now = this.#clock.now()
    const slot = Math.max(now, this.#nextSlot)
    this.#nextSlot = slot + this.#interval
    if (slot > now) await this.#clock.sleep(slot - now, signal)
  }

  #pauseLeft(deadline: number): number {
    if (this.#pausedUntil > deadline && this.#pausedUntil > this.#clock.now())
      throw new SlipwayError(
        'DEADLINE_EXCEEDED',
        `${this.#endpoint} asks to wait until ${new Date(this.#pausedUntil).toISOString()}, which is later than the deadline of this request`,
        { hint: 'Run again after that time, or allow more time with --deadline.' },
      )
    return this.#pausedUntil - this.#clock.now()
  }
}

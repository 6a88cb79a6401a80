import { SingleFlight } from '../core/single-flight.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Call } from './store.ts'

/**
 * One piece of work per content at a time. Who comes second waits and is told so; where the first one failed
 * the next tries with its own bytes and its own signal, so that one caller's failure is not everybody's.
 */
export class Pushes {
  readonly #running = new SingleFlight<unknown>()

  /**
   * Runs `work`, unless the same content is being worked on and that succeeds.
   * @returns the work's result, or undefined when another caller's work succeeded instead
   */
  async run<T>(
    content: Descriptor,
    call: Call | undefined,
    work: () => Promise<T>,
    scope = '',
  ): Promise<T | undefined> {
    // The size is part of the key: a wrong one must fail by itself, not share a right one's success.
    const key = `${scope}|${content.digest}|${content.size}`
    for (;;) {
      call?.signal?.throwIfAborted()
      let own: Promise<T> | undefined
      const flight = this.#running.run(key, () => {
        own = work()
        return own
      })
      if (flight.first) {
        await flight.result
        return own
      }
      const succeeded = flight.result.then(
        () => true,
        () => false,
      )
      if (await orAborted(succeeded, call?.signal)) return undefined
    }
  }
}

/** Stops waiting, not the work itself, when the signal fires. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

import pLimit from 'p-limit'
import { Serial } from '../core/single-flight.ts'
import type { Turn } from '../store/copy.ts'

/** Bytes; from here on a blob may hold a connection for long. */
const large = 1024 * 1024
/** Bytes; from here on a registry is asked to take a blob over from a neighbour instead of receiving it again. */
const worthMounting = 64 * 1024

/**
 * What all repositories of a run share. Requests in flight to a host are the transport's business; here large
 * blobs are kept to half of them, so that small ones and manifests always find a way past.
 */
export class Budget {
  /** Of one host. */
  readonly concurrency: number
  /** Tags under way: both hosts of a copy are kept busy. */
  readonly tags: ReturnType<typeof pLimit>
  readonly #large: ReturnType<typeof pLimit>
  readonly #serials = new Map<string, Serial>()

  constructor(concurrency: number) {
    this.concurrency = concurrency
    this.tags = pLimit(concurrency * 2)
    this.#large = pLimit(Math.max(1, Math.floor(concurrency / 2)))
  }

  /**
   * Turns among the blobs on their way to one registry: one blob comes there by one repository at a time, so
   * that the others can mount it.
   */
  turnAt(registry: string): Turn {
    const serial = this.#serials.get(registry) ?? new Serial()
    this.#serials.set(registry, serial)
    return (content, work) => {
      if (content.size < worthMounting) return work()
      const paced = content.size < large ? work : () => this.#large(work)
      return serial.run(content.digest, paced)
    }
  }
}

import { mapConcurrent } from '../core/concurrent.ts'
import { type Place, showAddress } from '../store/address.ts'
import type { Registry, Store } from '../store/store.ts'
import type { Budget } from './budget.ts'
import type { Job } from './jobs.ts'
import { failedRepository, mirrorFailure, type RepositoryOutcome } from './outcome.ts'
import { RepositoryMirror } from './repository.ts'
import { verifyRepository } from './verify.ts'

export interface RunOptions {
  readonly open: (place: Place) => Promise<Registry>
  readonly budget: Budget
  readonly signal: AbortSignal
  /** Compare and write nothing. */
  readonly verify: boolean
  /** Milliseconds since some moment. */
  readonly now: () => number
  /** Told of each repository when it is done. */
  readonly done?: (outcome: RepositoryOutcome) => void
}

/** Brings or compares every repository; what fails in one of them stops none of the others. */
export async function runJobs(jobs: readonly Job[], options: RunOptions): Promise<RepositoryOutcome[]> {
  const counter = new Requests()
  // A repository waits for answers most of the time.
  return await mapConcurrent(jobs, options.budget.concurrency * 2, async (job) => {
    const outcome = await runJob(job, options, counter)
    options.done?.(outcome)
    return outcome
  })
}

async function runJob(job: Job, options: RunOptions, counter: Requests): Promise<RepositoryOutcome> {
  const start = options.now()
  const head = { mirror: job.rule.name, source: showAddress(job.from), target: showAddress(job.to) }
  let stores: readonly Store[] = []
  try {
    const [source, target] = [await options.open(job.from), await options.open(job.to)]
    const from = source.repository(job.from.repository)
    const to = target.repository(job.to.repository)
    stores = [from, to]
    counter.start(stores)
    const { budget, signal } = options
    const sides = { from, to, budget, signal, registry: target.name }
    const result = options.verify
      ? await verifyRepository(job, sides)
      : await new RepositoryMirror(job, sides).run()
    return { ...head, ...result, requests: counter.take(stores), milliseconds: options.now() - start }
  } catch (error) {
    if (options.signal.aborted) throw error
    return failedRepository(head, mirrorFailure(error), {
      tags: job.tags.length,
      requests: counter.take(stores),
      milliseconds: options.now() - start,
    })
  }
}

/** Requests of stores that several jobs use at once: each is counted once, for the job that ends first. */
class Requests {
  readonly #counted = new Map<Store, number>()

  start(stores: readonly Store[]): void {
    for (const one of stores) if (!this.#counted.has(one)) this.#counted.set(one, one.requests?.() ?? 0)
  }

  take(stores: readonly Store[]): number {
    let sum = 0
    for (const one of stores) {
      const now = one.requests?.() ?? 0
      sum += now - (this.#counted.get(one) ?? now)
      this.#counted.set(one, now)
    }
    return sum
  }
}

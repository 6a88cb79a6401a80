import { mapConcurrent } from '../core/concurrent.ts'
import type { Registry } from '../store/store.ts'
import { runTests, type TestOptions } from './extension-tests.ts'
import { type Packed, type PackInput, type PackOptions, pack } from './pack.ts'

/** One package to test and pack, and the repository it is staged in. */
export interface PackJob extends PackInput {
  readonly repository: string
}

export interface PackAllOptions extends PackOptions {
  /** Undefined: the tests do not run. */
  readonly tests: TestOptions | undefined
  readonly concurrency: number
  readonly onTest?: (job: PackJob) => void
  readonly onPacked?: (job: PackJob, packed: Packed) => void
}

export interface PackedJob<Job extends PackJob = PackJob> {
  readonly job: Job
  readonly packed: Packed
  /** Whether its own tests ran; undefined where it has none or they were skipped. */
  readonly tested: true | undefined
}

/**
 * Tests every package, then packs every package into one stage. All tests come first: one that fails
 * publishes nothing.
 * @throws what runTests and pack throw
 */
export async function packAll<Job extends PackJob>(
  jobs: readonly Job[],
  stage: Registry,
  options: PackAllOptions,
): Promise<PackedJob<Job>[]> {
  const { tests, concurrency, onTest, onPacked, ...packing } = options
  const tested = await mapConcurrent(jobs, concurrency, async (job) => {
    if (tests === undefined) return undefined
    onTest?.(job)
    return (await runTests(job.name, job.tree, tests)) ? true : undefined
  })
  return await mapConcurrent(jobs, concurrency, async (job, index) => {
    const packed = await pack(job, stage.repository(job.repository), packing)
    onPacked?.(job, packed)
    return { job, packed, tested: tested[index] }
  })
}

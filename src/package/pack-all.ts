import { mapConcurrent } from '../core/concurrent.ts'
import { hasCode, SlipwayError } from '../core/error.ts'
import type { Registry } from '../store/store.ts'
import { runTests, type TestOptions } from './extension-tests.ts'
import { type Packed, type PackInput, type PackOptions, pack } from './pack.ts'
import { packKcl } from './pack-kcl.ts'

/** One package to test and pack, and the repository it is staged in. */
export interface PackJob extends PackInput {
  readonly repository: string
}

export interface PackAllOptions<Job extends PackJob = PackJob> extends PackOptions {
  /** Undefined: the tests do not run. */
  readonly tests: TestOptions | undefined
  readonly concurrency: number
  readonly onTest?: (job: Job) => void
  readonly onPacked?: (job: Job, packed: Packed) => void
  /**
   * Takes what a package itself does wrong, instead of stopping at it; the package is then left out. What is
   * wrong with the machine is thrown all the same.
   */
  readonly onFailed?: (job: Job, error: SlipwayError) => void
}

export interface PackedJob<Job extends PackJob = PackJob> {
  readonly job: Job
  readonly packed: Packed
  /** Whether its own tests ran; undefined where it has none or they were skipped. */
  readonly tested: true | undefined
}

/**
 * Tests every package, then packs every package into one stage. All tests come first: one that fails
 * publishes nothing, unless `onFailed` takes it.
 * @throws what runTests and pack throw
 */
export async function packAll<Job extends PackJob>(
  jobs: readonly Job[],
  stage: Registry,
  options: PackAllOptions<Job>,
): Promise<PackedJob<Job>[]> {
  const { tests, concurrency, onTest, onPacked, onFailed, ...packing } = options
  const tested = await mapConcurrent(jobs, concurrency, (job) =>
    attempt(job, async () => {
      // The tests of an extension speak of its scripts: a KCL package has none.
      if (tests === undefined || job.kind === 'kcl') return { job, tested: undefined }
      onTest?.(job)
      return { job, tested: (await runTests(job.name, job.tree, tests)) ? (true as const) : undefined }
    }),
  )
  const packed = await mapConcurrent(tested.flat(), concurrency, ({ job, tested }) =>
    attempt(job, async () => {
      const packAs = job.kind === 'kcl' ? packKcl : pack
      const packed = await packAs(job, stage.repository(job.repository), packing)
      onPacked?.(job, packed)
      return { job, packed, tested }
    }),
  )
  return packed.flat()

  /** Nothing instead of a result where the package is left out. */
  async function attempt<R>(job: Job, work: () => Promise<R>): Promise<R[]> {
    try {
      return [await work()]
    } catch (error) {
      if (onFailed === undefined || !isOwnFault(error)) throw error
      onFailed(job, error)
      return []
    }
  }
}

/** Whether an error tells of a package rather than of the machine that packs it. */
function isOwnFault(error: unknown): error is SlipwayError {
  return (
    hasCode(error, 'TESTS_FAILED', 'TESTS_TIMED_OUT') || (error instanceof SlipwayError && error.exit === 2)
  )
}

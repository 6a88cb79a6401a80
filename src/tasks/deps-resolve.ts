import { waves } from '../core/waves.ts'
import { type Change, compareLocks, refuseReplaced } from '../lockfile/changes.ts'
import { saveLock } from '../lockfile/file.ts'
import { graphText } from '../lockfile/graph.ts'
import type { Lock } from '../lockfile/lock.ts'
import { needsOf } from '../lockfile/tree.ts'
import type { PackageId } from '../version/package-id.ts'
import type { Context } from './context.ts'
import {
  frozenLock,
  type ResolutionCounts,
  type ResolutionOptions,
  resolveDependencies,
} from './resolution.ts'

export { showChanges } from '../lockfile/changes.ts'
export { lockName } from '../lockfile/file.ts'

export interface DepsResolveOptions extends ResolutionOptions {
  /** Take the lock as it is, or refuse. */
  readonly frozen: boolean
  /** Do not write the lock. */
  readonly dryRun: boolean
}

export interface DepsResolveResult {
  readonly lock: Lock
  readonly changes: readonly Change[]
  /** Whether the lock was written: not in a dry run, and not where it says the same already. */
  readonly written: boolean
  /** Every package after all it needs. */
  readonly order: readonly PackageId[]
  /** The same in waves: what is in one wave can be installed or published at once. */
  readonly waves: readonly (readonly PackageId[])[]
  /** The graph as a Mermaid flowchart. */
  readonly mermaid: string
  readonly counts: ResolutionCounts
}

/**
 * Solves the dependencies and writes `slipway.lock`; versions that are locked already stay where they fit.
 * @throws UNSATISFIABLE, DEPENDENCY_CYCLE, LOCK_MISSING, LOCK_OUT_OF_DATE, LOCK_INVALID,
 *   LOCKED_CONTENT_CHANGED
 */
export async function depsResolve(options: DepsResolveOptions, context: Context): Promise<DepsResolveResult> {
  if (options.frozen) {
    const lock = await frozenLock(options, context)
    return result(lock, [], { requests: 0, hits: 0, decisions: 0, conflicts: 0 })
  }
  const { lock, before, counts } = await resolveDependencies(options, context)
  const changes = compareLocks(before, lock)
  refuseReplaced(changes)
  const done = result(lock, changes, counts)
  return options.dryRun ? done : { ...done, written: await saveLock(options.directory, lock) }

  function result(lock: Lock, changes: readonly Change[], counts: ResolutionCounts): DepsResolveResult {
    const inWaves = waves(
      lock.packages.map((one) => one.id),
      needsOf(lock),
    )
    return {
      lock,
      changes,
      written: false,
      order: inWaves.flat(),
      waves: inWaves,
      mermaid: graphText(lock, 'mermaid'),
      counts,
    }
  }
}

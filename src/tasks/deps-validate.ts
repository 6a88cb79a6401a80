import { hasCode, refused, SlipwayError } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import { silent } from '../core/report.ts'
import { compareLocks, showChanges } from '../lockfile/changes.ts'
import { lockName } from '../lockfile/file.ts'
import type { PackageGraph } from '../release/graph.ts'
import { factsOfError } from '../sources/resolve.ts'
import { core, type PackageId } from '../version/package-id.ts'
import type { Context } from './context.ts'
import {
  frozenLock,
  type ResolutionCounts,
  type ResolutionOptions,
  resolveDependencies,
} from './resolution.ts'

export interface DepsValidateResult {
  /** Packages that go together. */
  readonly packages: number
  /** Whether there is a lock; then it is what is required, and what it holds is still there. */
  readonly locked: boolean
  readonly counts: ResolutionCounts
}

/**
 * Whether what is required can be had: one version of each package that fits, in an order without cycles; and
 * whether the lock, where there is one, is what is required now and what sources still hold. Writes nothing.
 * @throws UNSATISFIABLE, DEPENDENCY_CYCLE, LOCK_OUT_OF_DATE, LOCK_STALE, LOCK_INVALID
 */
export async function depsValidate(
  options: ResolutionOptions,
  context: Context,
): Promise<DepsValidateResult> {
  const { lock, before, counts } = await resolveDependencies(options, context)
  if (before !== undefined) {
    await frozenLock(options, context)
    const changes = showChanges(compareLocks(before, lock))
    if (changes.length > 0)
      throw refused('LOCK_STALE', `${lockName} is not what sources hold:\n  ${changes.join('\n  ')}`, {
        hint: 'Something that was locked is gone, retracted or has other content: find out why, then run slipway deps resolve.',
      })
  }
  return { packages: lock.packages.length, locked: before !== undefined, counts }
}

/**
 * The same for a check that tells everything at its line: a graph that cannot be solved is a finding where the
 * first requirement of it is written that the check is about; a warning where it is about none of them, or where
 * what is missing is a KCL package that no source has.
 */
export async function unsolvable(
  options: ResolutionOptions,
  context: Context,
  { graph, ids }: { readonly graph: PackageGraph; readonly ids: ReadonlySet<PackageId> },
): Promise<Finding[]> {
  const known = ({ to }: { readonly to: PackageId }) => to === core || graph.nodes.has(to)
  const closed = [...graph.nodes.values()].every(({ dependencies }) => dependencies.every(known))
  // Without anything published to look at, what is needed from elsewhere would only seem to be missing.
  if (options.sources.length === 0 && !closed) return []
  try {
    // A check of a pull request says nothing of the core's version each time.
    await resolveDependencies({ ...options, unlock: 'all' }, { ...context, report: silent })
    return []
  } catch (error) {
    const facts = factsOfError(error)
    if (!(error instanceof SlipwayError)) throw error
    const { code, message, hint, side } = error
    // Told by the check already: broken files, cycles, and sources that cannot be asked.
    if (side === 'source' || hasCode(error, 'FINDINGS', 'DEPENDENCY_CYCLE')) return []
    if (facts === undefined) throw error
    const written = facts.flatMap((fact) => {
      if (fact.kind !== 'dependency') return []
      const found = graph.nodes.get(fact.id)?.dependencies.find(({ to }) => to === fact.requires.id)
      return found === undefined ? [] : [found]
    })
    const own = written.find(({ from }) => ids.has(from))
    const [first = own] = written
    return [
      {
        code,
        level: own === undefined ? 'warning' : 'error',
        // One line, as editors and annotations take it.
        message: message.replaceAll('\n', ' '),
        place: (own ?? first)?.place ?? { file: 'slipway.lock' },
        ...(hint === undefined ? {} : { hint }),
      },
    ]
  }
}

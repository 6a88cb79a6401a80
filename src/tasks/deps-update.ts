import { badInput, refused } from '../core/error.ts'
import { type Change, compareLocks, refuseReplaced } from '../lockfile/changes.ts'
import { loadLock, lockName, saveLock } from '../lockfile/file.ts'
import { lockedId } from '../lockfile/find.ts'
import { needsOf } from '../lockfile/tree.ts'
import type { PackageId } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import type { Context } from './context.ts'
import { type ResolutionOptions, resolveDependencies, type Unlocking } from './resolution.ts'

export interface DepsUpdateOptions extends ResolutionOptions {
  /** One package; undefined: all of them. */
  readonly name?: string
  /** The very version it is to get. */
  readonly precise?: string
  /** What it needs may move too, all the way down. */
  readonly recursive: boolean
  readonly dryRun: boolean
}

export interface DepsUpdateResult {
  readonly changes: readonly Change[]
  readonly written: boolean
}

/**
 * Moves locked packages to the highest versions that fit; without a name, all of them. Other content under a
 * version that stays is taken of the named package alone.
 * @throws UNSATISFIABLE, LOCKED_CONTENT_CHANGED, PACKAGE_NOT_LOCKED, PRECISE_NEEDS_NAME, VERSION_INVALID
 */
export async function depsUpdate(options: DepsUpdateOptions, context: Context): Promise<DepsUpdateResult> {
  const { name, precise, recursive, dryRun, ...solving } = options
  if (precise !== undefined && name === undefined)
    throw badInput('PRECISE_NEEDS_NAME', '--precise says which version, but no package is named', {
      hint: 'Write slipway deps update NAME --precise VERSION.',
    })
  const version = precise === undefined ? undefined : parseVersion(precise)
  const before = await loadLock(options.directory)
  if (name === undefined) return await done({ unlock: 'all' }, [])
  if (before === undefined)
    throw refused('LOCK_MISSING', `There is no ${lockName} to update one package of`, {
      hint: 'Run slipway deps resolve first.',
    })
  const id = lockedId(before, name)
  const unlock = recursive ? below(id, needsOf(before)) : [id]
  return await done({ unlock, ...(version === undefined ? {} : { precise: { id, version } }) }, [id])

  async function done(unlocking: Unlocking, asked: readonly PackageId[]): Promise<DepsUpdateResult> {
    const { lock } = await resolveDependencies({ ...solving, ...unlocking }, context)
    const changes = compareLocks(before, lock)
    refuseReplaced(changes, asked)
    const written = dryRun ? false : await saveLock(options.directory, lock)
    return { changes, written }
  }
}

function below(id: PackageId, needs: (id: PackageId) => readonly PackageId[]): PackageId[] {
  const found = new Set([id])
  for (const one of found) for (const next of needs(one)) found.add(next)
  return [...found]
}

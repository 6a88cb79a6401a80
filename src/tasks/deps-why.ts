import { lockedId } from '../lockfile/find.ts'
import { type Way, waysTo } from '../lockfile/tree.ts'
import type { PackageId } from '../version/package-id.ts'
import type { Context } from './context.ts'
import { currentLock, type ResolutionOptions } from './resolution.ts'

export interface DepsWhyResult {
  readonly id: PackageId
  readonly version: string
  /** One shortest way from each root that needs it. */
  readonly ways: readonly Way[]
}

/** Why a package is in the solution. @throws PACKAGE_NOT_LOCKED, UNSATISFIABLE */
export async function depsWhy(
  options: ResolutionOptions & { readonly name: string },
  context: Context,
): Promise<DepsWhyResult> {
  const lock = await currentLock(options, context)
  const id = lockedId(lock, options.name)
  const version = lock.packages.find((one) => one.id === id)?.version ?? ''
  return { id, version, ways: waysTo(lock, id) }
}

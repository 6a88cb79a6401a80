import { lockedId } from '../lockfile/find.ts'
import { type TreeNode, treeOf } from '../lockfile/tree.ts'
import type { Context } from './context.ts'
import { currentLock, type ResolutionOptions } from './resolution.ts'

export interface DepsTreeOptions extends ResolutionOptions {
  /** Package to start from: `kubernetes`, `kcl:network`; undefined: everything that is asked for. */
  readonly name?: string
  /** Who needs it instead of what it needs. */
  readonly invert: boolean
  /** Levels below the top. */
  readonly depth?: number
}

export interface DepsTreeResult {
  readonly tree: readonly TreeNode[]
}

/**
 * The solution as a tree: from the lock where it is up to date, else solved without writing it.
 * @throws PACKAGE_NOT_LOCKED, UNSATISFIABLE
 */
export async function depsTree(options: DepsTreeOptions, context: Context): Promise<DepsTreeResult> {
  const lock = await currentLock(options, context)
  const of = options.name === undefined ? {} : { of: [lockedId(lock, options.name)] }
  const depth = options.depth === undefined ? {} : { depth: options.depth }
  return { tree: treeOf(lock, { ...of, ...depth, invert: options.invert }) }
}

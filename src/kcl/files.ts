import type { Tree, TreeFile } from '../tree/tree.ts'
import type { KclMod } from './mod.ts'
import { kclPattern } from './pattern.ts'
import { compareWalk, isPassedOver } from './sum.ts'

/** What makes a folder a KCL package. */
export const modFile = 'kcl.mod'

/**
 * Which files of a folder kpm packs, in the order in which it does: all but what kpm passes over, what
 * `exclude` matches and, where there is an `include`, what that does not match.
 */
export async function kclFiles(tree: Tree, mod: Pick<KclMod, 'include' | 'exclude'>): Promise<TreeFile[]> {
  const [include, exclude] = [matcher(mod.include), matcher(mod.exclude)]
  const files: TreeFile[] = []
  for await (const file of tree.files()) {
    const { path } = file
    if (isPassedOver(path) || exclude(path)) continue
    if (mod.include.length === 0 || include(path)) files.push(file)
  }
  return files.sort((a, b) => compareWalk(a.path, b.path))
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const all = patterns.map((text) => kclPattern(text))
  return (path) => all.some((matches) => matches?.(path))
}

import { SlipwayError } from '../core/error.ts'
import { modFile } from '../kcl/files.ts'
import { readKclMod } from '../kcl/mod.ts'
import { kclSum } from '../kcl/sum.ts'
import { readText } from '../tree/text.ts'
import type { Tree } from '../tree/tree.ts'

/**
 * Compares an unpacked KCL package with the sum on its manifest.
 * @param where for messages: the reference
 * @returns why the two cannot be compared, as a sentence; undefined where they agree
 * @throws KCL_SUM_MISMATCH
 */
export async function compareKclSum(tree: Tree, sum: string, where: string): Promise<string | undefined> {
  const files = await Array.fromAsync(tree.files())
  const actual = await kclSum(files)
  if (actual === sum) return undefined
  // kpm sums the folder it packs from, and leaves files out or adds dependencies only then.
  const { mod } = readKclMod((await readText(tree, modFile)) ?? '', modFile)
  if (mod !== undefined && mod.include.length + mod.exclude.length > 0)
    return `${where}: its sum is of files that include and exclude of kcl.mod left out`
  if (files.some(({ path }) => path.startsWith('vendor/')))
    return `${where}: its sum does not count the dependencies in vendor/`
  throw new SlipwayError(
    'KCL_SUM_MISMATCH',
    `${where} has other contents than its manifest says: their sum is ${actual}, not ${JSON.stringify(sum.slice(0, 100))}`,
    { hint: 'Clients of KCL refuse such a package. Publish it again under a new version.' },
  )
}

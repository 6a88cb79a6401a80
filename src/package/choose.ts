import ignore from 'ignore'
import { badInput } from '../core/error.ts'
import { readText } from '../tree/text.ts'
import type { Tree, TreeFile } from '../tree/tree.ts'

/** Names what stays out of a package, in gitignore's grammar; stays out itself. */
export const ignoreFile = '.slipwayignore'
/** Generated at the root of every archive. */
export const listingFile = 'oci-manifest.json'
const manifestFile = 'manifest.yaml'

/** Most files in one package: what Slipway's own reader unpacks by default. */
const mostFiles = 100_000

/**
 * Which files of a folder go into its package: all but `.git`, `.slipway/` at its root, and what
 * `.slipwayignore` at its root names. Case matters, on every system.
 * @throws PACKAGE_MANIFEST_IGNORED, PACKAGE_NAME_RESERVED, PACKAGE_EMPTY, PACKAGE_TOO_MANY_FILES
 */
export async function chooseFiles(tree: Tree): Promise<TreeFile[]> {
  const rules = await readText(tree, ignoreFile)
  const ignored = ignore({ ignorecase: false, allowRelativePaths: true }).add(rules ?? '')
  const chosen: TreeFile[] = []
  for await (const file of tree.files()) {
    const { path } = file
    if (path === ignoreFile || path.startsWith('.slipway/') || path.split('/').includes('.git')) continue
    const skip = ignored.ignores(path)
    if (skip && path === manifestFile)
      throw badInput('PACKAGE_MANIFEST_IGNORED', `${tree.name}: ${ignoreFile} names ${manifestFile}`, {
        hint: `A package without ${manifestFile} cannot be read; add the line !/${manifestFile}.`,
      })
    if (skip) continue
    if (path.toLowerCase() === listingFile)
      throw badInput('PACKAGE_NAME_RESERVED', `${tree.name}: ${path} is the name of a generated file`, {
        hint: `Rename it, or name it in ${ignoreFile}.`,
      })
    chosen.push(file)
    if (chosen.length > mostFiles)
      throw badInput('PACKAGE_TOO_MANY_FILES', `${tree.name} has more than ${mostFiles} files`, {
        hint: `Name what does not belong into the package in ${ignoreFile}.`,
      })
  }
  if (chosen.length === 0)
    throw badInput('PACKAGE_EMPTY', `${tree.name} has no files to pack`, { hint: 'Check the folder.' })
  return chosen
}

import { badInput, type SlipwayError } from '../core/error.ts'
import { showPlace } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import type { Kind } from '../extension/kinds.ts'
import { readManifest } from '../extension/manifest.ts'
import { largestYaml } from '../extension/yaml.ts'
import { largestToml } from '../kcl/toml.ts'
import { withKclMod } from '../release/kcl-mods.ts'
import type { Call } from '../store/store.ts'
import { readTar } from '../tarball/read.ts'
import { memoryTree } from '../tree/memory.ts'
import { readBytes } from '../tree/text.ts'
import type { Tree } from '../tree/tree.ts'
import { isKcl, nameOf, type PackageId } from '../version/package-id.ts'
import { describedBy, faultsOf } from './described.ts'
import type { Candidate } from './source.ts'

/** Files that tell what a package is and needs, and how many bytes of each are read. */
const described: Readonly<Record<string, number>> = {
  'manifest.yaml': largestYaml,
  'kcl.mod': largestToml,
  'kcl/kcl.mod': largestToml,
}

/**
 * The candidate that an archive of a package's own files makes, read from the files that describe it.
 * @param place its name in messages, and its source
 * @throws SOURCE_UNUSABLE where it is no such package, ARCHIVE_*
 */
export async function packedPackage(
  archive: AsyncIterable<Uint8Array>,
  id: PackageId,
  { name, source }: { readonly name: string; readonly source: string },
  call?: Call,
): Promise<Candidate> {
  const tree = memoryTree(await descriptions(archive, name, call), { name })
  const packed = { kind: isKcl(id) ? 'kcl' : await kindIn(tree), name: nameOf(id), folder: '' } as const
  const { checked, dependencies } = await withKclMod(tree, await checkPackage(tree, packed))
  const found = describedBy(id, checked, dependencies, source)
  if (found === undefined) throw undescribed(name, checked)
  return found
}

/** @throws ARCHIVE_* */
async function descriptions(
  archive: AsyncIterable<Uint8Array>,
  name: string,
  call: Call = {},
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  for await (const entry of readTar(archive, { name, ...call })) {
    const path = entry.path.replace(/^\.\//, '')
    const limit = Object.hasOwn(described, path) ? described[path] : undefined
    if (limit === undefined || entry.type !== 'file') continue
    if (entry.size > limit)
      throw badInput(
        'ARCHIVE_TOO_LARGE',
        `${name}: ${path} has ${entry.size} bytes; at most ${limit} are read`,
      )
    files[path] = Buffer.concat(await Array.fromAsync(entry.body))
  }
  return files
}

/** What the manifest says it is; where it says nothing useful, checking it tells so. */
async function kindIn(tree: Tree): Promise<Kind> {
  const file = await tree.file('manifest.yaml')
  if (file === undefined) return 'taskserv'
  return readManifest(await readBytes(file, tree.name, largestYaml), '').manifest?.type ?? 'taskserv'
}

/** The files are not the user's: what is wrong with them stands in the message alone. */
function undescribed(name: string, checked: CheckedPackage): SlipwayError {
  const [first] = faultsOf(checked)
  const why = first === undefined ? 'it has no version' : `${showPlace(first.place)}: ${first.message}`
  return badInput('SOURCE_UNUSABLE', `${name} is not the package it should be: ${why}`, {
    side: 'source',
    hint: 'Correct the name or the address; the package itself stands at the root of the archive.',
  })
}

import { discover, type Package } from '../extension/discover.ts'
import type { Layouts } from '../extension/kinds.ts'
import { memoryTree } from '../tree/memory.ts'
import type { ChangedFiles } from './sources.ts'

/** Which packages of a repository a set of changed files is about. */
export interface ChangedPackages {
  readonly changed: readonly Package[]
  /** Packages that stood where the changed files were, and stand there no longer: others may need them. */
  readonly removed: readonly Package[]
}

/** At the root: says what a package is and where it goes. */
const forAll = 'slipway.yaml'
/** Wherever they stand, they decide which files below them belong to a package, and with which line ends. */
const forAllBelow: readonly string[] = ['.gitignore', '.gitattributes']

/**
 * A package changed where a file in its folder did, or a file that decides about its folder: `slipway.yaml`,
 * or a `.gitignore` or `.gitattributes` in a folder above.
 * @param packages those that are there now
 */
export async function changedPackages(
  { paths, prefix }: ChangedFiles,
  packages: readonly Package[],
  layouts: Layouts,
): Promise<ChangedPackages> {
  const hit = new Set<Package>()
  const inside = (folder: string, path: string) => folder === '' || path.startsWith(`${folder}/`)
  for (const path of paths) {
    const [above, name] = split(path)
    const own = path.startsWith(prefix) ? path.slice(prefix.length) : undefined
    for (const one of packages) {
      const folder = `${prefix}${one.folder}`.replace(/\/$/, '')
      const decides = forAllBelow.includes(name) && inside(above, `${folder}/`)
      if (own === forAll || decides || (own !== undefined && inside(one.folder, own))) hit.add(one)
    }
  }
  return {
    changed: packages.filter((one) => hit.has(one)),
    removed: await removed({ paths, prefix }, packages, layouts),
  }
}

/** What the changed paths alone would be packages of. */
async function removed(
  { paths, prefix }: ChangedFiles,
  packages: readonly Package[],
  layouts: Layouts,
): Promise<Package[]> {
  const own = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
  const before = await discover(memoryTree(Object.fromEntries(own.map((path) => [path, '']))), layouts)
  return before.packages.filter(
    ({ kind, name }) => !packages.some((one) => one.kind === kind && one.name === name),
  )
}

function split(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
}

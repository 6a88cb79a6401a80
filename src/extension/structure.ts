import type { Finding, Place } from '../core/finding.ts'
import type { Tree } from '../tree/tree.ts'

/** Where findings about a folder point, and what its manifest says of the schema. */
export interface StructureOptions {
  readonly manifest: Place
  /** `schema:` of the manifest, and where it stands. */
  readonly schema?: { readonly folder: string; readonly place: Place }
}

const recommended: readonly { readonly what: string; readonly why: string; has(path: string): boolean }[] = [
  {
    what: 'scripts/check.nu',
    why: 'so that users can ask whether it works',
    has: (path) => path === 'scripts/check.nu',
  },
  {
    what: 'scripts/uninstall.nu',
    why: 'so that users can remove it',
    has: (path) => path === 'scripts/uninstall.nu',
  },
  { what: 'templates/', why: 'for the files it writes', has: (path) => path.startsWith('templates/') },
  { what: 'docs/', why: 'so that users can read about it', has: (path) => path.startsWith('docs/') },
  { what: 'tests/', why: 'so that every release is tested', has: (path) => path.startsWith('tests/') },
]

/**
 * Whether an extension's folder has what a client needs (`scripts/install.nu`, one schema directory) and
 * what it should have. `manifest.yaml` itself is the caller's.
 * @param tree the extension's folder
 */
export async function checkStructure(tree: Tree, options: StructureOptions): Promise<Finding[]> {
  const files = new Map<string, number>()
  for await (const file of tree.files()) files.set(file.path, file.link === undefined ? file.size : 1)
  const found: Finding[] = []
  const add = (
    level: 'error' | 'warning',
    message: string,
    place = options.manifest,
    hint?: string,
  ): void => {
    found.push({
      code: level === 'error' ? 'STRUCTURE_REQUIRED' : 'STRUCTURE_RECOMMENDED',
      level,
      message,
      place,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  const install = files.get('scripts/install.nu')
  if (install === undefined)
    add('error', 'scripts/install.nu is missing: nothing would install the extension')
  else if (install === 0) add('error', 'scripts/install.nu is empty: nothing would install the extension')

  const { schema } = options
  if (schema === undefined || schema.folder === 'kcl') {
    if (!files.has('kcl/kcl.mod'))
      add(
        'error',
        'kcl/kcl.mod is missing: the extension has no schema',
        schema?.place,
        'Add it, or name another schema directory with schema: in manifest.yaml.',
      )
  } else if (![...files.keys()].some((path) => path.startsWith(`${schema.folder}/`)))
    add('error', `There is no file in ${schema.folder}/, which schema: names`, schema.place)

  for (const { what, why, has } of recommended)
    if (![...files.keys()].some(has)) add('warning', `${what} is missing, ${why}`)
  return found
}

import { badInput } from '../core/error.ts'
import { type Finding, sortFindings } from '../core/finding.ts'
import { checkPackage } from '../extension/check.ts'
import { discover, type Package } from '../extension/discover.ts'
import type { Layouts } from '../extension/kinds.ts'
import { Sources } from '../release/sources.ts'
import { subtree } from '../tree/subtree.ts'
import type { Context } from './context.ts'

export interface ValidateOptions {
  /** Absolute path of the extension repository (`-C`). */
  readonly directory: string
  readonly layouts: Layouts
  /** Folders relative to the repository: a package, or one that holds packages; none: everything. */
  readonly paths: readonly string[]
}

export interface ValidateResult {
  readonly packages: readonly Package[]
  readonly findings: readonly Finding[]
  readonly exit: 0 | 2
}

/**
 * Checks packages of the working tree: manifests, structure, places and collisions, all findings at once.
 * @throws EXTENSION_NOT_FOUND for a path without a package
 */
export async function validate(options: ValidateOptions, context: Context): Promise<ValidateResult> {
  await using sources = new Sources({ ...context, directory: options.directory })
  const { tree } = await sources.working()
  const found = await discover(tree, options.layouts)
  const paths = options.paths.map((path) => path.replace(/^\.\/|\/+$/g, ''))
  const inside = (folder: string, path: string) =>
    path === '' || path === '.' || folder === path || folder.startsWith(`${path}/`)
  for (const path of paths)
    if (!found.packages.some((one) => inside(one.folder, path)))
      throw badInput('EXTENSION_NOT_FOUND', `There is no package in ${JSON.stringify(path)}`, {
        hint:
          found.packages.length === 0
            ? 'No package was found at all: is -C right?'
            : `There is ${found.packages[0]?.folder}, for example.`,
      })
  const packages = found.packages.filter(
    (one) => paths.length === 0 || paths.some((path) => inside(one.folder, path)),
  )
  const findings = [...found.findings]
  for (const one of packages) findings.push(...(await checkPackage(subtree(tree, one.folder), one)).findings)
  const sorted = sortFindings(findings)
  for (const finding of sorted) context.report.emit({ type: 'finding', finding })
  return { packages, findings: sorted, exit: sorted.some((one) => one.level === 'error') ? 2 : 0 }
}

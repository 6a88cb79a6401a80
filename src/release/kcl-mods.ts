import { posix } from 'node:path'
import { type Finding, sortFindings } from '../core/finding.ts'
import type { CheckedPackage, Expected } from '../extension/check.ts'
import { fileIn } from '../extension/discover.ts'
import { isExtensionKind } from '../extension/kinds.ts'
import { adviseKcl, checkKcl, type NamedKclMod, readKclModOf } from '../kcl/check.ts'
import { type KclDependency, requirementOf } from '../kcl/dependency.ts'
import type { KclMod } from '../kcl/mod.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import type { PackageId } from '../version/package-id.ts'
import { type Dependency, packageIdOf } from './graph.ts'

/** A package with what its `kcl.mod` adds to it. */
export interface WithKclMod {
  readonly checked: CheckedPackage
  readonly dependencies: readonly Dependency[]
  /** What is published of it as a KCL package, where nothing is wrong with that. */
  readonly published?: NamedKclMod
}

/**
 * Adds the findings and dependencies of a package's `kcl.mod`: of a KCL package's own, or of the one in an
 * extension's `kcl/`.
 * @param tree the package's own folder
 * @param expected what a KCL package's version has to be
 */
export async function withKclMod(
  tree: Tree,
  checked: CheckedPackage,
  expected: Expected = {},
): Promise<WithKclMod> {
  const one = checked.package
  const id = packageIdOf(one)
  if (id === undefined) return { checked, dependencies: [] }
  if (one.kind === 'kcl') return await kclPackage(tree, checked, id, expected)
  const publishes = checked.manifest?.publish_kcl === true
  if (!isExtensionKind(one.kind) || (!publishes && (await tree.file('kcl/kcl.mod')) === undefined))
    return { checked, dependencies: [] }
  const [folder, at] = [subtree(tree, 'kcl'), fileIn(one, 'kcl')]
  const { mod } = await readKclModOf(folder, at)
  if (publishes) {
    const { mod: published, findings } = await checkKcl(folder, at)
    return {
      checked: { ...checked, findings: sortFindings([...checked.findings, ...findings]) },
      dependencies: dependenciesOf(id, mod),
      ...(published === undefined ? {} : { published }),
    }
  }
  const advice = await adviseKcl(folder, at)
  const lost = new Set(mod?.dependencies.filter(leavesExtension).map((each) => each.place.line))
  // A path inside the extension is packed with it; any other leads nowhere once it is installed.
  const findings = advice.map(
    (finding): Finding =>
      finding.code === 'KCL_PATH_DEPENDENCY' && lost.has(finding.place.line)
        ? { ...finding, level: 'error' }
        : finding,
  )
  return {
    checked: { ...checked, findings: [...checked.findings, ...findings] },
    dependencies: dependenciesOf(id, mod),
  }
}

/** What a KCL package tells of itself stands in kcl.mod alone. */
async function kclPackage(
  tree: Tree,
  checked: CheckedPackage,
  id: PackageId,
  expected: Expected,
): Promise<WithKclMod> {
  const { folder, name } = checked.package
  const { mod } = await readKclModOf(tree, folder)
  const { mod: published, findings } = await checkKcl(tree, folder, { name, ...expected })
  const file = fileIn(checked.package, 'kcl.mod')
  const document = mod?.version === undefined ? undefined : { name, type: 'kcl', version: mod.version }
  const positions: CheckedPackage['positions'] = ([key]) =>
    (key === 'name' || key === 'version' ? mod?.places[key] : undefined) ?? { file }
  return {
    checked: { ...checked, document, positions, findings: [...checked.findings, ...findings] },
    dependencies: dependenciesOf(id, mod),
    ...(published === undefined ? {} : { published }),
  }
}

function dependenciesOf(from: PackageId, mod: KclMod | undefined): Dependency[] {
  return (mod?.dependencies ?? []).flatMap((one) => {
    const requirement = requirementOf(one)
    if (requirement === undefined) return []
    const { id: to, text: range, set, at } = requirement
    return [{ from, to, range, set, place: one.place, ...(at === undefined ? {} : { at }) }]
  })
}

function leavesExtension({ from, source = '' }: KclDependency): boolean {
  return from === 'path' && (posix.isAbsolute(source) || posix.join('kcl', source).startsWith('..'))
}

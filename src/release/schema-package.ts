import type { Finding } from '../core/finding.ts'
import type { CheckedPackage } from '../extension/check.ts'
import { isExtensionKind, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { NamedKclMod } from '../kcl/check.ts'
import { kclFiles } from '../kcl/files.ts'
import { kclSum } from '../kcl/sum.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { parseVersion } from '../version/version.ts'
import type { PlannedRelease, SelectOptions } from './plan.ts'
import { refuseTwins } from './twins.ts'

interface Publishing {
  readonly checked: CheckedPackage
  readonly kcl?: NamedKclMod | undefined
}

/**
 * The KCL package in an extension's `kcl/`, where its manifest asks for publishing it. Extensions, and versions
 * of one, may bring the same package: it is then released once.
 * @throws PACKAGE_COLLISION where two bring different files under one version
 */
export async function schemaOf(
  { checked, kcl }: Publishing,
  release: PlannedRelease,
  { layouts, snapshot }: SelectOptions,
  others: readonly PlannedRelease[],
): Promise<PlannedRelease | undefined> {
  if (kcl === undefined || snapshot || !isExtensionKind(checked.package.kind)) return undefined
  const { manifest: _, ...rest } = release
  const schema: PlannedRelease = {
    ...rest,
    kind: 'kcl',
    name: kcl.name,
    version: kcl.version,
    folder: `${release.folder}/kcl`,
    tree: subtree(release.tree, 'kcl'),
    repository: repositoryOf(layouts, 'kcl', kcl.name),
    tag: registryTagOf(layouts, 'kcl', parseVersion(kcl.version)),
  }
  const twin = others.find((one) => one.repository === schema.repository && one.tag === schema.tag)
  if (twin?.kind === 'kcl' && (await contentOf(twin.tree, kcl)) === (await contentOf(schema.tree, kcl)))
    return undefined
  refuseTwins(schema, others)
  return schema
}

/** Says what a snapshot does not publish. */
export function leftOut({ checked, kcl }: Publishing): Finding[] {
  if (kcl === undefined) return []
  return [
    {
      code: 'KCL_SNAPSHOT',
      level: 'notice',
      message: `The KCL package ${kcl.name} is left out: kpm would take a snapshot for its newest version`,
      place: checked.positions(['publish_kcl']),
    },
  ]
}

async function contentOf(tree: Tree, mod: NamedKclMod): Promise<string> {
  const files = await kclFiles(tree, mod)
  return JSON.stringify([await kclSum(files), ...files.map((file) => file.path)])
}

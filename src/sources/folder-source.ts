import { join } from 'node:path'
import { fileIn } from '../extension/discover.ts'
import type { Layouts } from '../extension/kinds.ts'
import { refuseErrors } from '../release/plan.ts'
import { readRepository, type WholeRepository } from '../release/repository.ts'
import { listed } from '../tree/listed.ts'
import type { Tree } from '../tree/tree.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import { describedBy, faultsOf, schemaOf } from './described.ts'
import type { Candidate, PackageSource } from './source.ts'

export interface FolderSourceOptions {
  /** Absolute path. */
  readonly folder: string
  /** Its files. */
  readonly tree: Tree
  readonly layouts: Layouts
}

/** A package of a working folder, and the file that describes it, relative to the folder. */
export interface FolderPackage {
  readonly candidate: Candidate
  readonly file: string
}

export interface FolderSource extends PackageSource {
  /** Every package, by folder. @throws FINDINGS for any of them with a broken description */
  packages(): Promise<readonly FolderPackage[]>
}

/**
 * The packages of a folder, each at its own version. It is read once.
 * @throws FINDINGS where a package is asked for whose `manifest.yaml` or `kcl.mod` is broken
 */
export function folderSource({ folder, tree, layouts }: FolderSourceOptions): FolderSource {
  let reading: Promise<WholeRepository> | undefined
  const read = () => {
    reading ??= listed(tree).then((files) => readRepository(files, layouts))
    return reading
  }
  /** Undefined for what is not there, and for a core that is a plain folder. */
  const find = async (id: PackageId): Promise<FolderPackage | undefined> => {
    const { packages, graph } = await read()
    const node = graph.nodes.get(id)
    const checked = packages.find((one) => one.package === node?.package)
    if (node === undefined || checked === undefined) return undefined
    refuseErrors(faultsOf(checked))
    const source = `path:${join(folder, node.package.folder)}`
    const brought = isKcl(id) && node.package.kind !== 'kcl'
    const candidate = brought
      ? schemaOf(node, `${source}/kcl`)
      : describedBy(id, checked, node.dependencies, source)
    const file = fileIn(node.package, brought ? 'kcl/kcl.mod' : isKcl(id) ? 'kcl.mod' : 'manifest.yaml')
    return candidate === undefined ? undefined : { candidate, file }
  }
  const name = `path:${folder}`
  return {
    name,
    async versions(id): Promise<readonly Version[]> {
      const found = await find(id)
      return found === undefined ? [] : [found.candidate.version]
    },
    async candidate(id, version) {
      const found = await find(id)
      return found?.candidate.version.version === version.version ? found.candidate : undefined
    },
    names: async () => [...(await read()).graph.nodes.keys()],
    async packages() {
      const { packages, graph, findings } = await read()
      refuseErrors([...findings, ...packages.flatMap(faultsOf)])
      const found = await Promise.all([...graph.nodes.keys()].map(find))
      return found.filter((one) => one !== undefined)
    },
  }
}

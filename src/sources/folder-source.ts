import { join } from 'node:path'
import type { CheckedPackage } from '../extension/check.ts'
import { fileIn } from '../extension/discover.ts'
import type { Layouts } from '../extension/kinds.ts'
import { type GraphNode, packageIdOf } from '../release/graph.ts'
import { refuseErrors } from '../release/plan.ts'
import { readRepository, type WholeRepository } from '../release/repository.ts'
import type { Requirement } from '../solver/provider.ts'
import { listed } from '../tree/listed.ts'
import type { Tree } from '../tree/tree.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import type { Version } from '../version/version.ts'
import { coreRequirement } from './requirements.ts'
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
  const find = async (id: PackageId): Promise<FolderPackage | undefined> => {
    const { packages, graph } = await read()
    const node = graph.nodes.get(id)
    const checked = packages.find((one) => one.package === node?.package)
    return node === undefined || checked === undefined ? undefined : packageOf(node, checked, folder)
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
      const broken = packages.filter((one) => !isReadable(one, graph.nodes))
      refuseErrors([...findings, ...broken.flatMap((one) => one.findings)])
      const found = await Promise.all([...graph.nodes.keys()].map(find))
      return found.filter((one) => one !== undefined)
    },
  }
}

function isReadable({ package: one, manifest }: CheckedPackage, nodes: WholeRepository['graph']['nodes']) {
  const id = packageIdOf(one)
  // Platform services are nobody's dependency, and the core may be a plain folder.
  if (id === undefined || one.kind === 'core') return true
  return nodes.get(id)?.version !== undefined && (isKcl(id) || manifest !== undefined)
}

/** Undefined for a core that is a plain folder, which has no version. @throws FINDINGS */
function packageOf(node: GraphNode, checked: CheckedPackage, folder: string): FolderPackage | undefined {
  const { manifest, findings } = checked
  const { version } = node
  if (version === undefined || (manifest === undefined && !isKcl(node.id))) {
    refuseErrors(findings)
    return undefined
  }
  const requires = node.dependencies.flatMap(({ to, set, range }): Requirement[] =>
    set === undefined ? [] : [{ id: to, set, text: range }],
  )
  const candidate: Candidate = {
    id: node.id,
    kind: node.package.kind,
    version,
    source: `path:${join(folder, node.package.folder)}`,
    requires: [...requires, ...(manifest === undefined ? [] : coreRequirement(manifest))],
    platforms: manifest?.platforms ?? [],
    retracted: manifest?.retracted ?? {},
  }
  return { candidate, file: fileIn(node.package, isKcl(node.id) ? 'kcl.mod' : 'manifest.yaml') }
}

import { mapConcurrent } from '../core/concurrent.ts'
import type { Finding } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { discover } from '../extension/discover.ts'
import type { Layouts } from '../extension/kinds.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { type PackageGraph, packageGraph } from './graph.ts'
import { withKclMod } from './kcl-mods.ts'

/** An extension repository as a whole: every package with what is wrong with it, and how they hang together. */
export interface WholeRepository {
  readonly tree: Tree
  /** By folder. Each with the findings of its manifest, structure and `kcl.mod`. */
  readonly packages: readonly CheckedPackage[]
  readonly graph: PackageGraph
  /** About no package alone: names no package can have, and packages that collide. */
  readonly findings: readonly Finding[]
}

/** Reads and checks every package of a repository; never throws for what stands in its files. */
export async function readRepository(tree: Tree, layouts: Layouts): Promise<WholeRepository> {
  const found = await discover(tree, layouts)
  const read = await mapConcurrent(found.packages, 16, async (one) => {
    const folder = subtree(tree, one.folder)
    return await withKclMod(folder, await checkPackage(folder, one))
  })
  const packages = read.map((one) => one.checked)
  const graph = packageGraph(
    packages,
    read.flatMap((one) => one.dependencies),
  )
  const collided = new Set(
    found.findings.filter((one) => one.code === 'PACKAGE_COLLISION').map((one) => one.place.file),
  )
  const twins = graph.twins.filter((one) => !collided.has(one.place.file))
  return { tree, packages, graph, findings: [...found.findings, ...twins] }
}

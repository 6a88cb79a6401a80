import { mapConcurrent } from '../core/concurrent.ts'
import type { Finding, Place } from '../core/finding.ts'
import { type CheckedPackage, checkPackage } from '../extension/check.ts'
import { discover } from '../extension/discover.ts'
import type { Kind, Layouts } from '../extension/kinds.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { kclId } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import { type GraphNode, type PackageGraph, packageGraph } from './graph.ts'
import { type WithKclMod, withKclMod } from './kcl-mods.ts'

/** Something that a release of the repository as it is would publish. */
export interface Artifact {
  readonly of: CheckedPackage
  readonly kind: Kind
  readonly name: string
  readonly version: string
  /** Its own folder. */
  readonly tree: Tree
  /** Undefined for KCL packages. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Where its version stands. */
  readonly place: Place
}

/** An extension repository as a whole: every package with what is wrong with it, and how they hang together. */
export interface WholeRepository {
  /** By folder. Each with the findings of its manifest, structure and `kcl.mod`. */
  readonly packages: readonly CheckedPackage[]
  /** Of packages whose manifest, or `kcl.mod`, has no errors. */
  readonly artifacts: readonly Artifact[]
  readonly graph: PackageGraph
  /** About no package alone: names no package can have, and packages that collide. */
  readonly findings: readonly Finding[]
}

interface Read extends WithKclMod {
  readonly tree: Tree
}

/** Reads and checks every package of a repository; never throws for what stands in its files. */
export async function readRepository(tree: Tree, layouts: Layouts): Promise<WholeRepository> {
  const found = await discover(tree, layouts)
  const read = await mapConcurrent(found.packages, 16, async (one): Promise<Read> => {
    const folder = subtree(tree, one.folder)
    return { ...(await withKclMod(folder, await checkPackage(folder, one))), tree: folder }
  })
  const packages = read.map((one) => one.checked)
  const dependencies = read.flatMap((one) => one.dependencies)
  const graph = packageGraph(packages, dependencies, read.flatMap(schemaNode))
  const collided = new Set(
    found.findings.filter((one) => one.code === 'PACKAGE_COLLISION').map((one) => one.place.file),
  )
  const twins = graph.twins.filter((one) => !collided.has(one.place.file))
  return { packages, artifacts: read.flatMap(artifactsOf), graph, findings: [...found.findings, ...twins] }
}

/** The KCL package that is published of an extension. */
function schemaNode({ checked, published, dependencies }: Read): GraphNode[] {
  if (published === undefined || checked.package.kind === 'kcl') return []
  const id = kclId(published.name)
  const own = dependencies.map((one) => ({ ...one, from: id }))
  return [{ id, package: checked.package, version: parseVersion(published.version), dependencies: own }]
}

function artifactsOf({ checked, published, tree }: Read): Artifact[] {
  const { package: of, manifest, document } = checked
  const { kind, name } = of
  const own: Artifact[] =
    manifest === undefined || document === undefined
      ? []
      : [
          {
            ...{ of: checked, kind, name, version: manifest.version, tree, manifest: document },
            place: checked.positions(['version']),
          },
        ]
  if (published === undefined) return own
  const schema: Artifact = {
    ...{ of: checked, kind: 'kcl', name: published.name, version: published.version },
    tree: kind === 'kcl' ? tree : subtree(tree, 'kcl'),
    place: published.places.version ?? checked.positions(['version']),
  }
  return [...own, schema]
}

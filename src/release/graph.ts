import type { Finding, Place } from '../core/finding.ts'
import * as graphs from '../core/waves.ts'
import type { CheckedPackage } from '../extension/check.ts'
import type { Package } from '../extension/discover.ts'
import { isExtensionKind } from '../extension/kinds.ts'
import { mostDependencies } from '../extension/manifest.ts'
import { core, extensionId, kclId, nameOf, type PackageId } from '../version/package-id.ts'
import { rangeOf } from '../version/range.ts'
import { type Version, versionOf } from '../version/version.ts'
import { setOf, type VersionSet } from '../version/version-set.ts'

/** One dependency as a manifest writes it. */
export interface Dependency {
  readonly from: PackageId
  readonly to: PackageId
  /** As written. */
  readonly range: string
  /** Undefined where what is written is no range, which is a finding about the manifest. */
  readonly set: VersionSet | undefined
  /** `oci://HOST/REPOSITORY`, where it says so. */
  readonly at?: string
  /** Of its key. */
  readonly place: Place
}

/** A package of the repository in its graph. */
export interface GraphNode {
  readonly id: PackageId
  readonly package: Package
  /** Undefined where the manifest has no valid one. */
  readonly version?: Version
  readonly dependencies: readonly Dependency[]
}

/** What the packages of one repository need of each other and of packages elsewhere. */
export interface PackageGraph {
  /** By id. */
  readonly nodes: ReadonlyMap<PackageId, GraphNode>
  /** Packages that share an id with one before them: no dependency could mean them. */
  readonly twins: readonly Finding[]
  /** Ids in topological waves, sorted within each: dependencies first. @throws DEPENDENCY_CYCLE */
  waves(): PackageId[][]
  /** The waves, one after another. @throws DEPENDENCY_CYCLE */
  order(): PackageId[]
  /** What packages are known by: themselves, and KCL packages that are published of them. */
  idsOf(packages: Iterable<Package>): Set<PackageId>
  /** These and all packages of the repository that need one of them, at whatever remove. */
  withDependents(ids: Iterable<PackageId>): Set<PackageId>
  /** Cycles, each once. */
  cycles(): PackageId[][]
  /**
   * A finding for a cycle, at the dependency that closes it: one of `preferred` where it has any, since that
   * is where somebody looks.
   */
  cycleFinding(cycle: readonly PackageId[], preferred?: ReadonlySet<PackageId>): Finding
}

/** What the solver knows a package by; undefined for platform services, which nothing depends on. */
export function packageIdOf({ kind, name }: Pick<Package, 'kind' | 'name'>): PackageId | undefined {
  if (isExtensionKind(kind)) return extensionId(name)
  if (kind === 'kcl') return kclId(name)
  return kind === 'core' ? core : undefined
}

/**
 * The graph of a repository's packages.
 * @param more dependencies that stand elsewhere than in `manifest.yaml`, such as in `kcl.mod`
 * @param schemas KCL packages that are published of extensions; several may bring the same
 */
export function packageGraph(
  packages: readonly CheckedPackage[],
  more: readonly Dependency[] = [],
  schemas: readonly GraphNode[] = [],
): PackageGraph {
  const nodes = new Map<PackageId, GraphNode>()
  const twins: Finding[] = []
  const elsewhere = new Map<PackageId, Dependency[]>()
  for (const one of more) {
    const known = elsewhere.get(one.from)
    if (known === undefined) elsewhere.set(one.from, [one])
    else known.push(one)
  }
  for (const one of packages) {
    const id = packageIdOf(one.package)
    if (id === undefined) continue
    const other = nodes.get(id)
    if (other !== undefined) {
      twins.push(twin(other.package, one))
      continue
    }
    const version = versionIn(one.document)
    const dependencies = [...dependenciesOf(id, one), ...(elsewhere.get(id) ?? [])]
    nodes.set(id, { id, package: one.package, dependencies, ...(version === undefined ? {} : { version }) })
  }
  for (const schema of schemas) if (!nodes.has(schema.id)) nodes.set(schema.id, schema)
  const needs = (id: PackageId) => nodes.get(id)?.dependencies.map(({ to }) => to) ?? []
  return {
    nodes,
    twins,
    waves: () => graphs.waves(nodes.keys(), needs),
    order: () => graphs.order(nodes.keys(), needs),
    idsOf(wanted) {
      const all = new Set(wanted)
      return new Set([...nodes.values()].filter((one) => all.has(one.package)).map((one) => one.id))
    },
    withDependents: (ids) => withDependents(nodes, ids),
    cycles: () => graphs.cycles(nodes.keys(), needs),
    cycleFinding: (cycle, preferred) => cycleFinding(nodes, cycle, preferred),
  }
}

/** Also of a manifest with errors elsewhere, so that one mistake does not hide another. */
function dependenciesOf(from: PackageId, { document, positions }: CheckedPackage): Dependency[] {
  const { dependencies } = document ?? {}
  if (typeof dependencies !== 'object' || dependencies === null || Array.isArray(dependencies)) return []
  // More are an error of the manifest.
  const entries = Object.entries(dependencies).slice(0, mostDependencies)
  return entries.flatMap(([name, range]) => {
    const to = extensionId(name)
    // That a package needs itself is told of its manifest already.
    if (typeof range !== 'string' || to === from) return []
    const set = rangeOf(range) === undefined ? undefined : setOf(range)
    return [{ from, to, range, set, place: positions(['dependencies', name], 'key') }]
  })
}

function versionIn(document: CheckedPackage['document']): Version | undefined {
  const { version } = document ?? {}
  return typeof version === 'string' ? versionOf(version) : undefined
}

function withDependents(nodes: PackageGraph['nodes'], ids: Iterable<PackageId>): Set<PackageId> {
  const dependents = new Map<PackageId, PackageId[]>()
  for (const { id, dependencies } of nodes.values())
    for (const { to } of dependencies) {
      const known = dependents.get(to)
      if (known === undefined) dependents.set(to, [id])
      else known.push(id)
    }
  const found = new Set(ids)
  // A Set keeps the order in which members come, also those that come while it is read.
  for (const id of found) for (const one of dependents.get(id) ?? []) found.add(one)
  return found
}

function cycleFinding(
  nodes: PackageGraph['nodes'],
  cycle: readonly PackageId[],
  preferred: ReadonlySet<PackageId> | undefined,
): Finding {
  // The last edge closes it: turned so that it starts in a package that somebody works on.
  const at = preferred === undefined ? -1 : cycle.findLastIndex((id) => preferred.has(id))
  const turned = [...cycle.slice(at + 1), ...cycle.slice(0, at + 1)]
  const [last, first] = [turned.at(-1), turned[0]]
  const closing = nodes.get(last as PackageId)?.dependencies.find(({ to }) => to === first)
  return {
    code: 'DEPENDENCY_CYCLE',
    level: 'error',
    message: `Dependencies in a circle: ${graphs.showCycle(turned)}`,
    place: closing?.place ?? { file: 'manifest.yaml' },
    hint: 'Take one of them out, or move what both sides need into a package of its own.',
  }
}

function twin(other: Package, { package: one, positions }: CheckedPackage): Finding {
  return {
    code: 'PACKAGE_COLLISION',
    level: 'error',
    message: `${other.kind} ${other.folder} and ${one.kind} ${one.folder} have one name: a dependency on ${nameOf(packageIdOf(one) as PackageId)} could mean both`,
    place: positions(['name']),
    hint: 'Rename one: extensions of all kinds share their names.',
  }
}

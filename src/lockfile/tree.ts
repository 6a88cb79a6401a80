import type { PackageId } from '../version/package-id.ts'
import type { Lock, LockedPackage } from './lock.ts'

/** One line of a tree: a package under the one that needs it. */
export interface TreeNode {
  readonly id: PackageId
  readonly version: string
  /** The range that leads here; undefined at the top. */
  readonly text?: string
  /** Shown in full elsewhere in the tree, so its children are left out here. */
  readonly repeated: boolean
  /** Where the depth ended although there is more below. */
  readonly cut: boolean
  readonly children: readonly TreeNode[]
}

export interface TreeOptions {
  /** The packages at the top; without: the roots, or with `invert` the packages that need nothing. */
  readonly of?: readonly PackageId[]
  /** Children are those that need a package instead of those it needs. */
  readonly invert?: boolean
  /** Levels below the top; at most 500. */
  readonly depth?: number
}

/** An edge of the locked graph. */
export interface Edge {
  readonly from: PackageId
  readonly to: PackageId
  readonly text: string
}

/** Every requirement between two packages of a lock, by their ids. */
export function edgesOf(lock: Lock): Edge[] {
  const known = new Set(lock.packages.map((one) => one.id))
  return lock.packages.flatMap((one) =>
    Object.entries(one.dependencies)
      .map(([to, text]) => ({ from: one.id, to: to as PackageId, text }))
      .filter(({ to }) => known.has(to))
      .sort((a, b) => (a.to < b.to ? -1 : 1)),
  )
}

/** What each package of a lock needs directly, for the order in which packages are installed. */
export function needsOf(lock: Lock): (id: PackageId) => readonly PackageId[] {
  const needs = grouped(edgesOf(lock), ({ from }) => from)
  return (id) => needs.get(id)?.map(({ to }) => to) ?? []
}

/** Levels below the top where nobody says how many: nothing honest is deeper, and each costs a call. */
const deepest = 500

function grouped(edges: readonly Edge[], key: (edge: Edge) => PackageId): ReadonlyMap<PackageId, Edge[]> {
  const groups = new Map<PackageId, Edge[]>()
  for (const edge of edges) {
    const known = groups.get(key(edge))
    if (known === undefined) groups.set(key(edge), [edge])
    else known.push(edge)
  }
  return groups
}

/** The locked graph as a tree; a package that comes again is shown without what is below it. */
export function treeOf(lock: Lock, options: TreeOptions = {}): TreeNode[] {
  const packages = new Map(lock.packages.map((one) => [one.id, one]))
  const { invert = false, depth = deepest } = options
  const below = grouped(edgesOf(lock), ({ from, to }) => (invert ? to : from))
  const shown = new Set<PackageId>()
  return tops(lock, options).flatMap((id) => node(id, undefined, 0) ?? [])

  function node(id: PackageId, text: string | undefined, level: number): TreeNode | undefined {
    const one = packages.get(id)
    if (one === undefined) return undefined
    const children = below.get(id) ?? []
    const cut = children.length > 0 && level >= Math.min(depth, deepest)
    const repeated = children.length > 0 && !cut && shown.has(id)
    // Noted before its children are: a cycle ends where it comes round.
    if (!cut) shown.add(id)
    return {
      id,
      version: one.version,
      ...(text === undefined ? {} : { text }),
      repeated,
      cut,
      children:
        cut || repeated
          ? []
          : children.flatMap(({ from, to, text: range }) => node(invert ? from : to, range, level + 1) ?? []),
    }
  }
}

/** Those that nothing else needs come first; in a repository, where all are roots, only those. */
function tops(lock: Lock, { of, invert }: TreeOptions): PackageId[] {
  if (of !== undefined) return [...of]
  const edges = edgesOf(lock)
  if (invert === true) {
    const needing = new Set(edges.map((one) => one.from))
    return ids(lock.packages.filter((one) => !needing.has(one.id)))
  }
  const needed = new Set(edges.map((one) => one.to))
  const roots = lock.packages.filter((one) => Object.hasOwn(lock.roots, one.id))
  const free = roots.filter((one) => !needed.has(one.id))
  // Of roots on one cycle each is needed; then all are shown.
  return ids(free.length > 0 ? free : roots)
}

function ids(packages: readonly LockedPackage[]): PackageId[] {
  return packages.map((one) => one.id)
}

/** One way from a root to a package, the root first. */
export type Way = readonly { readonly id: PackageId; readonly version: string; readonly text?: string }[]

/**
 * The shortest ways from roots to a package, one from each root that leads there, at most `limit`.
 * Empty where nothing needs it.
 */
export function waysTo(lock: Lock, id: PackageId, limit = 20): Way[] {
  const packages = new Map(lock.packages.map((one) => [one.id, one]))
  const needing = grouped(edgesOf(lock), ({ to }) => to)
  // From the package upwards, breadth first: the first way that reaches a root is a shortest one.
  const next = new Map<PackageId, Edge | undefined>([[id, undefined]])
  const queue = [id]
  for (let at = queue.shift(); at !== undefined; at = queue.shift())
    for (const edge of needing.get(at) ?? [])
      if (!next.has(edge.from)) {
        next.set(edge.from, edge)
        queue.push(edge.from)
      }
  const roots = [...next.keys()].filter((one) => Object.hasOwn(lock.roots, one)).sort()
  const others = roots.filter((one) => one !== id)
  return (others.length > 0 ? others : roots).slice(0, limit).map((root) => {
    const way: { id: PackageId; version: string; text?: string }[] = []
    let text: string | undefined = lock.roots[root]
    for (let at: PackageId | undefined = root; at !== undefined; ) {
      const version = packages.get(at)?.version ?? ''
      way.push({ id: at, version, ...(text === undefined ? {} : { text }) })
      const edge: Edge | undefined = next.get(at)
      text = edge?.text
      at = edge?.to
    }
    return way
  })
}

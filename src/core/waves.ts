import { badInput } from './error.ts'

/** What a node needs before it; whatever is no node of the graph is left out. */
export type Needs<N extends string> = (node: N) => Iterable<N>

/** Cycles that are told of one graph; whoever has more has one cause. */
const mostCycles = 50

/**
 * The nodes in waves: those of one wave need only nodes of earlier waves, and each stands in the first wave
 * where it can. Sorted by name within a wave, so that equal graphs give equal waves.
 * @throws DEPENDENCY_CYCLE
 */
export function waves<N extends string>(nodes: Iterable<N>, needs: Needs<N>): N[][] {
  const graph = sortedGraph(nodes, needs)
  const waiting = new Map<N, number>()
  const dependents = new Map<N, N[]>([...graph.keys()].map((node) => [node, []]))
  for (const [node, needed] of graph) {
    waiting.set(node, needed.length)
    for (const one of needed) dependents.get(one)?.push(node)
  }
  const all: N[][] = []
  let placed = 0
  let wave = [...graph.keys()].filter((node) => waiting.get(node) === 0)
  while (wave.length > 0) {
    all.push(wave)
    placed += wave.length
    const next: N[] = []
    for (const node of wave.flatMap((one) => dependents.get(one) ?? [])) {
      const left = (waiting.get(node) ?? 0) - 1
      waiting.set(node, left)
      if (left === 0) next.push(node)
    }
    wave = next.sort()
  }
  if (placed === graph.size) return all
  const [cycle = []] = cyclesIn(graph, 1)
  throw badInput('DEPENDENCY_CYCLE', `Nothing can come first in ${showCycle(cycle)}`, {
    hint: 'Take out one of these dependencies.',
  })
}

/** Every node after all that it needs: the waves, one after another. @throws DEPENDENCY_CYCLE */
export function order<N extends string>(nodes: Iterable<N>, needs: Needs<N>): N[] {
  return waves(nodes, needs).flat()
}

/**
 * The shortest cycle through every edge that leads back, which is a cycle's last: from its last node to its
 * first. Each is told once, and none only where there is an order. At most 50: of all cycles there may be
 * more than anybody could count.
 */
export function cycles<N extends string>(nodes: Iterable<N>, needs: Needs<N>): N[][] {
  return cyclesIn(sortedGraph(nodes, needs), mostCycles)
}

/** `a → b → c → a` */
export function showCycle(cycle: readonly string[]): string {
  return [...cycle, ...cycle.slice(0, 1)].join(' → ')
}

/** A list in pieces of at most `size`, none of them empty: a matrix of a workflow takes 256 entries. */
export function shards<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = []
  for (let at = 0; at < items.length; at += size) pieces.push(items.slice(at, at + size))
  return pieces
}

type Graph<N extends string> = ReadonlyMap<N, readonly N[]>

function sortedGraph<N extends string>(nodes: Iterable<N>, needs: Needs<N>): Graph<N> {
  const known = new Set([...nodes].sort())
  return new Map(
    [...known].map((node) => [node, [...new Set(needs(node))].filter((one) => known.has(one)).sort()]),
  )
}

function cyclesIn<N extends string>(graph: Graph<N>, most: number): N[][] {
  const found = new Map<string, N[]>()
  for (const [from, to] of backEdges(graph)) {
    if (found.size >= most) break
    const cycle = shortestPath(graph, to, from)
    // Two edges may lead back in one and the same cycle.
    const first = cycle.indexOf([...cycle].sort()[0] as N)
    const key = JSON.stringify([...cycle.slice(first), ...cycle.slice(0, first)])
    if (!found.has(key)) found.set(key, cycle)
  }
  return [...found.values()]
}

/** Edges that lead back to a node on the way to them; without recursion, since graphs may be deep. */
function* backEdges<N extends string>(graph: Graph<N>): Generator<[from: N, to: N]> {
  const done = new Set<N>()
  const onPath = new Set<N>()
  for (const root of graph.keys()) {
    if (done.has(root)) continue
    onPath.add(root)
    const path = [{ node: root, next: 0 }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = graph.get(top.node)?.[top.next++]
      if (to === undefined) {
        path.pop()
        onPath.delete(top.node)
        done.add(top.node)
      } else if (onPath.has(to)) yield [top.node, to]
      else if (!done.has(to)) {
        onPath.add(to)
        path.push({ node: to, next: 0 })
      }
    }
  }
}

/** From one node to another that can be reached from it, both included. */
function shortestPath<N extends string>(graph: Graph<N>, from: N, to: N): N[] {
  const cameFrom = new Map<N, N | undefined>([[from, undefined]])
  // A Map keeps the order in which keys come, also those that come while it is read.
  for (const node of cameFrom.keys()) {
    if (node === to) break
    for (const next of graph.get(node) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, node)
  }
  const path: N[] = []
  for (let node: N | undefined = to; node !== undefined; node = cameFrom.get(node)) path.push(node)
  return path.reverse()
}

import Logic from 'logic-solver'
import type { Requirement } from '../src/solver/provider.ts'
import { solve as search } from '../src/solver/solve.ts'
import { extensionId, type PackageId } from '../src/version/package-id.ts'
import { parseVersion, type Version } from '../src/version/version.ts'
import { includes, setOf } from '../src/version/version-set.ts'
import { type Spread, spread } from './measure.ts'
import { ColdRegistry, type Index, syntheticIndex } from './synthetic.ts'
import { fineMilliseconds, type Row, times } from './table.ts'

/**
 * What it takes to solve for each of the 128 packages of an index alone, and for all at once: time with every
 * answer at hand, and requests to a registry that was never asked before. Beside it MiniSat, which is given the
 * versions a root can reach as clauses and finds some solution, not the one with the highest versions. Then how
 * time and requests grow where a graph gets eight times as deep, as broad or as contrary.
 */
export async function solve(runs: number): Promise<Row[]> {
  const index = syntheticIndex()
  const roots = [...index.keys()].map((id) => requirement(id, '*'))
  const single = new Map(roots.map((root) => [root, [] as number[]]))
  // A sample, since clauses take hundreds of times as long.
  const sample = new Map(roots.flatMap((root, at) => (at % 8 === 7 ? [[root, [] as number[]]] : [])))
  const together: [number[], number[]] = [[], []]
  // In turn, so that what else the machine does falls on all alike; the first round is not counted.
  for (let round = 0; round <= runs; round++) {
    const note = (values: number[] | undefined, took: number) => round > 0 && values?.push(took)
    for (const root of roots) {
      note(single.get(root), await timed(index, [root]))
      if (sample.has(root)) note(sample.get(root), satisfied(index, [root]))
    }
    note(together[0], satisfied(index, roots))
    note(together[1], await timed(index, roots))
  }
  const medians = (of: ReadonlyMap<Requirement, readonly number[]>) =>
    [...of.values()].map((values) => spread(values).median)
  const peer = spread(medians(sample))
  const sampled = spread(medians(new Map([...single].filter(([root]) => sample.has(root)))))
  const one = medians(single)
  const [whole, ours] = [spread(together[0]), spread(together[1])]
  const cold: Cold[] = []
  for (const root of roots) cold.push(await counted(index, [root]))
  return [
    row('solve one of 16 roots: MiniSat', peer, times(1)),
    row('solve one of 16 roots: slipway', sampled, `${(sampled.median / peer.median).toFixed(4)}×`),
    row('solve one of 128 roots', spread(one)),
    row('solve one of 128 roots, 95 of 100', { min: spread(one).min, median: share(one, 0.95) }),
    ...countRows('solve one of 128 roots', cold),
    row('solve 128 roots at once: MiniSat', whole, times(1)),
    row('solve 128 roots at once: slipway', ours, times(ours.median / whole.median)),
    ...countRows('solve 128 roots at once', [await counted(index, roots)]),
    ...(await growth('deep', runs, deep)),
    ...(await growth('broad', runs, broad)),
    ...(await growth('contrary', runs, contrary)),
  ]
}

/** Milliseconds of processor time since `start`: a search waits for nothing, so that is all that it takes. */
function since(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

/** Milliseconds with every answer at hand. */
async function timed(index: Index, roots: readonly Requirement[]): Promise<number> {
  const provider = {
    versions: async (id: PackageId) => [...(index.get(id)?.keys() ?? [])],
    dependencies: async (id: PackageId, version: Version) => ({
      requires: index.get(id)?.get(version) ?? [],
    }),
  }
  const start = process.cpuUsage()
  const result = await search(provider, { roots })
  const took = since(start)
  if ('failure' in result) throw new Error(`${roots.map(({ id }) => id).join(', ')} cannot be solved`)
  return took
}

interface Cold {
  readonly chosen: number
  readonly steps: number
  readonly requests: number
  readonly rounds: number
}

/** What a registry is asked that was never asked before, and what the search did with the answers. */
async function counted(index: Index, roots: readonly Requirement[]): Promise<Cold> {
  const registry = new ColdRegistry(index)
  const result = await search(registry, { roots })
  if ('failure' in result) throw new Error(`${roots.map(({ id }) => id).join(', ')} cannot be solved`)
  const { versions, counts } = result.solution
  const { requests, rounds } = registry
  return { chosen: versions.size, steps: counts.decisions + counts.conflicts, requests, rounds }
}

function countRows(what: string, cold: readonly Cold[]): Row[] {
  const names = {
    chosen: 'versions chosen',
    steps: 'decisions and conflicts',
    requests: 'requests',
    rounds: 'rounds of requests',
  } as const
  return (['chosen', 'steps', 'requests', 'rounds'] as const).flatMap((name) => {
    const values = cold.map((one) => one[name])
    const { min, median } = spread(values)
    const [whole, most] = [`${what}: ${names[name]}`, share(values, 0.95)]
    const rows = [{ what: whole, min: String(min), median: String(median) }]
    if (cold.length > 1) rows.push({ what: `${whole}, 95 of 100`, min: String(min), median: String(most) })
    return rows
  })
}

/** The value that so large a share of all does not exceed. */
function share(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1] ?? Number.NaN
}

function row(what: string, { min, median }: Spread, ratio?: string): Row {
  const took = { what, min: fineMilliseconds(min), median: fineMilliseconds(median) }
  return ratio === undefined ? took : { ...took, ratio }
}

/** How time and requests grow from a shape of size 16 to one of 128. */
async function growth(name: string, runs: number, shape: (size: number) => Index): Promise<Row[]> {
  const [small, large] = [shape(16), shape(128)]
  const roots = [requirement(extensionId('root'), '*')]
  const [before, after]: [number[], number[]] = [[], []]
  for (let round = 0; round <= runs; round++) {
    const [one, other] = [await timed(small, roots), await timed(large, roots)]
    if (round === 0) continue
    before.push(one)
    after.push(other)
  }
  const what = `solve 8 times as ${name}`
  const grown = times(spread(after).median / spread(before).median)
  const [from, to] = [await counted(small, roots), await counted(large, roots)]
  return [
    { ...row(`${what}: time`, spread(after), grown), goal: '≤ 16×' },
    ...(['requests', 'rounds'] as const).map((count) => ({
      what: `${what}: ${count === 'requests' ? count : 'rounds of requests'}`,
      min: String(to[count]),
      median: String(to[count]),
      ratio: times(to[count] / from[count]),
    })),
  ]
}

function requirement(id: PackageId, text: string): Requirement {
  return { id, set: setOf(text), text }
}

/** So many packages, each of which requires the next. */
function deep(size: number): Index {
  return grid(size, 20, (at) => (at + 1 < size ? [[at + 1, '^1.0.0']] : []))
}

/** One package that requires all others, which all require the last. */
function broad(size: number): Index {
  return grid(size, 20, (at) => {
    if (at === 0) return Array.from({ length: size - 1 }, (_, other) => [other + 1, '^1.0.0'])
    return at + 1 < size ? [[size - 1, '^1.0.0']] : []
  })
}

/** Eight packages with so many versions, each of which requires the same of the next; the last has only the first. */
function contrary(size: number): Index {
  const index = new Map(grid(8, size, (at, text) => (at < 7 ? [[at + 1, text]] : [])))
  const last = extensionId('package-7')
  return index.set(last, new Map([...(index.get(last) ?? [])].slice(0, 1)))
}

function grid(
  size: number,
  versions: number,
  requires: (at: number, text: string) => readonly (readonly [number, string])[],
): Map<PackageId, ReadonlyMap<Version, readonly Requirement[]>> {
  const idOf = (at: number) => extensionId(at === 0 ? 'root' : `package-${at}`)
  return new Map(
    Array.from({ length: size }, (_, at) => {
      const own = Array.from({ length: versions }, (_, minor) => {
        const text = `1.${minor}.0`
        const list = requires(at, text).map(([to, range]) => requirement(idOf(to), range))
        return [parseVersion(text), list] as const
      })
      return [idOf(at), new Map(own)] as const
    }),
  )
}

/** Milliseconds until MiniSat has found a solution, clauses included. */
function satisfied(index: Index, roots: readonly Requirement[]): number {
  const variable = (id: PackageId, { version }: Version) => `${id}@${version}`
  const fitting = ({ id, set }: Requirement) =>
    [...(index.get(id)?.keys() ?? [])].flatMap((version) =>
      includes(set, version) ? [variable(id, version)] : [],
    )
  const start = process.cpuUsage()
  const found = Logic.disablingAssertions(() => {
    const solver = new Logic.Solver()
    for (const root of roots) solver.require(Logic.or(fitting(root)))
    for (const id of reached(index, roots)) {
      const own = [...(index.get(id) ?? [])]
      solver.require(Logic.atMostOne(own.map(([version]) => variable(id, version))))
      for (const [version, requires] of own)
        for (const one of requires) solver.require(Logic.or(`-${variable(id, version)}`, fitting(one)))
    }
    return solver.solve()
  })
  const took = since(start)
  if (found === null) throw new Error(`${roots.map(({ id }) => id).join(', ')} cannot be solved`)
  return took
}

function reached(index: Index, roots: readonly Requirement[]): ReadonlySet<PackageId> {
  const found = new Set(roots.map(({ id }) => id))
  for (const id of found)
    for (const requires of index.get(id)?.values() ?? []) for (const one of requires) found.add(one.id)
  return found
}

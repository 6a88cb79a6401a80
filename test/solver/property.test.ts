import { beforeAll, describe, expect, test } from 'vitest'
import { type Fact, factsOf } from '../../src/solver/facts.ts'
import type { Incompatibility } from '../../src/solver/incompatibility.ts'
import { factsProvider, reduce, rootsOf } from '../../src/solver/reduce.ts'
import type { Solution, SolveOptions } from '../../src/solver/solution.ts'
import { solve } from '../../src/solver/solve.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { compareVersions, type Version } from '../../src/version/version.ts'
import { complement, equals, exactly, includes, nothing, union } from '../../src/version/version-set.ts'
import { seeded, shuffled } from '../version/random.ts'
import { effective, FactsOracle, holdsTogether, needed, Oracle, requirementsOf } from './oracle.ts'
import { type Registry, RegistryProvider, randomRegistry } from './random-registry.ts'

const seeds = Array.from({ length: 2000 }, (_, at) => at + 1)

type Result = { readonly solution: Solution } | { readonly failure: Incompatibility }

/** Ends early and says which registry it was, should a search not end. */
async function solving(
  registry: Registry,
  provider: RegistryProvider,
  more: Partial<SolveOptions> = {},
): Promise<Result> {
  const signal = AbortSignal.timeout(10_000)
  try {
    return await solve(provider, { roots: registry.roots, ...registry.options, ...more, signal })
  } catch (error) {
    throw new Error(`seed ${registry.seed} was not solved`, { cause: error })
  }
}

/** What must hold of every registry; each says what is wrong, if anything. */
const properties = {
  'the verdict is that of an independent SAT solver': (registry, result) => {
    const expected = new Oracle(registry).solvable
    return 'solution' in result === expected ? undefined : `solvable is ${expected}`
  },
  'a solution meets every requirement, has nothing that is not needed, and says what it requires': (
    registry,
    result,
  ) => {
    if ('failure' in result) return undefined
    const { versions, requires } = result.solution
    if (!holdsTogether(registry, versions)) return 'a requirement is not met'
    if (needed(registry, versions).size !== versions.size) return 'something is not needed'
    if (requires.size !== versions.size) return 'requirements of something else'
    const other = [...versions].find(
      ([id, version]) => requires.get(id) !== requirementsOf(registry, id, version),
    )
    return other && `${other[0]} requires something else`
  },
  'no version of a solution could alone be a higher one, or a lower one where the lowest is asked': (
    registry,
    result,
  ) => {
    if ('failure' in result) return undefined
    const { versions } = result.solution
    for (const [id, version] of versions) {
      const direction = registry.options.lowest?.(id) === true ? -1 : 1
      for (const { version: other } of registry.packages.get(id) ?? [])
        if (
          compareVersions(other, version) * direction > 0 &&
          holdsTogether(registry, new Map([...versions, [id, other]]))
        )
          return `${id} ${version.version} could be ${other.version}`
    }
    return undefined
  },
  'nothing is asked twice': (_registry, _result, asked) => asked.find((one, at) => asked.indexOf(one) !== at),
  'what a failure follows from is true of what exists': (registry, result) => {
    const untrue = 'failure' in result && factsOf(result.failure).find((fact) => !isTrue(registry, fact))
    return untrue ? told([untrue]) : undefined
  },
  'the facts that a failure ends in cannot all hold, by the SAT solver': (_registry, result) => {
    if ('solution' in result) return undefined
    const facts = factsOf(result.failure)
    return new FactsOracle(facts).satisfiable() ? told(facts) : undefined
  },
} as const satisfies Readonly<
  Record<string, (registry: Registry, result: Result, asked: readonly string[]) => string | undefined>
>

const wrong = new Map<string, string[]>(Object.keys(properties).map((property) => [property, []]))
const solvable: number[] = []
const unsolvable: number[] = []
let [afterConflicts, longFailures] = [0, 0]

describe('on 2,000 random registries', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    for (const seed of seeds) {
      const registry = randomRegistry(seed)
      const provider = new RegistryProvider(registry)
      const result = await solving(registry, provider)
      if ('failure' in result) {
        unsolvable.push(seed)
        if (factsOf(result.failure).length > 4) longFailures += 1
      } else {
        solvable.push(seed)
        if (result.solution.counts.conflicts > 0) afterConflicts += 1
      }
      for (const [property, check] of Object.entries(properties)) {
        const found = check(registry, result, provider.asked)
        if (found !== undefined) wrong.get(property)?.push(`seed ${seed}: ${found}`)
      }
    }
  }, 240_000)

  test('a third or more can be solved and a third or more cannot, many after conflicts', () => {
    expect(solvable.length).toBeGreaterThan(seeds.length / 3)
    expect(unsolvable.length).toBeGreaterThan(seeds.length / 3)
    expect(afterConflicts).toBeGreaterThan(seeds.length / 4)
    expect(longFailures).toBeGreaterThan(seeds.length / 12)
  })

  test.each(Object.keys(properties))('%s', (property) => {
    expect(wrong.get(property)?.slice(0, 3)).toEqual([])
  })

  test('a lock that still fits is kept as it is, whatever higher versions there are', async () => {
    let others = 0
    for (const seed of solvable.slice(0, 300)) {
      const registry = randomRegistry(seed)
      const lock = new Oracle(registry).some(seeded(seed)) as ReadonlyMap<PackageId, Version>
      const [free, kept] = [
        await solving(registry, new RegistryProvider(registry)),
        await solving(registry, new RegistryProvider(registry), { preferred: lock }),
      ]
      if (shown(kept) !== show(lock)) expect.fail(`seed ${seed}: ${show(lock)} is not kept`)
      if (shown(free) !== show(lock)) others += 1
    }
    expect(others).toBeGreaterThan(100)
  })

  test('the result is the same in whatever order answers arrive', async () => {
    for (const seed of seeds.slice(0, 1000)) {
      const registry = randomRegistry(seed)
      const asked: string[] = []
      const results: string[] = []
      for (const delays of [undefined, 1, 2]) {
        const provider = new RegistryProvider(registry, delays)
        results.push(shown(await solving(registry, provider)))
        asked.push([...provider.asked].sort().join())
      }
      if (new Set(results).size > 1 || new Set(asked).size > 1)
        expect.fail(`seed ${seed}: ${results.join(' / ')}`)
    }
  })

  test('reduced facts still cannot all hold, yet could without any one of them, by the SAT solver', async () => {
    let [dropped, most] = [0, 0]
    for (const seed of unsolvable.slice(0, 100)) {
      const registry = randomRegistry(seed)
      const facts = await factsOfFailure(registry)
      // Besides the facts of the failure, as many that have no part in it.
      const padded = shuffled(seeded(seed), [...facts, ...allFacts(registry)]).slice(0, 200)
      const contradicting = new FactsOracle(padded).satisfiable() ? facts : padded
      const reduced = await reduce(contradicting)
      dropped += contradicting.length - reduced.length
      most = Math.max(most, contradicting.length)
      const oracle = new FactsOracle(reduced)
      if (oracle.satisfiable()) expect.fail(`seed ${seed}: ${told(reduced)}`)
      const idle = reduced.find((fact) => !oracle.satisfiable(fact))
      if (idle !== undefined) expect.fail(`seed ${seed} does not need ${told([idle])}`)
    }
    expect(dropped).toBeGreaterThan(3500)
    expect(most).toBe(200)
  })

  test('every failure can be proved again from its reduced facts alone, by nothing untrue', async () => {
    for (const seed of unsolvable) {
      const registry = randomRegistry(seed)
      const reduced = await reduce(await factsOfFailure(registry))
      const again = await solve(factsProvider(reduced), { roots: rootsOf(reduced) })
      if ('solution' in again) return expect.fail(`seed ${seed}`)
      const untrue = factsOf(again.failure).find((fact) => !isTrue(registry, fact))
      if (untrue !== undefined) expect.fail(`seed ${seed}: ${told([untrue])}`)
    }
  })
})

async function factsOfFailure(registry: Registry): Promise<readonly Fact[]> {
  const result = await solving(registry, new RegistryProvider(registry))
  return 'failure' in result ? factsOf(result.failure) : []
}

function shown(result: Result): string {
  return 'solution' in result ? show(result.solution.versions) : told(factsOf(result.failure))
}

function show(versions: ReadonlyMap<PackageId, Version>): string {
  return [...versions]
    .map(([id, { version }]) => `${id} ${version}`)
    .sort()
    .join(', ')
}

function told(facts: readonly Fact[]): string {
  return JSON.stringify(facts)
}

/** All that is known of a registry, a fact for each requirement of each version. */
function allFacts(registry: Registry): Fact[] {
  const roots = registry.roots.map(
    (root): Fact => ({ kind: 'root', requirement: { ...root, set: effective(registry, root) } }),
  )
  const packages = [...registry.packages].flatMap(([id, all]): Fact[] => [
    ...all.flatMap(({ version, dependencies }): Fact[] => {
      const set = exactly(version)
      if ('unavailable' in dependencies)
        return [{ kind: 'unavailable', id, set, because: dependencies.unavailable }]
      return dependencies.requires.map((one) => ({
        kind: 'dependency',
        id,
        set,
        requires: { ...one, set: effective(registry, one) },
      }))
    }),
    {
      kind: 'no-versions',
      id,
      set: complement(all.map(({ version }) => exactly(version)).reduce(union, nothing)),
    },
  ])
  return [...roots, ...packages]
}

/** What a fact says holds for every version that exists. */
function isTrue(registry: Registry, fact: Fact): boolean {
  if (fact.kind === 'root')
    return registry.roots.some(
      (root) =>
        root.id === fact.requirement.id &&
        root.origin === fact.requirement.origin &&
        equals(effective(registry, root), fact.requirement.set),
    )
  const own = (registry.packages.get(fact.id) ?? []).filter(({ version }) => includes(fact.set, version))
  switch (fact.kind) {
    case 'no-versions':
      return own.length === 0
    case 'unavailable':
      return own.every(
        ({ dependencies }) =>
          'unavailable' in dependencies && dependencies.unavailable.reason === fact.because.reason,
      )
    case 'dependency':
      return own.every(
        ({ dependencies }) =>
          'requires' in dependencies &&
          dependencies.requires.some(
            (one) => one.id === fact.requires.id && equals(effective(registry, one), fact.requires.set),
          ),
      )
  }
}

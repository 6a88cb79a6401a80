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

const seeds = Array.from({ length: 2500 }, (_, at) => at + 1)

interface Solved {
  readonly registry: Registry
  readonly result: { readonly solution: Solution } | { readonly failure: Incompatibility }
  readonly asked: readonly string[]
}

const all: Solved[] = []
const solvable: (Solved & { readonly solution: Solution })[] = []
const unsolvable: (Solved & { readonly facts: readonly Fact[] })[] = []

beforeAll(async () => {
  for (const seed of seeds) {
    const registry = randomRegistry(seed)
    const provider = new RegistryProvider(registry)
    const solved = { registry, result: await solving(registry, provider), asked: provider.asked }
    all.push(solved)
    if ('solution' in solved.result) solvable.push({ ...solved, ...solved.result })
    else unsolvable.push({ ...solved, facts: factsOf(solved.result.failure) })
  }
}, 60_000)

/** Ends early and says which registry it was, should a search not end. */
async function solving(registry: Registry, provider: RegistryProvider, more: Partial<SolveOptions> = {}) {
  const signal = AbortSignal.timeout(5000)
  try {
    return await solve(provider, { roots: registry.roots, ...registry.options, ...more, signal })
  } catch (error) {
    throw new Error(`seed ${registry.seed} was not solved`, { cause: error })
  }
}

/** The first registry of which something wrong can be said, and what. */
function firstWrong<T extends Solved>(list: readonly T[], wrong: (one: T) => string | undefined): string[] {
  for (const one of list) {
    const found = wrong(one)
    if (found !== undefined) return [`seed ${one.registry.seed}: ${found}`]
  }
  return []
}

describe('on 2,500 random registries', { timeout: 60_000 }, () => {
  test('a third or more can be solved and a third or more cannot, many after conflicts', () => {
    expect(solvable.length).toBeGreaterThan(seeds.length / 3)
    expect(unsolvable.length).toBeGreaterThan(seeds.length / 3)
    expect(solvable.filter(({ solution }) => solution.counts.conflicts > 0).length).toBeGreaterThan(300)
    expect(unsolvable.filter(({ facts }) => facts.length > 4).length).toBeGreaterThan(200)
  })

  test('the verdict is that of an independent SAT solver', () => {
    const wrong = firstWrong(all, ({ registry, result }) => {
      const expected = new Oracle(registry).solvable
      return 'solution' in result === expected ? undefined : `solvable is ${expected}`
    })
    expect(wrong).toEqual([])
  })

  test('a solution meets every requirement, has nothing that is not needed, and says what it requires', () => {
    const wrong = firstWrong(solvable, ({ registry, solution: { versions, requires } }) => {
      if (!holdsTogether(registry, versions)) return 'a requirement is not met'
      if (needed(registry, versions).size !== versions.size) return 'something is not needed'
      if (requires.size !== versions.size) return 'requirements of something else'
      for (const [id, version] of versions)
        if (requires.get(id) !== requirementsOf(registry, id, version)) return `${id} requires something else`
      return undefined
    })
    expect(wrong).toEqual([])
  })

  test('no version of a solution could alone be a higher one, or a lower one where the lowest is asked', () => {
    const wrong = firstWrong(solvable, ({ registry, solution: { versions } }) => {
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
    })
    expect(wrong).toEqual([])
  })

  test('a lock that still fits is kept as it is, whatever higher versions there are', async () => {
    let others = 0
    for (const { registry, solution } of solvable.slice(0, 400)) {
      const lock = new Oracle(registry).some(seeded(registry.seed)) as ReadonlyMap<PackageId, Version>
      const kept = await solving(registry, new RegistryProvider(registry), { preferred: lock })
      if (show('solution' in kept ? kept.solution.versions : new Map()) !== show(lock))
        expect.fail(`seed ${registry.seed}: ${show(lock)} is not kept`)
      if (show(solution.versions) !== show(lock)) others += 1
    }
    expect(others).toBeGreaterThan(150)
  })

  test('nothing is asked twice', () => {
    const wrong = firstWrong(all, ({ asked }) => asked.find((one, at) => asked.indexOf(one) !== at))
    expect(wrong).toEqual([])
  })

  test('the result is the same in whatever order answers arrive', async () => {
    for (const { registry, result, asked } of all.slice(0, 1000))
      for (const delays of [1, 2]) {
        const provider = new RegistryProvider(registry, delays)
        const again = await solving(registry, provider)
        const same =
          'solution' in result
            ? 'solution' in again && show(again.solution.versions) === show(result.solution.versions)
            : 'failure' in again && told(factsOf(again.failure)) === told(factsOf(result.failure))
        if (!same) expect.fail(`seed ${registry.seed}`)
        expect([...provider.asked].sort()).toEqual([...asked].sort())
      }
  })

  test('what a failure follows from is true of what exists', () => {
    const wrong = firstWrong(unsolvable, ({ registry, facts }) => {
      const untrue = facts.find((fact) => !isTrue(registry, fact))
      return untrue && told([untrue])
    })
    expect(wrong).toEqual([])
  })

  test('the facts that a failure ends in cannot all hold, by the SAT solver', () => {
    const wrong = firstWrong(unsolvable, ({ facts }) =>
      new FactsOracle(facts).satisfiable() ? told(facts) : undefined,
    )
    expect(wrong).toEqual([])
  })

  test('reduced facts still cannot all hold, yet could without any one of them, by the SAT solver', async () => {
    let [dropped, most] = [0, 0]
    for (const { registry, facts } of unsolvable.slice(0, 150)) {
      // Besides the facts of the failure, as many that have no part in it.
      const padded = shuffled(seeded(registry.seed), [...facts, ...allFacts(registry)]).slice(0, 200)
      const contradicting = new FactsOracle(padded).satisfiable() ? facts : padded
      const reduced = await reduce(contradicting)
      dropped += contradicting.length - reduced.length
      most = Math.max(most, contradicting.length)
      const oracle = new FactsOracle(reduced)
      if (oracle.satisfiable()) expect.fail(`seed ${registry.seed}: ${told(reduced)}`)
      const idle = reduced.find((fact) => !oracle.satisfiable(fact))
      if (idle !== undefined) expect.fail(`seed ${registry.seed} does not need ${told([idle])}`)
    }
    expect(dropped).toBeGreaterThan(5000)
    expect(most).toBe(200)
  })

  test('a failure can be proved again from the reduced facts alone, by nothing but them', async () => {
    for (const { registry, facts } of unsolvable.slice(0, 400)) {
      const reduced = await reduce(facts)
      const again = await solve(factsProvider(reduced), { roots: rootsOf(reduced), eager: true })
      if ('solution' in again) return expect.fail(`seed ${registry.seed}`)
      const untrue = factsOf(again.failure).find((fact) => !isTrue(registry, fact))
      if (untrue !== undefined) expect.fail(`seed ${registry.seed}: ${told([untrue])}`)
    }
  })
})

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

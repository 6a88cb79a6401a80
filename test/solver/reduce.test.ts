import { describe, expect, test } from 'vitest'
import type { Fact } from '../../src/solver/facts.ts'
import { factsProvider, factsSatisfiable, reduce, rootsOf } from '../../src/solver/reduce.ts'
import { solve } from '../../src/solver/solve.ts'
import { extensionId, type PackageId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { everything, setOf } from '../../src/version/version-set.ts'

const [app, disk, net] = ['app', 'disk', 'net'].map(extensionId) as [PackageId, PackageId, PackageId]

function root(id: PackageId, text: string): Fact {
  return { kind: 'root', requirement: { id, set: setOf(text), text } }
}

function dependency(id: PackageId, versions: string, on: PackageId, text: string): Fact {
  return { kind: 'dependency', id, set: setOf(versions), requires: { id: on, set: setOf(text), text } }
}

function missing(id: PackageId, versions: string): Fact {
  return { kind: 'no-versions', id, set: versions === '' ? everything : setOf(versions) }
}

const contradiction: readonly Fact[] = [
  root(app, '^1.0.0'),
  dependency(app, '>=1.0.0 <1.5.0', disk, '^2.0.0'),
  dependency(app, '>=1.5.0', disk, '^3.0.0'),
  missing(disk, '>=2.0.0'),
]

const idle: readonly Fact[] = [
  root(net, '*'),
  dependency(net, '*', disk, '*'),
  dependency(app, '<1.0.0', net, '^9.0.0'),
  missing(net, '<1.0.0'),
]

describe('reduce', () => {
  test('leaves out what has no part in a contradiction, and keeps the order', async () => {
    const mixed = contradiction.flatMap((fact, at) => [fact, idle[at] as Fact])
    expect(await reduce(mixed)).toEqual(contradiction)
  })

  test('keeps one of several contradictions: that which is met first', async () => {
    const other = [root(net, '^1.0.0'), missing(net, '')]
    expect(await reduce([...contradiction, ...other])).toEqual(contradiction)
    expect(await reduce([...other, ...contradiction])).toEqual(other)
  })

  test('asks once for each of up to 200 facts', async () => {
    const facts = Array.from({ length: 200 }, (_, at) => root(extensionId(`p${at}`), '*'))
    const needed = new Set([facts[7], facts[150]])
    let asked = 0
    const reduced = await reduce(facts, async (some) => {
      asked += 1
      return some.filter((fact) => needed.has(fact)).length < needed.size
    })
    expect(reduced).toEqual([facts[7], facts[150]])
    expect(asked).toBe(200)
  })

  test('leaves out many at once beyond 200, and is minimal where that helps', async () => {
    const facts = Array.from({ length: 5000 }, (_, at) => root(extensionId(`p${at}`), '*'))
    const needed = new Set([facts[0], facts[2499], facts[2500], facts[4999]])
    let asked = 0
    const reduced = await reduce(facts, async (some) => {
      asked += 1
      return some.filter((fact) => needed.has(fact)).length < needed.size
    })
    expect(reduced).toEqual([...needed])
    expect(asked).toBeLessThan(400)
  })

  test('gives back more than 200 where all of them are needed, after a bounded number of questions', async () => {
    const facts = Array.from({ length: 1000 }, (_, at) => root(extensionId(`p${at}`), '*'))
    let asked = 0
    const reduced = await reduce(facts, async (some) => {
      asked += 1
      return some.length < facts.length
    })
    expect(reduced).toEqual(facts)
    expect(asked).toBeLessThan(130)
  })

  test('leaves facts alone that do not contradict each other', async () => {
    expect(await factsSatisfiable(idle)).toBe(true)
    expect(await reduce(idle)).toEqual(idle)
  })
})

describe('a world of facts', () => {
  test('has a version wherever a set begins or ends, and none that a fact says is missing', async () => {
    const provider = factsProvider(contradiction)
    const texts = async (id: PackageId) => (await provider.versions(id)).map(({ version }) => version).sort()
    expect(await texts(app)).toEqual(['0.0.0', '0.0.0-0', '1.0.0', '1.5.0', '2.0.0'])
    expect(await texts(disk)).toEqual(['0.0.0', '0.0.0-0'])
    expect(await texts(net)).toEqual([])
    expect(await provider.dependencies(app, parseVersion('1.5.0'))).toMatchObject({
      requires: [{ id: disk, text: '^3.0.0' }],
    })
    expect(await provider.dependencies(app, parseVersion('0.0.0'))).toEqual({ requires: [] })
  })

  test('refuses what a fact says is unavailable, for the reason it gives', async () => {
    const because = { cause: 'platform', reason: 'is not available for linux/arm64' } as const
    const facts: readonly Fact[] = [
      root(app, '^1.0.0'),
      { kind: 'unavailable', id: app, set: setOf('<2.0.0'), because },
    ]
    expect(await factsProvider(facts).dependencies(app, parseVersion('1.0.0'))).toEqual({
      unavailable: because,
    })
    expect(await factsSatisfiable(facts)).toBe(false)
    expect(await factsSatisfiable([root(app, '>=1.0.0'), ...facts.slice(1)])).toBe(true)
  })

  test('never takes versions that no fact speaks of for missing', async () => {
    expect(await factsSatisfiable([root(app, '^1.0.0')])).toBe(true)
    expect(await factsSatisfiable([root(app, '^1.0.0'), missing(app, '>=1.0.0 <1.9.0')])).toBe(true)
    expect(await factsSatisfiable([root(app, '^1.0.0'), missing(app, '^1.0.0')])).toBe(false)
    // What has no prereleases may yet have one that a range names.
    expect(await factsSatisfiable([root(app, '^1.0.0-rc.1'), missing(app, '*')])).toBe(true)
  })

  test('fails as what it was taken from failed', async () => {
    const result = await solve(factsProvider(contradiction), { roots: rootsOf(contradiction) })
    expect(result).toHaveProperty('failure')
    const without = contradiction.filter((fact) => fact.kind !== 'no-versions')
    expect(await solve(factsProvider(without), { roots: rootsOf(without) })).toHaveProperty('solution')
  })
})

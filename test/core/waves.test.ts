import { describe, expect, it } from 'vitest'
import { cycles, order, shards, showCycle, waves } from '../../src/core/waves.ts'

type Edges = Readonly<Record<string, readonly string[]>>
const needs = (edges: Edges) => (node: string) => edges[node] ?? []
const wavesOf = (edges: Edges) => waves(Object.keys(edges), needs(edges))
const cyclesOf = (edges: Edges) => cycles(Object.keys(edges), needs(edges))

/** A graph without cycles: each node needs some of those before it, in an order that names do not tell. */
function random(seed: number, size: number): Edges {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  const names = Array.from({ length: size }, (_, at) => `n${(at * 7919) % size}`)
  return Object.fromEntries(
    names.map((name, at) => [
      name,
      at === 0 ? [] : Array.from({ length: next(4) }, () => names[next(at)] ?? ''),
    ]),
  )
}

describe('waves', () => {
  it('put each node right after the last thing it needs, sorted within a wave', () => {
    expect(wavesOf({ web: ['kube', 'redis'], kube: ['etcd'], etcd: [], redis: [], apart: [] })).toEqual([
      ['apart', 'etcd', 'redis'],
      ['kube'],
      ['web'],
    ])
  })

  it('leave out what is no node, and count a thing needed twice once', () => {
    expect(wavesOf({ a: ['elsewhere', 'b', 'b'], b: [] })).toEqual([['b'], ['a']])
  })

  it('are the same whatever order nodes and edges come in, and none for nothing', () => {
    const edges: Edges = { d: ['c', 'a'], c: ['b'], b: [], a: [] }
    const turned = Object.fromEntries(
      Object.entries(edges)
        .reverse()
        .map(([node, to]) => [node, [...to].reverse()]),
    )
    expect(wavesOf(turned)).toEqual(wavesOf(edges))
    expect(wavesOf({})).toEqual([])
  })

  it('hold what they promise on a hundred random graphs', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const edges = random(seed, 40)
      const at = new Map(wavesOf(edges).flatMap((wave, index) => wave.map((node) => [node, index])))
      expect([...at.keys()].sort()).toEqual(Object.keys(edges).sort())
      for (const [node, needed] of Object.entries(edges))
        expect(at.get(node)).toBe(Math.max(-1, ...needed.map((one) => at.get(one) ?? Number.NaN)) + 1)
    }
  })

  it('are refused for a cycle, which is printed whole', () => {
    expect(() => wavesOf({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })).toThrow(
      expect.objectContaining({
        code: 'DEPENDENCY_CYCLE',
        exit: 2,
        message: expect.stringContaining('a → b → c → a'),
      }),
    )
  })

  it('reach twenty thousand nodes deep', () => {
    const deep = Array.from({ length: 20_000 }, (_, at) => String(at))
    const before = (node: string) => (node === '0' ? [] : [String(Number(node) - 1)])
    expect(order(deep, before)).toEqual(deep)
    expect(cycles(deep, (node) => (node === '0' ? ['19999'] : before(node)))[0]).toHaveLength(20_000)
  })
})

describe('cycles', () => {
  it('are none where there is an order', () => {
    for (let seed = 1; seed <= 100; seed++) expect(cyclesOf(random(seed, 40))).toEqual([])
  })

  it('are each told once, the shortest way round, a node that needs itself included', () => {
    expect(cyclesOf({ a: ['b'], b: ['c', 'a'], c: ['a'], x: ['y'], y: ['x'], z: ['z'] })).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['x', 'y'],
      ['z'],
    ])
  })

  it('are real, each another one, and told exactly of graphs without an order', () => {
    let cyclic = 0
    for (let seed = 1; seed <= 200; seed++) {
      const edges: Record<string, readonly string[]> = { ...random(seed, 12) }
      const names = Object.keys(edges)
      const [from = '', to = ''] = [names[seed % 12], names[(seed * 5) % 12]]
      edges[from] = [...(edges[from] ?? []), to]
      const found = cyclesOf(edges)
      for (const cycle of found) {
        expect(new Set(cycle).size).toBe(cycle.length)
        for (const [at, node] of cycle.entries())
          expect(edges[node]).toContain(cycle[(at + 1) % cycle.length])
      }
      expect(new Set(found.map((cycle) => [...cycle].sort().join())).size).toBe(found.length)
      if (found.length === 0) expect(wavesOf(edges).flat()).toHaveLength(12)
      else expect(() => wavesOf(edges)).toThrow('Nothing can come first')
      if (found.length > 0) cyclic += 1
    }
    expect(cyclic).toBeGreaterThan(20)
    expect(cyclic).toBeLessThan(180)
  })

  it('are at most fifty of a graph where everything needs everything', () => {
    const names = Array.from({ length: 60 }, (_, at) => `n${at}`)
    expect(cycles(names, () => names)).toHaveLength(50)
  })

  it('are shown with the first node again at the end', () => {
    expect(showCycle(['a', 'b', 'c'])).toBe('a → b → c → a')
  })
})

describe('shards', () => {
  it('hold at most so many each, and none is empty', () => {
    expect(shards([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
    expect(shards([1, 2], 2)).toEqual([[1, 2]])
    expect(shards([], 256)).toEqual([])
  })
})

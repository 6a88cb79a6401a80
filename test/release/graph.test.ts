import { describe, expect, it } from 'vitest'
import { type PackageGraph, packageGraph } from '../../src/release/graph.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { everything } from '../../src/version/version-set.ts'
import { checked } from './packages.ts'

const ids = (...names: readonly string[]) => new Set(names.map(extensionId))
const told = (graph: PackageGraph, ...preferred: readonly string[]) =>
  graph.cycles().map((cycle) => graph.cycleFinding(cycle, ids(...preferred)))
const any = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '^1.0.0']))

describe('the graph of a repository', () => {
  it('has an edge for every dependency, at its key in the manifest', async () => {
    const graph = packageGraph(
      await checked({
        'taskservs/kube': { etcd: '^3.5.0', elsewhere: '>=1.0.0 <2.0.0' },
        'taskservs/etcd': {},
      }),
    )
    expect([...graph.nodes.keys()]).toEqual(['etcd', 'kube'])
    expect(graph.nodes.get(extensionId('kube'))).toMatchObject({
      version: { version: '1.0.0' },
      dependencies: [
        { to: 'etcd', range: '^3.5.0', place: { file: 'taskservs/kube/manifest.yaml', line: 7, column: 3 } },
        { to: 'elsewhere', place: { line: 8, column: 3 } },
      ],
    })
    expect(graph.waves()).toEqual([['etcd'], ['kube']])
    expect(graph.order()).toEqual(['etcd', 'kube'])
  })

  it('takes dependencies that stand elsewhere, such as those of kcl.mod', async () => {
    const packages = await checked({ 'taskservs/kube': {}, 'taskservs/etcd': {} })
    const [from, to] = [extensionId('etcd'), extensionId('kube')]
    const place = { file: 'taskservs/etcd/kcl/kcl.mod', line: 5 }
    const graph = packageGraph(packages, [
      { from, to, range: '*', set: everything, place },
      { from: kclId('unknown'), to, range: '*', set: everything, place },
    ])
    expect(graph.order()).toEqual(['kube', 'etcd'])
  })

  it('keeps dependencies of a manifest with other mistakes', async () => {
    const packages = await checked({ 'taskservs/kube': any('etcd', 'Not a name'), 'taskservs/etcd': {} })
    expect(packages.map((one) => one.manifest === undefined)).toEqual([false, true])
    expect(packageGraph(packages).order()).toEqual(['etcd', 'kube'])
  })

  it('takes a thousand dependencies of one manifest, and no more than the manifest may have', async () => {
    const many = any(...Array.from({ length: 1001 }, (_, at) => `n${at}`))
    const [one] = await checked({ 'taskservs/kube': many })
    expect(one?.findings).toMatchObject([
      { code: 'MANIFEST_VALUE_INVALID', message: expect.stringContaining('1000'), place: { line: 7 } },
    ])
    if (one === undefined) return
    const { nodes } = packageGraph([one])
    expect(nodes.get(extensionId('kube'))?.dependencies).toHaveLength(1000)
    const { n1000: _, ...fewer } = many
    expect((await checked({ 'taskservs/kube': fewer }))[0]?.findings).toEqual([])
  })

  it('tells dependents at any remove, and follows a cycle once', async () => {
    const graph = packageGraph(
      await checked({
        'taskservs/a': any('b'),
        'taskservs/b': any('c', 'a'),
        'taskservs/c': any('gone'),
        'providers/x': any('b'),
        'taskservs/apart': {},
      }),
    )
    expect(graph.withDependents(ids('c'))).toEqual(ids('c', 'b', 'a', 'x'))
    expect(graph.withDependents(ids('gone'))).toEqual(ids('gone', 'c', 'b', 'a', 'x'))
    expect(graph.withDependents(ids('apart'))).toEqual(ids('apart'))
  })

  it('names packages of two kinds that no dependency could tell apart', async () => {
    const packages = await checked({ 'taskservs/web': {}, 'clusters/web': {} })
    expect(packageGraph(packages).twins).toMatchObject([
      {
        code: 'PACKAGE_COLLISION',
        message: expect.stringContaining('cluster clusters/web and taskserv taskservs/web'),
        place: { file: 'taskservs/web/manifest.yaml', line: 1, column: 7 },
      },
    ])
  })
})

describe('a cycle', () => {
  const circle = { 'taskservs/a': any('b'), 'taskservs/b': any('c'), 'providers/c': any('z', 'a') }

  it('is one finding with the whole cycle, at the dependency that closes it', async () => {
    const graph = packageGraph(await checked(circle))
    expect(told(graph)).toEqual([
      {
        code: 'DEPENDENCY_CYCLE',
        level: 'error',
        message: 'Dependencies in a circle: a → b → c → a',
        place: { file: 'providers/c/manifest.yaml', line: 8, column: 3 },
        hint: expect.any(String),
      },
    ])
    expect(() => graph.waves()).toThrow('a → b → c → a')
  })

  it('is turned so that a package closes it that somebody works on', async () => {
    const graph = packageGraph(await checked(circle))
    expect(told(graph, 'a')).toMatchObject([
      {
        message: expect.stringContaining('b → c → a → b'),
        place: { file: 'taskservs/a/manifest.yaml', line: 7 },
      },
    ])
    expect(told(graph, 'elsewhere')[0]?.message).toContain('a → b → c → a')
  })

  it('is a finding each where there are several, and none without', async () => {
    const two = { ...circle, 'clusters/x': any('y'), 'clusters/y': any('x') }
    expect(told(packageGraph(await checked(two))).map((one) => one.message)).toEqual([
      'Dependencies in a circle: a → b → c → a',
      'Dependencies in a circle: x → y → x',
    ])
    expect(packageGraph(await checked({ 'taskservs/a': any('b'), 'taskservs/b': {} })).cycles()).toEqual([])
  })
})

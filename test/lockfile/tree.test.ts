import { describe, expect, it } from 'vitest'
import { graphText } from '../../src/lockfile/graph.ts'
import { type TreeNode, treeOf, waysTo } from '../../src/lockfile/tree.ts'
import { extensionId } from '../../src/version/package-id.ts'
import { lockOf } from './locks.ts'

const lock = lockOf(
  { kubernetes: '^1.28', monitoring: '*' },
  {
    kubernetes: ['1.28.0', { containerd: '>=1.7.0', etcd: '^3.5.0', core: '>=3.5.0' }],
    containerd: ['1.7.22', { runc: '^1.1.0' }],
    etcd: ['3.5.16'],
    runc: ['1.1.13'],
    monitoring: ['2.0.0', { containerd: '^1.7.0' }],
  },
)

const draw = (nodes: readonly TreeNode[], indent = ''): string[] =>
  nodes.flatMap((one) => [
    `${indent}${one.id} ${one.version}${one.text === undefined ? '' : ` (${one.text})`}${one.repeated ? ' (*)' : ''}${one.cut ? ' …' : ''}`,
    ...draw(one.children, `${indent}  `),
  ])

describe('the tree of a lock', () => {
  it('starts at roots that nothing needs and shows what comes again once in full', () => {
    expect(draw(treeOf(lock))).toEqual([
      'kubernetes 1.28.0',
      '  containerd 1.7.22 (>=1.7.0)',
      '    runc 1.1.13 (^1.1.0)',
      '  etcd 3.5.16 (^3.5.0)',
      'monitoring 2.0.0',
      '  containerd 1.7.22 (^1.7.0) (*)',
    ])
  })

  it('turned round shows who needs a package', () => {
    expect(draw(treeOf(lock, { of: [extensionId('runc')], invert: true }))).toEqual([
      'runc 1.1.13',
      '  containerd 1.7.22 (^1.1.0)',
      '    kubernetes 1.28.0 (>=1.7.0)',
      '    monitoring 2.0.0 (^1.7.0)',
    ])
  })

  it('ends at the depth that is asked for and says where', () => {
    expect(draw(treeOf(lock, { depth: 1 }))).toEqual([
      'kubernetes 1.28.0',
      '  containerd 1.7.22 (>=1.7.0) …',
      '  etcd 3.5.16 (^3.5.0)',
      'monitoring 2.0.0',
      '  containerd 1.7.22 (^1.7.0) …',
    ])
  })

  it('ends somewhere in a chain that is deeper than any program can follow, and says so', () => {
    const name = (at: number) => `p${String(at).padStart(5, '0')}`
    const needed = (at: number): Record<string, string> => (at < 19_999 ? { [name(at + 1)]: '*' } : {})
    const chain = Array.from({ length: 20_000 }, (_, at) => [name(at), ['1.0.0', needed(at)]] as const)
    const lines = draw(treeOf(lockOf({ [name(0)]: '*' }, Object.fromEntries(chain)), { depth: 1e9 }))
    expect(lines).toHaveLength(501)
    expect(lines.at(-1)).toMatch(/p00500 1\.0\.0 \(\*\) …$/)
  })

  it('ends where a cycle comes round, even when every root is on it', () => {
    const round = lockOf({ a: '*', b: '*' }, { a: ['1.0.0', { b: '*' }], b: ['1.0.0', { a: '*' }] })
    expect(draw(treeOf(round))).toEqual(['a 1.0.0', '  b 1.0.0 (*)', '    a 1.0.0 (*) (*)', 'b 1.0.0 (*)'])
  })
})

describe('why a package is there', () => {
  it('is one shortest way from each root', () => {
    const ways = waysTo(lock, extensionId('runc')).map((way) =>
      way
        .map((one) => `${one.id} ${one.version}${one.text === undefined ? '' : ` (${one.text})`}`)
        .join(' → '),
    )
    expect(ways).toEqual([
      'kubernetes 1.28.0 (^1.28) → containerd 1.7.22 (>=1.7.0) → runc 1.1.13 (^1.1.0)',
      'monitoring 2.0.0 (*) → containerd 1.7.22 (^1.7.0) → runc 1.1.13 (^1.1.0)',
    ])
  })

  it('is itself where it is asked for directly and by nobody else', () => {
    expect(waysTo(lock, extensionId('monitoring'))).toEqual([
      [{ id: 'monitoring', version: '2.0.0', text: '*' }],
    ])
  })

  it('has no way for a package that is not there', () => {
    expect(waysTo(lock, extensionId('crio'))).toEqual([])
  })
})

describe('the graph for other programs', () => {
  const small = lockOf(
    { a: '>=1 "x" <2' },
    { a: ['1.0.0', { 'kcl:b': '>=1.0.0 <2.0.0' }], 'kcl:b': ['1.2.0'] },
  )

  it('is a flowchart whose labels cannot end early', () => {
    expect(graphText(small, 'mermaid')).toBe(
      ['graph TD', '  p0["a 1.0.0"]', '  p1["kcl:b 1.2.0"]', '  p0 -->|"#62;=1.0.0 #60;2.0.0"| p1'].join(
        '\n',
      ),
    )
  })

  it('is a Graphviz digraph', () => {
    expect(graphText(small, 'dot')).toBe(
      [
        'digraph dependencies {',
        '  "a" [label="a 1.0.0"];',
        '  "kcl:b" [label="kcl:b 1.2.0"];',
        '  "a" -> "kcl:b" [label=">=1.0.0 <2.0.0"];',
        '}',
      ].join('\n'),
    )
  })

  it('is JSON with nodes and edges', () => {
    expect(JSON.parse(graphText(small, 'json'))).toEqual({
      nodes: [
        { id: 'a', kind: 'taskserv', version: '1.0.0' },
        { id: 'kcl:b', kind: 'taskserv', version: '1.2.0' },
      ],
      edges: [{ from: 'a', to: 'kcl:b', text: '>=1.0.0 <2.0.0' }],
    })
  })
})

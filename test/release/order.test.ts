import { describe, expect, it } from 'vitest'
import { type Ordered, orderOf } from '../../src/release/order.ts'
import { orderedPackage } from '../../src/release/ordered.ts'

function one(name: string, version: string, more: Readonly<Record<string, unknown>> = {}): Ordered {
  const document = { name, type: 'taskserv', version, ...more }
  return { repository: name, tag: version, package: orderedPackage(document) }
}

/** The waves by label, and what each one needs. */
function ordered(all: readonly Ordered[]) {
  const order = orderOf(all)
  const label = (at: number) => `${all[at]?.repository} ${all[at]?.tag}`
  return {
    waves: order.waves.map((wave) => wave.map(label)),
    needs: Object.fromEntries(order.needs.map((needs, at) => [label(at), needs.map(label)])),
  }
}

describe('the order of releases', () => {
  it('puts dependencies into earlier waves, and what needs nothing into the first', () => {
    const all = [
      one('kubernetes', '1.28.0', { dependencies: { containerd: '^1.7.0', etcd: '*' } }),
      one('containerd', '1.7.2', { dependencies: { runc: '>=1.1.0' } }),
      one('runc', '1.1.0'),
      one('etcd', '3.5.0'),
    ]
    expect(ordered(all)).toEqual({
      waves: [['etcd 3.5.0', 'runc 1.1.0'], ['containerd 1.7.2'], ['kubernetes 1.28.0']],
      needs: {
        'kubernetes 1.28.0': ['containerd 1.7.2', 'etcd 3.5.0'],
        'containerd 1.7.2': ['runc 1.1.0'],
        'runc 1.1.0': [],
        'etcd 3.5.0': [],
      },
    })
  })

  it('waits for every version that a range admits and for no other', () => {
    const all = [
      one('cilium', '1.0.0', { dependencies: { kubernetes: '^1.0.0' } }),
      one('kubernetes', '1.1.0'),
      one('kubernetes', '2.0.0', { dependencies: { cilium: '^1.0.0' } }),
      one('kubernetes', '1.0.0'),
    ]
    expect(ordered(all).waves).toEqual([
      ['kubernetes 1.0.0'],
      ['kubernetes 1.1.0'],
      ['cilium 1.0.0'],
      ['kubernetes 2.0.0'],
    ])
    expect(ordered(all).needs['cilium 1.0.0']).toEqual(['kubernetes 1.0.0', 'kubernetes 1.1.0'])
  })

  it('releases lower versions first by precedence, without one needing the other', () => {
    const all = [one('etcd', '3.10.0'), one('etcd', '3.9.0'), one('etcd', '3.10.0-rc.1')]
    expect(ordered(all).waves).toEqual([['etcd 3.9.0'], ['etcd 3.10.0-rc.1'], ['etcd 3.10.0']])
    expect(orderOf(all).needs).toEqual([[], [], []])
  })

  it('lets an extension wait for the core it asks for', () => {
    const core = { repository: 'provisioning-core', tag: 'v3.5.0' }
    const document = { name: 'provisioning-core', type: 'core', version: '3.5.0' }
    const all = [
      one('etcd', '3.5.0', { min_provisioning_version: '3.5.0' }),
      { ...core, package: orderedPackage(document) },
      one('redis', '7.0.0', { min_provisioning_version: '3.6.0' }),
    ]
    expect(ordered(all).waves).toEqual([['provisioning-core v3.5.0', 'redis 7.0.0'], ['etcd 3.5.0']])
  })

  it('prints the whole cycle that nothing can come first in', () => {
    const all = [
      one('a', '1.0.0', { dependencies: { b: '*' } }),
      one('b', '1.0.0', { dependencies: { c: '*' } }),
      one('c', '1.0.0', { dependencies: { a: '*' } }),
    ]
    expect(() => orderOf(all)).toThrowError(
      expect.objectContaining({
        code: 'DEPENDENCY_CYCLE',
        exit: 2,
        message: expect.stringContaining('a:1.0.0 → b:1.0.0 → c:1.0.0 → a:1.0.0'),
      }),
    )
  })

  it('takes nothing from a document that says it wrongly', () => {
    expect(orderedPackage(undefined)).toBeUndefined()
    expect(orderedPackage({ name: 'a', version: '1.0' })).toBeUndefined()
    const odd = orderedPackage({ name: 'a', version: '1.0.0', dependencies: { b: 'no range', c: 7 } })
    expect(odd?.requires).toEqual([])
    const own = JSON.parse('{"name":"a","version":"1.0.0","dependencies":{"__proto__":"*"}}')
    expect(orderedPackage(own)?.requires.map(({ id }) => id)).toEqual(['__proto__'])
  })
})

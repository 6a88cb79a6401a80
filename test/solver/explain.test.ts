import { expect, test } from 'vitest'
import { explain } from '../../src/solver/explain.ts'
import { explainFailure } from '../../src/solver/explain-failure.ts'
import type { Incompatibility } from '../../src/solver/incompatibility.ts'
import { dependencyIncompatibility, derive, rootIncompatibility } from '../../src/solver/incompatibility.ts'
import type { Root, SolveOptions } from '../../src/solver/solution.ts'
import { solve } from '../../src/solver/solve.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { everything, setOf } from '../../src/version/version-set.ts'
import { ladder } from './hard-shapes.ts'
import { type Registry, requirementsOf, rootsOf, Table } from './registry.ts'

interface More extends Omit<Partial<SolveOptions>, 'roots'> {
  /** Where the first root is written. */
  readonly origin?: string
  readonly nearest?: readonly string[]
}

/** What a user reads: the sentences, then a line for each hint. */
async function explained(registry: Registry, asked: string, { origin, nearest = [], ...options }: More = {}) {
  const table = new Table(registry)
  const roots: readonly Root[] = rootsOf(asked).map((root, at) =>
    at === 0 && origin !== undefined ? { ...root, origin } : root,
  )
  const result = await solve(table, { ...options, roots })
  if ('solution' in result) throw new Error('this can be solved')
  const known = { versions: (id: PackageId) => table.versions(id), nearest: async () => nearest }
  const { text, hints } = await explainFailure(result.failure, known, { ...options, roots })
  return [...text.split('\n'), ...hints.map((hint) => `hint: ${hint}`)]
}

const each = (id: string, versions: readonly string[], requires: string) =>
  Object.fromEntries(versions.map((version) => [`${id} ${version}`, requires]))

test('a core that is too old', async () => {
  const registry = {
    ...each('kubernetes', ['1.28.0', '1.28.1', '1.29.0'], 'etcd ^3.5.0, core >=4.0.0'),
    'etcd 3.5.0': '',
    'core 3.5.0': '',
  }
  const origin = 'workspace/config/provisioning.yaml:12:9'
  expect(await explained(registry, 'kubernetes ^1.28.0', { origin })).toEqual([
    'Because every version of kubernetes requires provisioning >=4.0.0 and provisioning is 3.5.0, no version of kubernetes can be used.',
    'So, because you require kubernetes ^1.28.0 (workspace/config/provisioning.yaml:12:9), your requirements cannot be met.',
    'hint: Use provisioning >=4.0.0, or versions of kubernetes that accept 3.5.0.',
  ])
})

test('two ranges on one package', async () => {
  const registry = { 'etcd 3.4.0': '', 'etcd 3.5.0': '' }
  expect(await explained(registry, 'etcd ~3.4.0, etcd ~3.5.0')).toEqual([
    'Because you require etcd ~3.4.0 and etcd ~3.5.0, your requirements cannot be met.',
  ])
})

test('a chain of dependencies against a root', async () => {
  const registry = {
    ...each('foo', ['1.0.0', '1.1.0'], 'bar ^2.0.0'),
    ...each('bar', ['2.0.0', '2.1.0'], 'baz ^3.0.0'),
    'baz 1.0.0': '',
    'baz 3.0.0': '',
  }
  expect(await explained(registry, 'foo ^1.0.0, baz ^1.0.0')).toEqual([
    'Because every version of foo depends on bar ^2.0.0, which depends on baz ^3.0.0, every version of foo requires baz ^3.0.0.',
    'So, because you require foo ^1.0.0 and baz ^1.0.0, your requirements cannot be met.',
  ])
})

test('versions are told by what exists, and neighbours that require the same are told together', async () => {
  const registry = {
    ...each('kubernetes', ['1.28.0', '1.28.1'], 'etcd ^3.5.0'),
    ...each('kubernetes', ['1.29.0', '1.30.0'], 'etcd ^3.6.0'),
    ...each('etcd', ['3.4.0', '3.5.0', '3.6.0'], ''),
    ...each('backup', ['0.1.0', '0.2.0'], 'etcd <3.6.0'),
    'backup 0.3.0': 'etcd <3.5.0',
  }
  expect(await explained(registry, 'kubernetes >=1.29.0, backup >=0.1.0')).toEqual([
    'Because backup <=0.2.0 depends on etcd <3.6.0 and backup 0.3.0 depends on etcd <3.5.0, every version of backup requires etcd <3.6.0.',
    'And because kubernetes >=1.29.0 depends on etcd ^3.6.0, kubernetes >=1.29.0 does not go together with any version of backup.',
    'So, because you require kubernetes >=1.29.0 and backup >=0.1.0, your requirements cannot be met.',
  ])
})

test('versions that fail for different reasons: two ways, of which the first gets a number', async () => {
  const registry = {
    'foo 1.0.0': 'a ^1.0.0, b ^1.0.0',
    'foo 1.1.0': 'x ^1.0.0, y ^1.0.0',
    'a 1.0.0': 'b ^2.0.0',
    'x 1.0.0': 'y ^2.0.0',
    ...each('b', ['1.0.0', '2.0.0'], ''),
    ...each('y', ['1.0.0', '2.0.0'], ''),
  }
  expect(await explained(registry, 'foo ^1.0.0')).toEqual([
    'Because a 1.0.0 depends on b ^2.0.0 and foo 1.0.0 depends on b ^1.0.0, a 1.0.0 does not go together with foo 1.0.0.',
    'And because foo 1.0.0 depends on a ^1.0.0, foo 1.0.0 cannot be used. (1)',
    '',
    'Because foo 1.1.0 depends on x ^1.0.0, which depends on y ^2.0.0, foo 1.1.0 requires y ^2.0.0.',
    'And because foo 1.1.0 depends on y ^1.0.0, foo 1.1.0 cannot be used.',
    'And because foo 1.0.0 cannot be used (1), no version of foo can be used.',
    'So, because you require foo ^1.0.0, your requirements cannot be met.',
  ])
})

test('a package that nobody has: names that are near', async () => {
  const registry = { 'web 1.0.0': 'kubernets ^1.0.0' }
  expect(await explained(registry, 'web *', { nearest: ['kubernetes', 'kubelet'] })).toEqual([
    'Because web 1.0.0 depends on kubernets ^1.0.0, which was not found in any source, web 1.0.0 cannot be used.',
    'So, because you require web, your requirements cannot be met.',
    'hint: Did you mean kubernetes or kubelet?',
  ])
  expect(await explained({}, 'web *')).toEqual([
    'Because you require web, which was not found in any source, your requirements cannot be met.',
    'hint: Check the name of web, or add the source that has it.',
  ])
})

test.each([
  ['a ^2.0.0', 'the newest is 1.7.0'],
  ['a ^0.5.0', 'the oldest is 1.5.0'],
  ['a ~1.6.0', 'the nearest are 1.5.0 and 1.7.0'],
])('%s, which no version matches: %s', async (asked, where) => {
  expect(await explained({ 'a 1.5.0': '', 'a 1.7.0': '' }, asked)).toEqual([
    `Because you require ${asked}, which no version matches (${where}), your requirements cannot be met.`,
  ])
})

test('a prerelease that would do', async () => {
  const registry = {
    'web 1.0.0': 'etcd ^4.0.0',
    'etcd 3.0.0': '',
    'etcd 4.0.0-rc.1': '',
    'etcd 5.0.0-rc.1': '',
  }
  expect(await explained(registry, 'web *')).toEqual([
    'Because web 1.0.0 depends on etcd ^4.0.0, which no version matches (the newest is 3.0.0), web 1.0.0 cannot be used.',
    'So, because you require web, your requirements cannot be met.',
    'hint: etcd 4.0.0-rc.1 is a prerelease that would match: allow it with --prerelease etcd.',
  ])
})

test('KCL packages are told from extensions', async () => {
  const registry = {
    'web 1.0.0': 'kcl:k8s >=1.31.2',
    'web 1.1.0': 'kcl:k8s >=1.32.0',
    'kcl:k8s 1.30.0': '',
  }
  expect(await explained(registry, 'web *', { lowest: (id) => id === 'kcl:k8s' })).toEqual([
    'Because web 1.0.0 depends on the KCL package k8s >=1.31.2 and web 1.1.0 depends on the KCL package k8s >=1.32.0, every version of web requires the KCL package k8s >=1.31.2.',
    'So, because you require web and no version of the KCL package k8s matches >=1.31.2 or >=1.32.0 (the newest is 1.30.0), your requirements cannot be met.',
  ])
})

test('versions that are not for the platform', async () => {
  const unavailable = { cause: 'platform', reason: 'is not available for linux/arm64' } as const
  const registry = { 'k 1.0.0': unavailable, 'k 1.1.0': unavailable, 'k 1.2.0': 'e >=2.0.0', 'e 1.0.0': '' }
  expect(await explained(registry, 'k *')).toEqual([
    'Because k 1.2.0 depends on e >=2.0.0 and k <=1.1.0 is not available for linux/arm64, every version of k requires e >=2.0.0.',
    'So, because you require k and no version of e matches >=2.0.0 (the newest is 1.0.0), your requirements cannot be met.',
    'hint: Ask for another platform with --platform, or use other versions of k.',
  ])
  expect(await explained({ 'k 1.0.0': unavailable }, 'k ^1.0.0')).toEqual([
    'Because you require k ^1.0.0, which is not available for linux/arm64, your requirements cannot be met.',
    'hint: Ask for another platform with --platform, or use other versions of k.',
  ])
})

test('a retracted version, whose reason stays on one line', async () => {
  const registry: Registry = {
    'k 1.0.0': { cause: 'retracted', reason: 'was retracted: broken\n install' },
    'web 1.0.0': 'k 1.0.0',
  }
  expect(await explained(registry, 'web *')).toEqual([
    'Because web 1.0.0 depends on k 1.0.0, which was retracted: broken install, web 1.0.0 cannot be used.',
    'So, because you require web, your requirements cannot be met.',
    'hint: Allow other versions of k: a retracted one is used only where slipway.lock already has it.',
  ])
})

test('versions that the cache does not have, and some that cannot be read', async () => {
  const registry: Registry = {
    'k 1.0.0': { cause: 'offline', reason: 'is not in the cache' },
    'k 1.1.0': { cause: 'unreadable', reason: 'has a manifest that cannot be read' },
  }
  expect(await explained(registry, 'k *')).toEqual([
    'Because k 1.0.0 is not in the cache and k 1.1.0 has a manifest that cannot be read, no version of k can be used.',
    'So, because you require k, your requirements cannot be met.',
    'hint: Run again without --offline.',
    'hint: Publish k again with a readable manifest, or allow other versions of it.',
  ])
})

test('an override in the way', async () => {
  const registry = { 'a 1.0.0': 'b ^1.0.0', 'b 1.0.0': '', 'b 2.0.0': 'c ^1.0.0', 'c 2.0.0': '' }
  const overrides = new Map([['b' as PackageId, setOf('2.0.0')]])
  expect(await explained(registry, 'a *', { overrides })).toEqual([
    'Because a 1.0.0 depends on b 2.0.0 (by your override), which depends on c ^1.0.0, a 1.0.0 requires c ^1.0.0.',
    'So, because you require a and no version of c matches ^1.0.0 (the oldest is 2.0.0), your requirements cannot be met.',
    'hint: Your override replaces every requirement on b with 2.0.0: leave it out or change it.',
  ])
})

test('a version held by the lock', async () => {
  const registry = { 'a 1.0.0': 'b ^2.0.0', 'b 1.0.0': '', 'b 2.0.0': '' }
  expect(await explained(registry, 'b 1.0.0, a *', { origin: 'slipway.lock' })).toEqual([
    'Because you require b 1.0.0 (slipway.lock) and a 1.0.0 depends on b ^2.0.0, a 1.0.0 cannot be used.',
    'So, because you require a, your requirements cannot be met.',
    'hint: Let go of the locked version: slipway deps update b',
  ])
})

test('a range that no version at all can match', async () => {
  expect(await explained({ 'a 1.0.0': '' }, 'a >2.0.0 <1.0.0')).toEqual([
    'Because you require a >2.0.0 <1.0.0 (which no version can match), your requirements cannot be met.',
  ])
})

test('a package that does not allow itself', async () => {
  expect(await explained({ 'a 2.0.0': 'a ^1.0.0' }, 'a *')).toEqual([
    'Because a 2.0.0 depends on a ^1.0.0, which no version matches (the oldest is 2.0.0), a 2.0.0 cannot be used.',
    'So, because you require a, your requirements cannot be met.',
  ])
})

const about = { roots: rootsOf('a *, b *'), versions: () => [] }

/** One step from two, whose terms are given as requirements. */
function step(one: Incompatibility, other: Incompatibility, needs: string): Incompatibility {
  const terms = requirementsOf(needs).map(({ id, set }) => ({ id, positive: false, set }))
  return derive(one, other, terms)
}

function depends(on: string, id: string): Incompatibility {
  const [requirement] = requirementsOf(on)
  const made = requirement && dependencyIncompatibility(id as PackageId, everything, requirement)
  if (made === undefined) throw new Error('the requirement is met by itself')
  return made
}

test('a step that is used twice gets a number and is told once', () => {
  const [a, b] = rootsOf('a *, b *').map(rootIncompatibility) as [Incompatibility, Incompatibility]
  const shared = step(a, depends('c ^1.0.0', 'a'), 'c ^1.0.0')
  const left = step(shared, depends('d ^1.0.0', 'c'), 'd ^1.0.0')
  const right = step(shared, depends('d ^2.0.0', 'c'), 'd ^2.0.0')
  expect(explain(step(left, right, ''), about).text.split('\n')).toEqual([
    'Because you require a and a * depends on c ^1.0.0, c ^1.0.0 is required. (1)',
    'And because c * depends on d ^1.0.0, d ^1.0.0 is required. (2)',
    '',
    'Because c ^1.0.0 is required (1) and c * depends on d ^2.0.0, d ^2.0.0 is required.',
    'So, because d ^1.0.0 is required (2), your requirements cannot be met.',
  ])
  expect(explain(step(left, b, ''), about).facts).toHaveLength(4)
})

test('a proof that nobody would read is told by its facts', async () => {
  const { registry, roots } = ladder(40, 10)
  const table = new Table(registry)
  const result = await solve(table, { roots: rootsOf(roots) })
  if ('solution' in result) throw new Error('this can be solved')
  const { text, facts } = explain(result.failure, { roots: rootsOf(roots), versions: () => [] })
  const lines = text.split('\n')
  expect(facts.length).toBeGreaterThan(200)
  expect(lines).toHaveLength(53)
  expect(lines[0]).toBe('Because not all of this can hold:')
  expect(lines[1]).toBe('- you require l1')
  expect(lines.at(-2)).toBe(`- and ${facts.length - 50} more`)
  expect(lines.at(-1)).toBe('your requirements cannot be met.')
})

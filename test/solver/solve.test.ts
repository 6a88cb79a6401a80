import { expect, test } from 'vitest'
import { solve } from '../../src/solver/solve.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { setOf } from '../../src/version/version-set.ts'
import { chain } from './hard-shapes.ts'
import { type Registry, rootsOf, showSolution, solved, Table } from './registry.ts'

const locked = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([id, version]) => [id as PackageId, parseVersion(version)]))

test('nothing asked for is nothing chosen', async () => {
  expect(await solved({ 'a 1.0.0': '' }, '')).toBe('')
})

test('dependencies of dependencies are chosen too, and nothing else', async () => {
  const registry = { 'a 1.0.0': 'b ^1.0.0', 'b 1.0.0': 'c *', 'c 1.0.0': '', 'other 1.0.0': '' }
  expect(await solved(registry, 'a ^1.0.0')).toBe('a 1.0.0, b 1.0.0, c 1.0.0')
})

test('ranges on one package are met at once', async () => {
  const registry = {
    'a 1.0.0': 'shared >=2.0.0 <4.0.0',
    'b 1.0.0': 'shared >=3.0.0 <5.0.0',
    'shared 2.0.0': '',
    'shared 3.0.0': '',
    'shared 3.6.9': '',
    'shared 4.0.0': '',
    'shared 5.0.0': '',
  }
  expect(await solved(registry, 'a *, b *')).toBe('a 1.0.0, b 1.0.0, shared 3.6.9')
})

test('a range that names no version of its own is met by its other half', async () => {
  expect(await solved({ 'a 3.0.0': '', 'a 5.0.0': '' }, 'a ^1.0.0 || ^3.0.0')).toBe('a 3.0.0')
})

test('the highest version that fits is chosen, and a lower one where that one asks for too much', async () => {
  const registry = {
    'foo 1.0.0': '',
    'foo 1.1.0': 'bar ^1.0.0',
    'bar 1.0.0': '',
    'bar 2.0.0': '',
  }
  expect(await solved(registry, 'foo *')).toBe('bar 1.0.0, foo 1.1.0')
  expect(await solved(registry, 'foo *, bar >=2.0.0')).toBe('bar 2.0.0, foo 1.0.0')
})

test('a conflict found late takes back the choice that led to it', async () => {
  const registry = {
    'foo 1.0.0': '',
    'foo 2.0.0': 'bar ^1.0.0',
    'bar 1.0.0': 'foo ^1.0.0',
  }
  expect(await solved(registry, 'foo >=1.0.0')).toBe('foo 1.0.0')
})

test('a choice is taken back although only part of the conflict comes from it', async () => {
  const registry = {
    'foo 1.0.0': '',
    'foo 1.1.0': 'left ^1.0.0, right ^1.0.0',
    'left 1.0.0': 'shared >=1.0.0',
    'right 1.0.0': 'shared <2.0.0',
    'shared 1.0.0': 'target ^1.0.0',
    'shared 2.0.0': '',
    'target 1.0.0': '',
    'target 2.0.0': '',
  }
  expect(await solved(registry, 'foo ^1.0.0, target ^2.0.0')).toBe('foo 1.0.0, target 2.0.0')
})

test('packages that require each other are no obstacle', async () => {
  expect(await solved({ 'a 1.0.0': 'b *', 'b 1.0.0': 'a ^1.0.0' }, 'a *')).toBe('a 1.0.0, b 1.0.0')
})

test('a package that requires itself can only be a version that it allows', async () => {
  const registry = { 'a 1.0.0': 'a ^1.0.0', 'a 2.0.0': 'a ^1.0.0', 'a 3.0.0': 'a <=2.0.0, b *' }
  expect(await solved(registry, 'a *')).toBe('a 1.0.0')
})

test('two requirements on the same package both count', async () => {
  const registry = { 'a 1.0.0': 'b >=2.0.0, b <3.0.0', 'b 1.0.0': '', 'b 2.0.0': '', 'b 3.0.0': '' }
  expect(await solved(registry, 'a *')).toBe('a 1.0.0, b 2.0.0')
})

test('a requirement that is written twice counts once, in all neighbours', async () => {
  const registry: Record<string, string> = { 'b 1.0.0': '', 'c 1.0.0': '', 'a 0.1.0': 'b ^1.0.0' }
  for (let version = 1; version <= 6; version++) registry[`a ${version}.0.0`] = 'b ^2.0.0, c *, b ^2.0.0'
  expect(await solved(registry, 'a *, b *, c *')).toBe('a 0.1.0, b 1.0.0, c 1.0.0')
})

test('a package that nobody has leaves no solution, unless another version does without it', async () => {
  const registry = { 'a 1.0.0': '', 'a 2.0.0': 'ghost *' }
  expect(await solved(registry, 'a *')).toBe('a 1.0.0')
  expect(await solved(registry, 'a ^2.0.0')).toBe('no solution')
  expect(await solved(registry, 'ghost *')).toBe('no solution')
})

test('a requirement that no version can meet leaves no solution', async () => {
  expect(await solved({ 'a 1.0.0': '' }, 'a >2.0.0 <1.0.0')).toBe('no solution')
  expect(await solved({ 'a 1.0.0': '', 'a 2.0.0': 'b >2.0.0 <1.0.0', 'b 1.0.0': '' }, 'a *')).toBe('a 1.0.0')
})

test('the core takes part like any other package', async () => {
  const registry = { 'core 3.5.0': '', 'k 1.0.0': 'core >=3.0.0', 'k 2.0.0': 'core >=4.0.0' }
  expect(await solved(registry, 'k *')).toBe('core 3.5.0, k 1.0.0')
})

const builds: Registry = {
  'a 1.0.0': '',
  'a 1.1.0': { cause: 'platform', reason: 'is not available for linux/arm64' },
  'a 1.2.0': { cause: 'retracted', reason: 'was retracted: broken install' },
  'a 1.3.0': { cause: 'unreadable', reason: 'has a manifest that cannot be read' },
}

test('versions that are not available are passed over, whatever the cause', async () => {
  expect(await solved(builds, 'a *')).toBe('a 1.0.0')
  expect(await solved(builds, 'a >1.0.0')).toBe('no solution')
})

test('a locked version is kept although there are newer ones', async () => {
  const registry = { 'a 1.0.0': 'b *', 'a 1.1.0': 'b *', 'b 1.0.0': '', 'b 1.1.0': '' }
  expect(await solved(registry, 'a *', { preferred: locked({ a: '1.0.0', b: '1.0.0' }) })).toBe(
    'a 1.0.0, b 1.0.0',
  )
  expect(await solved(registry, 'a *', { preferred: locked({ b: '1.0.0' }) })).toBe('a 1.1.0, b 1.0.0')
})

test('a locked version gives way where it does not fit or does not exist any more', async () => {
  const registry = { 'a 1.0.0': '', 'a 2.0.0': 'b ^2.0.0', 'b 1.0.0': '', 'b 2.0.0': '' }
  expect(await solved(registry, 'a ^2.0.0', { preferred: locked({ a: '1.0.0', b: '1.0.0' }) })).toBe(
    'a 2.0.0, b 2.0.0',
  )
  expect(await solved(registry, 'b *', { preferred: locked({ b: '1.5.0' }) })).toBe('b 2.0.0')
})

test('a locked package that has to move takes with it only what has to', async () => {
  const registry = {
    'a 1.0.0': 'b ^1.0.0, c ^1.0.0',
    'a 2.0.0': 'b ^2.0.0, c ^1.0.0',
    'b 1.0.0': '',
    'b 2.0.0': '',
    'c 1.0.0': '',
    'c 1.1.0': '',
  }
  const preferred = locked({ a: '1.0.0', b: '1.0.0', c: '1.0.0' })
  expect(await solved(registry, 'a ^2.0.0', { preferred })).toBe('a 2.0.0, b 2.0.0, c 1.0.0')
})

test.each([
  ['a', 'z'],
  ['z', 'a'],
])('%s that is to be updated gets its best version, and %s that is locked makes way', async (fresh, held) => {
  const registry = {
    [`${fresh} 1.0.0`]: `${held} ^1.0.0`,
    [`${fresh} 2.0.0`]: `${held} ^2.0.0`,
    [`${held} 1.0.0`]: '',
    [`${held} 2.0.0`]: '',
    [`${held} 2.1.0`]: '',
  }
  const found = await solved(registry, `${fresh} *, ${held} *`, { preferred: locked({ [held]: '1.0.0' }) })
  expect(found.split(', ').sort()).toEqual([`${fresh} 2.0.0`, `${held} 2.1.0`].sort())
})

test('prereleases are candidates only where a range names one or they were asked for', async () => {
  const registry = { 'a 1.0.0': '', 'a 1.1.0-rc.1': '', 'a 2.0.0-beta.1': '' }
  expect(await solved(registry, 'a *')).toBe('a 1.0.0')
  expect(await solved(registry, 'a >=1.1.0-rc.0')).toBe('a 1.1.0-rc.1')
  expect(await solved(registry, 'a ^1.0.0', { prereleases: (id) => id === 'a' })).toBe('a 1.1.0-rc.1')
  expect(await solved(registry, 'a *', { prereleases: () => true })).toBe('a 2.0.0-beta.1')
  expect(await solved(registry, 'a *', { prereleases: (id) => id === 'b' })).toBe('a 1.0.0')
})

test('an override replaces what anybody requires of a package, the roots too', async () => {
  const registry = {
    'a 1.0.0': 'b ^1.0.0',
    'b 1.0.0': 'c ^1.0.0',
    'b 2.0.0': 'c ^1.0.0',
    'c 1.0.0': '',
    'c 1.1.0': '',
  }
  const override = (id: string, range: string) => ({ overrides: new Map([[id as PackageId, setOf(range)]]) })
  expect(await solved(registry, 'a *', override('b', '2.0.0'))).toBe('a 1.0.0, b 2.0.0, c 1.1.0')
  expect(await solved(registry, 'a *, c 1.0.0', override('c', '1.1.0'))).toBe('a 1.0.0, b 1.0.0, c 1.1.0')
  // Nobody requires it: an override is no requirement.
  expect(await solved(registry, 'c *', override('b', '2.0.0'))).toBe('c 1.1.0')
})

test('the solution says what each version requires, as its author wrote it', async () => {
  const registry = { 'a 1.0.0': 'b ^1.0.0', 'b 1.0.0': '', 'b 2.0.0': '' }
  const result = await solve(new Table(registry), {
    roots: rootsOf('a *'),
    overrides: new Map([['b' as PackageId, setOf('2.0.0')]]),
  })
  if (!('solution' in result)) throw new Error('no solution')
  expect(result.solution.requires.get('a' as PackageId)?.map(({ text }) => text)).toEqual(['^1.0.0'])
  expect([...result.solution.requires.keys()]).toEqual(['a', 'b'])
})

test('nothing is asked twice, and nothing that is not needed', async () => {
  const table = new Table({
    'a 1.0.0': 'b *',
    'a 2.0.0': 'b ^1.0.0',
    'a 3.0.0': 'b ^9.0.0',
    'b 1.0.0': 'c ^1.0.0',
    'b 2.0.0': '',
    'c 1.0.0': '',
    'unused 1.0.0': '',
  })
  const result = await solve(table, { roots: rootsOf('a *') })
  expect('solution' in result && showSolution(result.solution)).toBe('a 2.0.0, b 1.0.0, c 1.0.0')
  expect(table.asked).toEqual(['a', 'a 3.0.0', 'b', 'a 2.0.0', 'b 1.0.0', 'c', 'c 1.0.0'])
})

test('what is required at once is announced at once, before any of it is waited for', async () => {
  const table = new Table({ 'a 1.0.0': '', 'b 1.0.0': '', 'b 2.0.0': '', 'c 1.0.0': 'd *', 'd 1.0.0': '' })
  await solve(table, { roots: rootsOf('a *, b *, c *') })
  expect(table.asked.slice(0, 3)).toEqual(['a', 'b', 'c'])
  expect(table.prefetched).toEqual(['a 1.0.0', 'b 2.0.0', 'c 1.0.0', 'd 1.0.0'])
})

test('the more versions of a package were tried in vain, the more are announced', async () => {
  const registry: Record<string, string> = { 'b 1.0.0': '' }
  for (let minor = 0; minor < 40; minor++) registry[`a 1.${minor}.0`] = `b ^2.${minor}.0`
  const table = new Table(registry)
  const announced: number[] = []
  table.prefetch = (_, versions) => announced.push(versions.length)
  await solve(table, { roots: rootsOf('a *') })
  expect(announced[0]).toBe(1)
  expect(Math.max(...announced)).toBeGreaterThan(4)
  expect(Math.max(...announced)).toBeLessThanOrEqual(16)
  expect(announced.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(41)
})

test('a signal stops the search with its reason', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const table = new Table({ 'a 1.0.0': 'b *', 'b 1.0.0': '' })
  table.prefetch = () => controller.abort(reason)
  await expect(solve(table, { roots: rootsOf('a *'), signal: controller.signal })).rejects.toBe(reason)
  expect(table.asked).toEqual(['a', 'a 1.0.0'])
})

test('a long search lets a signal through although every answer is at hand', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const { registry, roots } = chain(30, 60)
  setImmediate(() => controller.abort(reason))
  const { signal } = controller
  await expect(solve(new Table(registry), { roots: rootsOf(roots), signal })).rejects.toBe(reason)
})

test('a package that is not needed after all may fail unseen', async () => {
  const table = new Table({ 'a 1.0.0': '', 'a 2.0.0': 'down *', 'b 1.0.0': 'a ^1.0.0' })
  const versions = table.versions.bind(table)
  table.versions = (id) => (id === 'down' ? Promise.reject(new Error('down')) : versions(id))
  const result = await solve(table, { roots: rootsOf('a *, b *') })
  expect('solution' in result && showSolution(result.solution)).toBe('a 1.0.0, b 1.0.0')
})

test('an error of the provider is thrown as it is, the first package first', async () => {
  const table = new Table({}, async () => {})
  table.versions = async (id) => {
    if (id === 'a') await new Promise((done) => setTimeout(done, 5))
    throw new Error(`${id} is down`)
  }
  await expect(solve(table, { roots: rootsOf('a *, b *') })).rejects.toThrow('a is down')
})

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { depsGraph } from '../../src/tasks/deps-graph.ts'
import { depsOutdated } from '../../src/tasks/deps-outdated.ts'
import { depsTree } from '../../src/tasks/deps-tree.ts'
import { depsWhy } from '../../src/tasks/deps-why.ts'
import { extension, type Project, project, write } from './solving.ts'

async function stocked(): Promise<Project> {
  const one = project()
  write(one.directory, {
    ...extension('a', '1.0.0', { b: '^1.0.0', c: '1.x' }),
    ...extension('z', '2.0.0', { c: '*' }),
  })
  await one.stock({ 'b 1.0.0': { c: '>=1' }, 'c 1.0.0': {} })
  return one
}

const tree = (one: Project, more: Partial<Parameters<typeof depsTree>[0]> = {}) =>
  one.run((context) => depsTree({ ...one.options(), invert: false, ...more }, context))
const messages = (one: Project) => one.events.flatMap((event) => ('message' in event ? [event.message] : []))

describe('the tree', () => {
  it('comes from the lock where that is up to date, without asking anybody', async () => {
    const one = await stocked()
    await one.resolve()
    rmSync(join(one.directory, '.slipway'), { recursive: true })
    const { tree: found } = await tree(one)
    expect(found.map(({ id, version }) => [id, version])).toEqual([
      ['a', '1.0.0'],
      ['z', '2.0.0'],
    ])
    expect(found[0]?.children.map(({ id, version, text }) => [id, version, text])).toEqual([
      ['b', '1.0.0', '^1.0.0'],
      ['c', '1.0.0', '1.x'],
    ])
    expect(messages(one)).toEqual([])
  })

  it('is solved for where there is no lock or an old one, which is said, and writes none', async () => {
    const one = await stocked()
    await tree(one)
    expect(messages(one)).toEqual(['There is no slipway.lock: solving.'])
    expect(one.lock()).toBeUndefined()
    await one.resolve()
    const before = one.lock()
    write(one.directory, extension('z', '2.1.0'))
    one.events.length = 0
    expect((await tree(one)).tree[1]).toMatchObject({ id: 'z', version: '2.1.0', children: [] })
    expect(messages(one)).toEqual(['slipway.lock is out of date: solving.'])
    expect(one.lock()).toBe(before)
  })

  it('starts from a package, upside down, to a depth', async () => {
    const one = await stocked()
    expect((await tree(one, { name: 'b' })).tree.map(({ id }) => id)).toEqual(['b'])
    const [c] = (await tree(one, { name: 'c', invert: true })).tree
    expect(c?.children.map(({ id }) => id)).toEqual(['a', 'b', 'z'])
    expect((await tree(one, { depth: 0 })).tree).toMatchObject([
      { id: 'a', cut: true, children: [] },
      { id: 'z', cut: true, children: [] },
    ])
  })

  it('of a package that is no part of it offers the nearest name', async () => {
    const one = project()
    write(one.directory, extension('kubernetes', '1.0.0'))
    await expect(tree(one, { name: 'kubernets' })).rejects.toMatchObject({
      code: 'PACKAGE_NOT_LOCKED',
      exit: 2,
      hint: 'Did you mean kubernetes?',
    })
  })
})

describe('why', () => {
  it('tells one way from each root', async () => {
    const one = await stocked()
    const { id, version, ways } = await one.run((context) =>
      depsWhy({ ...one.options(), name: 'c' }, context),
    )
    expect([id, version]).toEqual(['c', '1.0.0'])
    expect(ways.map((way) => way.map((step) => `${step.id} ${step.text}`))).toEqual([
      ['a 1.0.0', 'c 1.x'],
      ['z 2.0.0', 'c *'],
    ])
  })
})

describe('outdated', () => {
  const outdated = (one: Project, more = {}) =>
    one.run((context) => depsOutdated({ ...one.options(), ...more }, context))

  it('compares what is locked with what fits and with what exists', async () => {
    const one = await stocked()
    await one.resolve()
    expect(await outdated(one)).toEqual({ outdated: [], checked: 2 })
    await one.stock({ 'b 1.1.0': {}, 'b 2.0.0': {}, 'c 1.1.0': {}, 'c 1.2.0-rc.1': {} })
    const before = one.lock()
    expect(await outdated(one)).toEqual({
      checked: 2,
      outdated: [
        { id: 'b', locked: '1.0.0', wanted: '1.1.0', latest: '2.0.0' },
        { id: 'c', locked: '1.0.0', wanted: '1.1.0', latest: '1.1.0' },
      ],
    })
    expect(one.lock()).toBe(before)
  })

  it('without a lock tells what would be chosen', async () => {
    const one = await stocked()
    const found = await outdated(one)
    expect(found.outdated[0]).toEqual({ id: 'b', wanted: '1.0.0', latest: '1.0.0' })
  })

  it('takes nothing for the latest that nobody could choose', async () => {
    const one = await stocked()
    await one.resolve()
    await one.stock({
      'b 2.0.0': {},
      'b 2.1.0': { more: { platforms: ['linux/arm64'] } },
      'b 2.2.0': {},
      'b 2.3.0': { more: { retracted: { '>=2.2': 'loses data' } } },
    })
    const platform = 'linux/amd64'
    const found = await outdated(one, { platform })
    expect(found.outdated).toEqual([{ id: 'b', locked: '1.0.0', wanted: '1.0.0', latest: '2.0.0' }])
    expect((await outdated(one)).outdated).toMatchObject([{ id: 'b', latest: '2.1.0' }])
  })

  it('does not count the core, which comes from no registry', async () => {
    const one = await stocked()
    const core = { text: 'oci://ghcr.io/acme/provisioning-core:v3.5.0', origin: '--core-version' }
    await one.resolve({ core })
    expect(await outdated(one, { core })).toEqual({ outdated: [], checked: 2 })
  })
})

describe('the graph', () => {
  it.each([
    ['mermaid', /^graph TD\n {2}p0\["a 1\.0\.0"\]/],
    ['dot', /^digraph dependencies \{\n {2}"a" \[label="a 1\.0\.0"\];/],
    ['json', /^\{\n {2}"nodes": \[\n {4}\{\n {6}"id": "a"/],
  ] as const)('is written as %s', async (format, expected) => {
    const one = await stocked()
    const found = await one.run((context) => depsGraph({ ...one.options(), format }, context))
    expect(found).toEqual({ format, graph: expect.stringMatching(expected) })
  })
})

import { describe, expect, test } from 'vitest'
import type { TagFilter } from '../../src/mirroring/rule.ts'
import { selectTags } from '../../src/mirroring/select-tags.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { rejection } from '../registry/client.ts'
import { fill, rulesOf, run, server, tagsOf } from './mirrors.ts'

const all = [
  'latest',
  '1',
  '1.27.9',
  '1.28.0-rc.1',
  '1.28.0-rc.2',
  '1.28.0',
  '1.28.1',
  'v2.0.0',
  '2.1.0-beta.1',
  'debug-1',
  `sha256-${'a'.repeat(64)}.sig`,
  `sha256-${'b'.repeat(64)}`,
].map(parseTag)

const chosen = (filter: TagFilter) => selectTags(all, filter).tags

describe('tags', () => {
  test.each<[string, TagFilter, readonly string[]]>([
    ['without filters everything but what belongs to another manifest', {}, all.slice(0, 10)],
    [
      'a range takes versions with or without v, and no prerelease',
      { semver: '>=1.28.0' },
      ['1.28.0', '1.28.1', 'v2.0.0'],
    ],
    [
      'a range that names a prerelease takes those of it',
      { semver: '>=1.28.0-rc.2 <1.28.1' },
      ['1.28.0-rc.2', '1.28.0'],
    ],
    [
      'prereleases count when they are wanted',
      { semver: '^1.28', prereleases: true },
      ['1.28.0-rc.1', '1.28.0-rc.2', '1.28.0', '1.28.1'],
    ],
    ['the newest are the highest, not the last', { newest: 2 }, ['1.28.1', 'v2.0.0']],
    ['prereleases alone shut nothing out', { prereleases: true, match: ['*-1', '1'] }, ['1', 'debug-1']],
    ['prereleases are counted apart', { newest: 1, prereleases: true }, ['v2.0.0', '2.1.0-beta.1']],
    ['a glob must match the whole tag', { match: ['1'] }, ['1']],
    ['a glob with a star', { match: ['1.28.*'] }, ['1.28.0-rc.1', '1.28.0-rc.2', '1.28.0', '1.28.1']],
    [
      'a regular expression may match anywhere',
      { match: ['/-/'] },
      ['1.28.0-rc.1', '1.28.0-rc.2', '2.1.0-beta.1', 'debug-1'],
    ],
    [
      'what is excluded stays out, whatever else holds',
      { match: ['1.28.*', 'latest'], exclude: ['*-rc.*'] },
      ['latest', '1.28.0', '1.28.1'],
    ],
    ['every filter must hold', { semver: '^1', match: ['*.9', 'latest'] }, ['1.27.9']],
    ['a dot is a dot', { match: ['1.28?0'] }, ['1.28.0']],
  ])('%s', (_, filter, expected) => {
    expect(chosen(filter)).toEqual(expected)
  })

  test('which filters met something is told', () => {
    const { used } = selectTags(all, {
      semver: '^1',
      match: ['1.*', 'nothing-*'],
      exclude: ['latest', '*-rc.*'],
    })
    expect([...used].sort()).toEqual(['1.*', 'semver'])
  })
})

describe('a filter that finds nothing', () => {
  test.each<[string, object, string]>([
    [
      'a repository that is not there',
      { repositories: ['one', 'gone'] },
      'gone does not exist or has no tags',
    ],
    ['a glob of repositories', { repositories: ['on?', 'team/**'] }, 'no repository matches "team/**"'],
    ['a range', { tags: { semver: '^9' } }, 'no tag of any repository meets semver "^9"'],
    [
      'one pattern of several',
      { tags: { match: ['1.*', 'v1.*'] } },
      'no tag of any repository matches "v1.*"',
    ],
    [
      'filters that shut out each other',
      { tags: { match: ['1.*'], exclude: ['1.*'] } },
      'all filters together',
    ],
  ])('%s is an error before anything moves', async (_, more, message) => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'], two: ['1.0.0'] })
    const rules = rulesOf({ name: 'm', from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`], ...more })
    const error = await rejection(run(rules))
    expect(error).toMatchObject({ code: 'MIRROR_NO_MATCH', exit: 2 })
    expect((error as Error).message).toContain(message)
    expect(b.fake.requests).toEqual([])
  })

  test('an exclusion is a warning', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'] })
    const result = await run(
      rulesOf({ from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`], tags: { exclude: ['v1.0.0'] } }),
    )
    expect(result.events).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'MIRROR_EXCLUDE_IDLE' }),
    )
  })

  test('globs where there is no catalog say that repositories must be named', async () => {
    const a = await server({ quirks: { catalog: { status: 404, code: 'UNSUPPORTED' } } })
    const b = await server()
    await fill(a.client, { one: ['1.0.0'] })
    const way = { from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] }
    expect(await rejection(run(rulesOf(way)))).toMatchObject({ code: 'UNSUPPORTED' })
    expect((await run(rulesOf({ ...way, repositories: ['one'] }))).exit).toBe(0)
  })

  test('only where all could be looked at', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'], two: ['v1.0.0'] })
    a.fake.fail({ path: /two\/tags/, status: 500, times: 10 })
    const result = await run(
      rulesOf({
        from: `oci://${a.fake.host}`,
        to: [`oci://${b.fake.host}`],
        tags: { match: ['1.*', 'v1.*'] },
      }),
    )
    expect(result.repositories.map((one) => one.state).sort()).toEqual(['copied', 'failed'])
  })
})

describe('rules that contradict each other', () => {
  const way = (from: string, to: string, more: object = {}) => ({ from, to: [to], ...more })

  test('two sources for one tag are refused before anything moves, one source twice is no matter', async () => {
    const [a, b, c] = [await server(), await server(), await server()]
    await fill(a.client, { one: ['1.0.0', '1.1.0'] })
    await fill(b.client, { one: ['1.1.0', '1.2.0'] })
    const [from, other, to] = [a, b, c].map(({ fake }) => `oci://${fake.host}`) as [string, string, string]
    const error = await rejection(run(rulesOf(way(from, to), way(other, to))))
    expect(error).toMatchObject({ code: 'MIRROR_OVERLAP', exit: 2 })
    expect((error as Error).message).toContain(`${to}/one:1.1.0`)
    expect(c.fake.requests).toEqual([])
    const apart = await run(
      rulesOf(way(from, to), way(other, to, { tags: { match: ['1.2.0'] } }), way(from, to)),
    )
    expect(apart.exit).toBe(0)
    expect(await tagsOf(c.client, 'one')).toEqual(['1.0.0', '1.1.0', '1.2.0'])
    expect(apart.total.tags.copied).toBe(3)
  })

  test('one tag with and without its referrers is refused: whichever came first would win', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'] })
    const [from, to] = [`oci://${a.fake.host}`, `oci://${b.fake.host}`]
    for (const referrers of [false, ['text/sbom']]) {
      const error = await rejection(run(rulesOf(way(from, to, { referrers }), way(from, to))))
      expect(error).toMatchObject({ code: 'MIRROR_OVERLAP', exit: 2 })
      expect((error as Error).message).toContain(referrers === false ? 'without referrers' : 'of text/sbom')
    }
  })

  test('hosts are the same in any case', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'] })
    await fill(b.client, { two: ['1.0.0'] })
    const [from, to] = [`oci://${a.fake.host}`, `oci://${b.fake.host}`]
    const loud = to.replace('localhost', 'LocalHost')
    expect(loud).not.toBe(to)
    expect(await rejection(run(rulesOf(way(from, to), way(loud, from))))).toMatchObject({
      code: 'MIRROR_CYCLE',
    })
  })

  test('two directions of one repository are a cycle, also while one side is empty', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { one: ['1.0.0'], two: ['1.0.0'] })
    await fill(b.client, { three: ['1.0.0'] })
    const [from, to] = [`oci://${a.fake.host}`, `oci://${b.fake.host}`]
    const error = await rejection(run(rulesOf(way(from, to), way(to, from))))
    expect(error).toMatchObject({ code: 'MIRROR_CYCLE', exit: 2 })
    expect((error as Error).message).toContain(`${from}/`)
    const apart = rulesOf(
      way(from, to, { repositories: ['one'] }),
      way(to, from, { repositories: ['three'] }),
    )
    expect((await run(apart)).exit).toBe(0)
  })

  test('a repository that would come to itself, and one that would feed itself for ever', async () => {
    const a = await server()
    await fill(a.client, { one: ['1.0.0'] })
    const here = `oci://${a.fake.host}`
    expect(await rejection(run(rulesOf(way(here, here))))).toMatchObject({ code: 'MIRROR_CYCLE' })
    const growing = way(here, here, { rename: 'copies/{repository}' })
    expect(await rejection(run(rulesOf(growing)))).toMatchObject({ code: 'MIRROR_CYCLE' })
    const once = way(here, `${here}/copies`, { repositories: ['one'] })
    expect((await run(rulesOf(once))).exit).toBe(0)
    expect(await tagsOf(a.client, 'copies/one')).toEqual(['1.0.0'])
  })
})

test('repositories get other names at the target', async () => {
  const [a, b] = [await server(), await server()]
  await fill(a.client, { 'pre/team/one': ['1.0.0'] })
  const way = { from: `oci://${a.fake.host}/pre`, repositories: ['team/*'] }
  await run(
    rulesOf(
      { ...way, to: [`oci://${b.fake.host}/p`], rename: 'flat-{name}' },
      { ...way, to: [`oci://${b.fake.host}`], rename: 'deep/{repository}' },
    ),
  )
  expect(await tagsOf(b.client, 'p/flat-one')).toEqual(['1.0.0'])
  expect(await tagsOf(b.client, 'deep/team/one')).toEqual(['1.0.0'])
})

test('a registry that nobody answers at is a failure with a name, and the others go on', async () => {
  const [a, b] = [await server(), await server()]
  await fill(a.client, { one: ['1.0.0'] })
  const gone = await startFakeRegistry()
  await gone[Symbol.asyncDispose]()
  const from = `oci://${a.fake.host}`
  const result = await run(rulesOf({ from, to: [`oci://${gone.host}`, `oci://${b.fake.host}`] }))
  expect(result.exit).toBe(1)
  const states = new Map(result.repositories.map((one) => [one.target, one]))
  expect(states.get(`oci://${b.fake.host}/one`)?.state).toBe('copied')
  expect(states.get(`oci://${gone.host}/one`)?.failures[0]?.code).toBe('HOST_UNREACHABLE')
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plannedResult } from '../../src/github/planned-result.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { git, repositoryWith } from '../git/fixture.ts'
import { seeded } from '../version/random.ts'
import { exactTags, filesOf, planFor, randomExtensions, releaseTo, wrongWayRound } from './graphs.ts'

const extensions = randomExtensions(40, seeded(4))
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-release-plan-'))
  repositoryWith(directory, Object.assign({}, ...extensions.map(filesOf)))
  for (const { name } of extensions.slice(0, 3)) git(directory, 'tag', `taskservs/${name}/v1.0.0`)
  git(directory, 'tag', 'taskservs/gone/v1.0.0')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the plan of a release', () => {
  it('leads jobs that follow it to the right order, and writes nothing itself', async () => {
    await using registry = await startFakeRegistry()
    const places = [`oci://${registry.host}/x`]
    const { slots, waves, rows } = await planFor(directory, places, { allChanged: true })
    expect(registry.log(/^(PUT|POST|PATCH)/)).toEqual([])
    expect(rows).toHaveLength(40)
    expect(waves.length).toBeGreaterThan(3)
    // Shards of one slot run in any order: the worst is that of their names backwards.
    for (const slot of slots)
      for (const { gitTags } of [...slot].reverse())
        expect((await releaseTo(directory, places, { gitTags })).exit).toBe(0)
    const published = exactTags(registry)
    expect(published).toHaveLength(40)
    expect(wrongWayRound(extensions, published)).toEqual([])
  }, 60_000)

  it('names what it comes after, and draws it', async () => {
    await using registry = await startFakeRegistry()
    const { rows, mermaid } = await planFor(directory, [`oci://${registry.host}/x`], { allChanged: true })
    const wave = new Map(rows.map(({ repository, tag, wave }) => [`${repository}:${tag}`, wave]))
    for (const { name, needs } of extensions) {
      const row = rows.find((one) => one.name === name)
      expect(row?.needs.map((one) => one.split(':')[0]).sort()).toEqual(needs)
      for (const one of row?.needs ?? []) expect(wave.get(one)).toBeLessThan(row?.wave ?? 0)
    }
    const arrows = extensions.reduce((sum, { needs }) => sum + needs.length, 0)
    expect(mermaid.match(/-->/g)).toHaveLength(arrows)
    expect(mermaid).toMatch(/^graph TD\n {2}p0\["service-\d+:1\.0\.0"\]/)
  })

  it('tells of git tags that cannot be released, and plans the others', async () => {
    await using registry = await startFakeRegistry()
    const planned = await planFor(directory, [`oci://${registry.host}/x`], { missingTags: true })
    expect(planned.rows).toHaveLength(3)
    expect(planned.failed).toMatchObject([
      { gitTag: 'taskservs/gone/v1.0.0', error: { code: 'EXTENSION_NOT_FOUND' } },
    ])
    const { outputs, exit, sections } = plannedResult(planned)
    expect(exit).toBe(0)
    expect(outputs.failed).toMatchObject([{ gitTag: 'taskservs/gone/v1.0.0', code: 'EXTENSION_NOT_FOUND' }])
    expect(sections?.join('\n')).toContain('gone')
  })
})

describe('its outputs', () => {
  it('are matrices, empty ones where there is nothing, and all git tags one a line', async () => {
    await using registry = await startFakeRegistry()
    const places = [`oci://${registry.host}/x`]
    const planned = await planFor(directory, places, { missingTags: true })
    const { outputs } = plannedResult(planned)
    const first = outputs['wave-0'] as { shard: string; 'git-tags': string }[]
    expect(first[0]).toEqual({ shard: '0-0', 'git-tags': planned.waves[0]?.[0] })
    expect(outputs['wave-5']).toEqual([])
    expect(String(outputs['git-tags']).split('\n')).toEqual(planned.waves.flat())
    const nothing = plannedResult(
      await planFor(directory, places, { allChanged: true, since: 'HEAD' }),
    ).outputs
    expect(nothing).toMatchObject({ 'wave-0': [], 'wave-1': [], 'git-tags': '', waves: [], failed: [] })
  })
})

import { describe, expect, it } from 'vitest'
import { plannedResult } from '../../src/github/planned-result.ts'
import type { ReleasePlan } from '../../src/tasks/release-plan.ts'

const row = (name: string, wave: number, needs: string[] = []): ReleasePlan['rows'][number] => ({
  kind: 'taskserv',
  name,
  version: '1.0.0',
  gitTag: `taskservs/${name}/v1.0.0`,
  repository: name,
  tag: '1.0.0',
  wave,
  needs,
})

const plan: ReleasePlan = {
  rows: [row('etcd', 1), row('kubernetes', 2, ['etcd:1.0.0'])],
  waves: [['taskservs/etcd/v1.0.0'], ['taskservs/kubernetes/v1.0.0']],
  slots: [
    [{ shard: '0-0', gitTags: ['taskservs/etcd/v1.0.0', 'taskservs/redis/v1.0.0'] }],
    [{ shard: '1-0', gitTags: ['taskservs/kubernetes/v1.0.0'] }],
    [],
    [],
    [],
    [],
  ],
  failed: [
    {
      kind: 'taskserv',
      name: 'old',
      version: '0.1.0',
      gitTag: 'taskservs/old/v0.1.0',
      error: { code: 'EXTENSION_NOT_FOUND', message: 'There is no taskserv <old>' },
    },
  ],
  mermaid: 'graph TD',
}

describe('a plan of releases in a step', () => {
  it('is a matrix for each wave, never an empty one by accident', () => {
    const { outputs, exit } = plannedResult(plan)
    expect(exit).toBe(0)
    expect(outputs['wave-0']).toEqual([
      { shard: '0-0', 'git-tags': 'taskservs/etcd/v1.0.0\ntaskservs/redis/v1.0.0' },
    ])
    expect(outputs['wave-2']).toEqual([])
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(['wave-4', 'wave-5']))
  })

  it('lists the git tags in order, and those that cannot be released with the reason', () => {
    const { outputs, sections = [] } = plannedResult(plan)
    expect(outputs['git-tags']).toBe('taskservs/etcd/v1.0.0\ntaskservs/kubernetes/v1.0.0')
    expect(outputs.failed).toEqual([
      { gitTag: 'taskservs/old/v0.1.0', code: 'EXTENSION_NOT_FOUND', message: 'There is no taskserv <old>' },
    ])
    expect(sections.join('\n')).toContain('&#60;old&#62;')
    expect(sections.join('\n')).toContain('```mermaid\ngraph TD\n```')
  })

  it('says that there is nothing where there is nothing', () => {
    const empty = { rows: [], waves: [], slots: [[], [], [], [], [], []], failed: [], mermaid: 'graph TD' }
    const { sections, outputs } = plannedResult(empty)
    expect(sections).toEqual(['Nothing to release'])
    expect(outputs['git-tags']).toBe('')
  })
})

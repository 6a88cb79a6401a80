import { afterEach, describe, expect, it, vi } from 'vitest'
import { readInputs } from '../../src/github/inputs.ts'
import { releaseResult } from '../../src/github/result.ts'
import type { Step } from '../../src/github/run.ts'
import { releaseSelection } from '../../src/github/select.ts'
import { releaseAction } from '../../src/github/table.ts'

afterEach(() => vi.unstubAllEnvs())

/** What a step with these inputs is about. */
function selected(inputs: Readonly<Record<string, string>>, tagOfRun?: string) {
  for (const [name, text] of Object.entries(inputs)) vi.stubEnv(`INPUT_${name.toUpperCase()}`, text)
  const session = { directory: '/repository' }
  const step = { inputs: readInputs(releaseAction, '/w'), session, tagOfRun, workspace: '/w' }
  return releaseSelection(step as unknown as Step<keyof typeof releaseAction.own>)
}

describe('what a release step is about', () => {
  it('is the tag of the run, which must exist, where nothing else is asked for', () => {
    const tag = 'taskservs/etcd/v3.5.0'
    expect(selected({ 'all-changed': 'false', since: '' }, tag)).toEqual({
      directory: '/repository',
      gitTags: [tag],
      snapshot: false,
      requireGitTag: true,
    })
    expect(() => selected({})).toThrow(expect.objectContaining({ code: 'GIT_TAG_MISSING' }))
  })

  it.each([
    [{ 'all-changed': 'true' }, { allChanged: true, missingTags: false }],
    [{ since: 'origin/main' }, { allChanged: false, missingTags: false, since: 'origin/main' }],
    [{ 'missing-tags': 'true' }, { allChanged: false, missingTags: true }],
  ])('with %o is what the targets lack, whatever the run is for', (inputs, more) => {
    const rest = { directory: '/repository', gitTags: [], snapshot: false, requireGitTag: false }
    expect(selected(inputs, 'taskservs/etcd/v3.5.0')).toEqual({ ...rest, ...more })
  })
})

describe('what a release step leaves', () => {
  it('names git tags that could not be released among its failures', () => {
    const error = { code: 'EXTENSION_NOT_FOUND', message: 'There is no taskserv gone', hint: 'Look.' }
    const gitTag = 'taskservs/gone/v1.0.0'
    const failed = [{ kind: 'taskserv' as const, name: 'gone', version: '1.0.0', gitTag, error }]
    const result = releaseResult({ releases: [], failed, findings: [], exit: 1 }, [])
    expect(result).toMatchObject({ exit: 1, failures: [{ level: 'error', place: gitTag, ...error }] })
  })
})

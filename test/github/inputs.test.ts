import { afterEach, describe, expect, it, vi } from 'vitest'
import { forgeOf, tagOfRun, withToken, workspaceOf } from '../../src/github/environment.ts'
import { maskInputs, readInputs } from '../../src/github/inputs.ts'
import { publishAction, releaseAction } from '../../src/github/table.ts'
import { logOf } from './stdout.ts'

const give = (inputs: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(inputs)) vi.stubEnv(`INPUT_${name.toUpperCase()}`, text)
}
afterEach(() => vi.unstubAllEnvs())

describe('inputs', () => {
  it('are read by their type, settings by their name', () => {
    give({ 'git-tag': ' a/v1.0.0,\n b/v2.0.0 \n', snapshot: 'True', retries: '2', to: 'layout:x, oci://h/p' })
    const inputs = readInputs(releaseAction, '/w')
    expect(inputs.list('git-tag')).toEqual(['a/v1.0.0', 'b/v2.0.0'])
    expect([inputs.toggle('snapshot'), inputs.toggle('dry-run')]).toEqual([true, false])
    expect(inputs.settings).toEqual({ retries: '2', to: ['layout:x', 'oci://h/p'] })
    expect(inputs.text('password')).toBeUndefined()
  })

  it('are all named when they are wrong, whatever comes first', () => {
    give({ retries: '-1', 'moving-tags': 'latest,newest', 'dry-run': 'maybe', to: 'example.org', ca: '' })
    const names = /dry-run must be .*to must be .*moving-tags must be .*retries must be /
    expect(() => readInputs(publishAction, '/w')).toThrow(names)
    expect(() => readInputs(publishAction, '/w')).toThrow(/from is required/)
    expect(() => readInputs(publishAction, '/w')).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', exit: 2 }),
    )
  })

  it('that are secret are masked, and no others, nor what half of every line would be', () => {
    give({ username: 'me', password: 'p%1', token: 'to', 'github-token': 'ghs' })
    const log = logOf(() => maskInputs(releaseAction))
    expect(log).toBe('::add-mask::p%251\n::add-mask::ghs\n')
  })
})

describe('the environment', () => {
  it('tells the tag of a run, but none for branches and pull requests', () => {
    expect(tagOfRun({ GITHUB_REF: 'refs/tags/taskservs/a/v1.0.0' })).toBe('taskservs/a/v1.0.0')
    for (const ref of ['refs/heads/tags/v1', 'refs/pull/1/merge', 'refs/tags/', '', undefined])
      expect(tagOfRun({ GITHUB_REF: ref })).toBeUndefined()
  })

  it('tells Gitea, Forgejo and act from GitHub', () => {
    expect(forgeOf({ GITHUB_ACTIONS: 'true' })).toBe('github')
    expect(forgeOf({ GITHUB_ACTIONS: 'true', GITEA_ACTIONS: 'true' })).toBe('gitea')
    expect(forgeOf({ GITEA_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' })).toBe('forgejo')
    expect(forgeOf({ ACT: 'true' })).toBe('local')
  })

  it('lends a token to ghcr.io on GitHub only: what others call by that name is not for it', () => {
    expect(withToken({}, 'input').GITHUB_TOKEN).toBe('input')
    expect(withToken({ GITHUB_TOKEN: 'variable' }, undefined).GITHUB_TOKEN).toBe('variable')
    expect(withToken({ GITHUB_TOKEN: 'variable', GITEA_ACTIONS: 'true' }, 'input')).toEqual({
      GITEA_ACTIONS: 'true',
    })
    expect(withToken({ FORGEJO_ACTIONS: 'true' }, 'input').GITHUB_TOKEN).toBeUndefined()
  })

  it('is no workflow step without a workspace', () => {
    expect(workspaceOf({ GITHUB_WORKSPACE: '/w' })).toBe('/w')
    expect(() => workspaceOf({})).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_INVALID' }))
  })
})

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { resolvedResult } from '../../src/github/resolved-result.ts'
import type { DepsResolveResult } from '../../src/tasks/deps-resolve.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { FakeRunner, root } from '../actions/runner.ts'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { lockOf } from '../lockfile/locks.ts'
import { extension, project, write } from '../tasks/solving.ts'

/** A solution of so many packages without needs. */
function solution(count: number): DepsResolveResult {
  const names = Array.from({ length: count }, (_, at) => `p${at}`)
  const lock = lockOf({}, Object.fromEntries(names.map((name) => [name, ['1.0.0'] as const])))
  const order = names as PackageId[]
  return {
    lock,
    changes: [],
    written: false,
    order,
    waves: [order],
    mermaid: 'graph TD',
    counts: { requests: 1, hits: 0, decisions: count, conflicts: 0 },
  }
}

describe('a solution in a summary', () => {
  it('has 500 packages at most, and a graph only where all are in it', () => {
    const small = (resolvedResult(solution(500)).sections ?? []).join('\n')
    expect(small.split('\n').filter((line) => line.startsWith('| 1 |'))).toHaveLength(500)
    expect(small).toContain('```mermaid\ngraph TD\n```')
    const large = (resolvedResult(solution(503)).sections ?? []).join('\n')
    expect(large.split('\n').filter((line) => line.startsWith('| 1 |'))).toHaveLength(500)
    expect(large).toContain('… and 3 more.')
    expect(large).not.toContain('mermaid')
  })

  it('counts in words that agree', () => {
    expect(resolvedResult(solution(1)).lines?.[0]).toBe('1 package in 1 wave, 1 request, no changes')
    expect(resolvedResult(solution(2)).lines?.[0]).toBe('2 packages in 1 wave, 1 request, no changes')
  })
})

describe('the action', () => {
  let runner: FakeRunner

  beforeEach(() => {
    runner = new FakeRunner(join(root, 'src/actions'), '.ts')
    write(runner.workspace, {
      ...extension('kubernetes', '1.28.0', { containerd: '>=1.7.0 <2.0.0' }),
      ...extension('etcd', '3.5.16'),
    })
  })
  afterEach(() => rmSync(runner.temp, { recursive: true, force: true }))

  const lock = () => join(runner.workspace, 'slipway.lock')

  it('gives the solution, the order and the waves to later steps, and writes the lock', async () => {
    await using fake = await startFakeRegistry()
    const source = `oci://${fake.host}/acme`
    await project().stock({ 'containerd 1.7.23': {}, 'containerd 2.0.0': {} }, source)
    const first = await runner.step('resolve-deps', { inputs: { source } })
    expect(first.exit, first.log).toBe(0)
    const { solution: solved = '', order = '', waves = '', mermaid, ...rest } = first.outputs
    expect(rest).toMatchObject({ lock: 'slipway.lock', changed: 'true' })
    expect(JSON.parse(order)).toEqual(['containerd', 'etcd', 'kubernetes'])
    expect(JSON.parse(waves)).toEqual([['containerd', 'etcd'], ['kubernetes']])
    expect(JSON.parse(solved)[0]).toEqual({
      id: 'containerd',
      kind: 'taskserv',
      version: '1.7.23',
      source: `${source}/containerd`,
      manifest: expect.stringMatching(/^sha256:/),
      layer: expect.stringMatching(/^sha256:/),
    })
    expect(mermaid).toMatch(/^graph TD\n/)
    expect(first.summary).toContain('```mermaid\ngraph TD\n')
    // The tags of containerd, the version that fits, and the highest: what that says of retracted ones.
    expect(first.log).toContain('3 packages in 2 waves, 3 requests, 3 changes, lock written')
    const second = await runner.step('resolve-deps', { inputs: { source, frozen: 'true' } })
    expect(second.exit, second.log).toBe(0)
    expect(second.outputs).toMatchObject({ changed: 'false', order, waves, solution: solved })
    const offline = await runner.step('resolve-deps', { inputs: { source, offline: 'true' } })
    expect(offline.exit, offline.log).toBe(0)
    expect(offline.log).toContain('3 packages in 2 waves, no requests, no changes')
  })

  it('writes nothing in a dry run', async () => {
    write(runner.workspace, extension('kubernetes', '1.28.0'))
    const { exit, log, outputs } = await runner.step('resolve-deps', { inputs: { 'dry-run': 'true' } })
    expect(exit, log).toBe(0)
    expect(outputs.changed).toBe('false')
    expect(existsSync(lock())).toBe(false)
  })

  it('fails with the explanation where nothing fits, in one annotation', async () => {
    const { exit, log, summary } = await runner.step('resolve-deps')
    expect(exit).toBe(1)
    const errors = log.split('\n').filter((line) => line.startsWith('::error'))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain('UNSATISFIABLE')
    expect(errors[0]).toContain('containerd')
    expect(summary).toContain('containerd')
    expect(existsSync(lock())).toBe(false)
  })

  it('tells a workspace’s warnings as one annotation at its line, and takes its settings from inputs', async () => {
    const file = 'ws/config/provisioning.yaml'
    write(runner.workspace, {
      [file]:
        'colour: red\ndependencies:\n  extensions:\n    modules:\n      taskservs: ["path:../taskservs/etcd"]\n',
    })
    const inputs = { workspace: file, 'core-version': 'v3.5.0', lowest: 'true' }
    const { exit, log, outputs } = await runner.step('resolve-deps', { inputs })
    expect(exit, log).toBe(0)
    expect(JSON.parse(outputs.order ?? '')).toEqual(['core', 'etcd'])
    const warnings = log.split('\n').filter((line) => line.startsWith('::warning'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(`file=${file},line=1`)
    expect(readFileSync(lock(), 'utf8')).toContain('lowest: "true"')
  })

  describe('beside a registry that asks for a password', () => {
    const password = 'gh_s3cret'
    async function guarded() {
      const fake = await startFakeRegistry({ auth: { kind: 'basic', username: '_token', password } })
      onTestFinished(() => fake[Symbol.asyncDispose]())
      write(runner.workspace, {
        token: `${password}\n`,
        'workspace/config/provisioning.yaml': `dependencies:\n  extensions:\n    oci: { registry: "${fake.host}", namespace: acme, auth_token_path: ../token }\n    modules: { taskservs: [etcd] }\n`,
      })
      return fake
    }
    const sent = (fake: FakeRegistry) =>
      fake.requests.filter(({ headers }) => headers.authorization !== undefined).length

    it('sends the token that the workspace names, but never where a pull request is looked at', async () => {
      const fake = await guarded()
      const pushed = await runner.step('resolve-deps')
      expect(sent(fake)).toBeGreaterThan(0)
      expect(pushed.log).toContain('which was not found in any source')
      // The runner hides what it was told with ::add-mask::.
      expect(pushed.log.replaceAll(`::add-mask::${password}\n`, '')).not.toContain(password)
      fake.clearLog()
      const environment = { GITHUB_BASE_REF: 'main', GITHUB_EVENT_NAME: 'pull_request' }
      const { exit, log } = await runner.step('resolve-deps', { environment })
      expect(exit).toBe(1)
      expect(log).toContain('UNAUTHORIZED')
      expect(log).toContain('WORKSPACE_TOKEN_UNUSED')
      expect(fake.requests.length).toBeGreaterThan(0)
      expect(sent(fake)).toBe(0)
    })

    it('keeps the step’s own credential from a host that stands in slipway.yaml alone', async () => {
      const fake = await guarded()
      rmSync(join(runner.workspace, 'workspace'), { recursive: true })
      const source = `oci://${fake.host}/acme`
      write(runner.workspace, { 'slipway.yaml': `version: 1\nsources: ["${source}"]\n` })
      const inputs = { username: '_token', password }
      const refused = await runner.step('resolve-deps', { inputs })
      expect(refused.exit).toBe(2)
      expect(refused.log).toContain('INPUT_INVALID')
      expect(fake.requests).toEqual([])
      const named = await runner.step('resolve-deps', { inputs: { ...inputs, source } })
      expect(named.log).toContain('containerd')
      expect(sent(fake)).toBeGreaterThan(0)
    })
  })

  it('refuses an override that is none, as bad input', async () => {
    const { exit, log } = await runner.step('resolve-deps', { inputs: { override: 'etcd' } })
    expect(exit).toBe(2)
    expect(log).toContain('OVERRIDE_INVALID')
  })
})

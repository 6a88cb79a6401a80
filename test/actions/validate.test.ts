import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startFakeRegistry } from '../fake/registry.ts'
import { FakeRunner, root } from './runner.ts'

const redis = 'taskservs/databases/redis'
let runner: FakeRunner

beforeEach(() => {
  // Sources, since what a step does is the same in its bundle.
  runner = new FakeRunner(join(root, 'src/actions'), '.ts')
  runner.checkOut(redis, 'taskservs/redis/v7.4.1')
})
afterEach(() => rmSync(runner.temp, { recursive: true, force: true }))

const manifest = () => join(runner.workspace, redis, 'manifest.yaml')
const edit = (from: string | RegExp, to: string) =>
  writeFileSync(manifest(), readFileSync(manifest(), 'utf8').replace(from, to))

/** A pull request into the branch that was checked out. */
function pullRequest(change: () => void) {
  const branch = runner.git('rev-parse', '--abbrev-ref', 'HEAD').trim()
  const base = runner.git('rev-parse', 'HEAD').trim()
  runner.git('checkout', '-q', '-b', 'topic')
  change()
  runner.git('add', '-A')
  runner.git('commit', '-q', '--allow-empty', '-m', 'Change')
  const event = join(runner.temp, 'event.json')
  writeFileSync(event, JSON.stringify({ pull_request: { base: { sha: base } } }))
  const environment = { GITHUB_BASE_REF: branch, GITHUB_EVENT_PATH: event, GITHUB_EVENT_NAME: 'pull_request' }
  return { base, environment }
}

describe('the step that validates a pull request', () => {
  it('annotates the line that broke it, fails, and says what it checked', async () => {
    const { base, environment } = pullRequest(() => edit(/^version: .*/m, 'version: "7.4"'))
    const { exit, log, outputs, summary } = await runner.step('validate-extensions', { environment })
    expect(exit, log).toBe(2)
    expect(log).toMatch(
      /^::error title=MANIFEST_VALUE_INVALID,file=taskservs\/databases\/redis\/manifest\.yaml,line=3,col=10::/m,
    )
    expect(log).toMatch(/^::error::\[FINDINGS\] 1 error in what was checked/m)
    expect(outputs).toMatchObject({ base, changed: '["redis"]', errors: '1' })
    expect(JSON.parse(outputs.packages ?? '')).toMatchObject([
      { kind: 'taskserv', name: 'redis', folder: redis, because: 'changed', errors: 1 },
    ])
    expect(summary).toContain('validate extensions: failed')
    expect(summary).toContain('1 package checked')
    expect(summary).toContain(
      '| <code>taskservs/databases/redis</code> | <code>7.4</code> | changed | **1** | 0 |',
    )
  })

  it('has nothing to say of a pull request that touches no package', async () => {
    const { base, environment } = pullRequest(() => writeFileSync(join(runner.workspace, 'README.md'), ''))
    const { exit, outputs, log } = await runner.step('validate-extensions', { environment })
    expect(exit, log).toBe(0)
    expect(outputs).toMatchObject({ base, packages: '[]', changed: '[]', errors: '0' })
    const all = await runner.step('validate-extensions', { environment, inputs: { everything: 'true' } })
    expect(JSON.parse(all.outputs.packages ?? '')).toMatchObject([{ name: 'redis' }])
    expect(all.outputs.base).toBe('')
  })

  it('checks everything in other runs, or since what the input names', async () => {
    const all = await runner.step('validate-extensions')
    expect(all.exit, all.log).toBe(0)
    expect(JSON.parse(all.outputs.packages ?? '')).toHaveLength(1)
    const since = await runner.step('validate-extensions', { inputs: { since: 'HEAD' } })
    expect(since.outputs.packages).toBe('[]')
    const bad = await runner.step('validate-extensions', { inputs: { since: '--output=x' } })
    expect(bad.exit).toBe(2)
    expect(bad.log).toContain('[GIT_REF_INVALID]')
  })

  it('warns in a shallow clone, and where nothing says what is published, and passes all the same', async () => {
    const { environment } = pullRequest(() =>
      appendFileSync(join(runner.workspace, redis, 'docs/README.md'), 'x'),
    )
    runner.git('clone', '-q', '--depth=1', `file://${runner.workspace}`, 'clone')
    const { exit, log } = await runner.step('validate-extensions', {
      environment: { ...environment, GITHUB_WORKSPACE: join(runner.workspace, 'clone') },
    })
    expect(exit, log).toBe(0)
    expect(log).toMatch(/^::warning title=MERGE_BASE_UNKNOWN::.*shallow/m)
    expect(log).toMatch(/^::warning title=SOURCES_MISSING::/m)
  })

  it('asks for a higher version with the credentials it is given, and takes no silence for a pass', async () => {
    const registry = await startFakeRegistry({
      auth: { kind: 'basic', username: 'me', password: 'correct-horse' },
    })
    const source = `oci://${registry.host}/extensions`
    const secret = { username: 'me', password: 'correct-horse' }
    const released = await runner.step('release', {
      inputs: { 'git-tag': 'taskservs/redis/v7.4.1', to: source, 'skip-tests': 'true', ...secret },
    })
    expect(released.exit, released.log).toBe(0)
    const { environment } = pullRequest(() =>
      appendFileSync(join(runner.workspace, redis, 'docs/README.md'), 'x'),
    )
    const inputs = { source, ...secret }
    const { exit, log } = await runner.step('validate-extensions', { environment, inputs })
    expect(exit, log).toBe(2)
    expect(log).toMatch(
      /^::error title=VERSION_NOT_RAISED,file=taskservs\/databases\/redis\/manifest\.yaml,line=3/m,
    )
    await registry[Symbol.asyncDispose]()
    const down = await runner.step('validate-extensions', {
      environment,
      inputs: { ...inputs, retries: '0' },
    })
    expect(down.exit).toBe(1)
    expect(down.log).toMatch(
      /^::error title=SOURCE_UNAVAILABLE,file=taskservs\/databases\/redis\/manifest\.yaml,line=3/m,
    )
  })
})

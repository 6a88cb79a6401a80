import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { putImages } from '../fake/images.ts'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { FakeRunner, root } from './runner.ts'

const user = { username: 'me', password: 'correct-horse-battery' }
let runner: FakeRunner

beforeEach(() => {
  // Sources, since what a step does is the same in its bundle.
  runner = new FakeRunner(join(root, 'src/actions'), '.ts')
  mkdirSync(runner.workspace)
})
afterEach(() => rmSync(runner.temp, { recursive: true, force: true }))

async function start(options: FakeOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options)
  onTestFinished(() => fake[Symbol.asyncDispose]())
  putImages(fake, 'x/kubernetes', { '1.0.0': 'a', '1.1.0': 'b', '1.2.0': 'c' })
  const rules = `version: 1\nsource: oci://${fake.host}/x\ncaps: {share: 100}\npolicies:\n  - {name: all, repositories: [x], keep: {newest: 1}}\n`
  writeFileSync(join(runner.workspace, 'retention.yaml'), rules)
  return fake
}

const tags = (fake: FakeRegistry) => [...(fake.repository('x/kubernetes')?.tags.keys() ?? [])]
const step = (inputs: Readonly<Record<string, string>>) =>
  runner.step('cleanup-registry', { inputs: { directory: '.', retries: '0', ...inputs } })

describe('the step that cleans a registry up', () => {
  it('plans with a credential for that registry alone, and a second one carries the plan out', async () => {
    const fake = await start({ auth: { kind: 'bearer', ...user } })
    const planned = await step({ file: 'retention.yaml', plan: 'plan.json', ...user })
    expect(planned.exit, planned.log).toBe(0)
    expect(planned.outputs).toMatchObject({
      plan: 'plan.json',
      steps: '2',
      deletions: '2',
      deleted: '0',
      protected: '[]',
    })
    expect(planned.outputs['restore-file']).toBe('')
    expect(planned.summary).toContain('2 manifests would be deleted')
    expect(planned.summary).toMatch(/\| <code>x\/kubernetes<\/code> \| delete \| <code>1\.0\.0<\/code> \|/)
    const said =
      planned.log.replace(/^::add-mask::.*$/gm, '') +
      planned.summary +
      readFileSync(join(runner.workspace, 'plan.json'), 'utf8')
    expect(said).not.toContain(user.password)
    expect(tags(fake)).toHaveLength(3)

    const applied = await step({ plan: 'plan.json', apply: 'true', archive: 'archive:gone.tar', ...user })
    expect(applied.exit, applied.log).toBe(0)
    expect(applied.outputs).toMatchObject({ deleted: '2', 'restore-file': 'plan.restore.json' })
    expect(tags(fake)).toEqual(['1.2.0'])
    expect(existsSync(join(runner.workspace, 'gone.tar'))).toBe(true)
    expect(
      JSON.parse(readFileSync(join(runner.workspace, 'plan.restore.json'), 'utf8')).repositories,
    ).toHaveLength(1)
  })

  it('fails where a plan is out of date, and where more would go than is allowed', async () => {
    const fake = await start()
    await step({ file: 'retention.yaml' })
    const store = fake.repository('x/kubernetes')
    store?.tags.set('lts', store.tags.get('1.0.0') ?? '')
    const late = await step({ plan: 'cleanup-plan.json', apply: 'true' })
    expect(late.exit, late.log).toBe(3)
    expect(late.log).toMatch(/^::error.*PLAN_OUT_OF_DATE/m)
    const rules = join(runner.workspace, 'retention.yaml')
    writeFileSync(rules, readFileSync(rules, 'utf8').replace('share: 100', 'share: 10'))
    const capped = await step({ file: 'retention.yaml', apply: 'true' })
    expect(capped.exit, capped.log).toBe(3)
    expect(capped.log).toMatch('CLEANUP_CAPPED')
    expect(tags(fake)).toHaveLength(4)
  })

  it('deletes nothing for a pull request, whose author could have written rules and plan', async () => {
    const fake = await start()
    await step({ file: 'retention.yaml' })
    const event = join(runner.temp, 'event.json')
    writeFileSync(event, JSON.stringify({ workflow_run: { event: 'pull_request' } }))
    for (const name of ['pull_request', 'pull_request_target', 'merge_group', 'workflow_run'])
      for (const inputs of [{ plan: 'cleanup-plan.json' }, { file: 'retention.yaml' }]) {
        const environment = { GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: event }
        const { exit, log } = await runner.step('cleanup-registry', {
          inputs: { directory: '.', apply: 'true', ...inputs },
          environment,
        })
        expect(exit, `${name} ${log}`).toBe(3)
        expect(log).toContain('DELETION_UNMERGED')
      }
    expect(tags(fake)).toHaveLength(3)
    writeFileSync(event, JSON.stringify({ workflow_run: { event: 'schedule' } }))
    const environment = { GITHUB_EVENT_NAME: 'workflow_run', GITHUB_EVENT_PATH: event }
    const { exit, log } = await runner.step('cleanup-registry', {
      inputs: { directory: '.', apply: 'true', plan: 'cleanup-plan.json' },
      environment,
    })
    expect(exit, log).toBe(0)
    expect(tags(fake)).toHaveLength(1)
  })

  it('says what it needs', async () => {
    const { exit, log } = await step({ apply: 'false' })
    expect(exit).toBe(2)
    expect(log).toMatch('The step has neither file with rules nor a plan to apply')
  })
})

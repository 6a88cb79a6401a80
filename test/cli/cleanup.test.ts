import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startFakeGithub } from '../fake/github.ts'
import { putImages } from '../fake/images.ts'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { slipway } from './terminal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-cli-cleanup-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(scratch, 'run-'))
})

/** A registry with these images, and rules that keep the newest. */
async function start(
  tags: Readonly<Record<string, string>>,
  options: FakeOptions = {},
): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options)
  onTestFinished(() => fake[Symbol.asyncDispose]())
  putImages(fake, 'x/kubernetes', tags)
  writeFileSync(
    join(cwd, 'retention.yaml'),
    `version: 1\nsource: oci://${fake.host}\ncaps: {share: 100}\npolicies:\n  - {name: all, repositories: [x], keep: {newest: 1}}\n`,
  )
  return fake
}

const run = (args: string) => slipway(`cleanup --retries 0 ${args}`.trim().split(' '), { cwd })
const tags = (fake: FakeRegistry) => [...(fake.repository('x/kubernetes')?.tags.keys() ?? [])].sort()
const versions = { '1.0.0': 'a', '1.1.0': 'b', '1.2.0': 'c' }

describe('slipway cleanup', () => {
  it('prints and writes a plan, and carries that plan out', async () => {
    const fake = await start(versions)
    const planned = await run('-f retention.yaml --plan plan.json')
    expect(planned.exit, planned.stderr).toBe(0)
    expect(planned.stdout).toMatch(/x\/kubernetes {2}all: 1 of 3 tags stay\n {2}delete +1\.[01]\.0 +sha256:/)
    expect(planned.stdout).toMatch('2 manifests would be deleted and 0 tags taken away; nothing was.')
    expect(fake.log(/^(DELETE|PUT|POST|PATCH)/)).toEqual([])
    const applied = await run('--apply plan.json')
    expect(applied.exit, applied.stderr).toBe(0)
    expect(applied.stdout).toMatch('2 manifests deleted, 0 tags taken away.')
    expect(tags(fake)).toEqual(['1.2.0'])
    expect(
      JSON.parse(readFileSync(join(cwd, 'plan.restore.json'), 'utf8')).repositories[0].deleted,
    ).toHaveLength(2)
  })

  it('does both at once, as JSON, and archives what goes', async () => {
    const fake = await start(versions)
    const { exit, stdout } = await run('-f retention.yaml --apply --json --archive layout:gone')
    expect(exit).toBe(0)
    const document = JSON.parse(stdout)
    expect(document.plan.repositories[0].keep).toMatchObject([{ tag: '1.2.0', because: 'newest 1' }])
    expect(document.applied[0]).toMatchObject({ repository: 'x/kubernetes', incomplete: [], stays: [] })
    expect(tags(fake)).toEqual(['1.2.0'])
    expect(existsSync(join(cwd, 'gone/x/kubernetes/index.json'))).toBe(true)
    expect(existsSync(join(cwd, 'cleanup.restore.json'))).toBe(true)
  })

  it('leaves a tag that cannot go alone, and says so', async () => {
    const shared = { '1.0.0': 'a', lts: 'a', '1.1.0': 'b' }
    const fake = await start(shared, { quirks: { deleteTag: 'refused' } })
    const { exit, stdout } = await run('-f retention.yaml --apply')
    expect(exit).toBe(0)
    expect(stdout).toMatch(/stays +1\.0\.0 +sha256:\w+ +its content is kept, and tags cannot go alone there/)
    expect(tags(fake)).toEqual(['1.0.0', '1.1.0', 'lts'])
    const able = await start(shared)
    expect((await run('-f retention.yaml --apply')).exit).toBe(0)
    expect(tags(able)).toEqual(['1.1.0', 'lts'])
  })

  it('refuses a plan that is out of date with 3, and touches nothing', async () => {
    const fake = await start(versions)
    await run('-f retention.yaml --plan plan.json')
    const store = fake.repository('x/kubernetes')
    store?.tags.set('lts', store.tags.get('1.0.0') ?? '')
    fake.clearLog()
    const { exit, stderr } = await run('--apply plan.json')
    expect(exit).toBe(3)
    expect(stderr).toMatch(/PLAN_OUT_OF_DATE[\s\S]*has the new tag lts/)
    expect(fake.log(/^DELETE/)).toEqual([])
  })

  it('says where deleting is switched off', async () => {
    const fake = await start(versions, { quirks: { delete: false } })
    const { exit, stdout } = await run('-f retention.yaml --apply')
    expect(exit).toBe(1)
    expect(stdout).toMatch('DELETE_UNSUPPORTED')
    expect(tags(fake)).toEqual(['1.0.0', '1.1.0', '1.2.0'])
  })

  it('protects what cannot be read, with 1', async () => {
    const fake = await start(versions)
    fake.fail({ path: /manifests\/sha256/, status: 500, times: 1000 })
    const { exit, stdout } = await run('-f retention.yaml --apply')
    expect(exit).toBe(1)
    expect(stdout).toBe('0 manifests deleted, 0 tags taken away.\n')
    expect((await run('-f retention.yaml')).stdout).toMatch('x/kubernetes  protected: [REGISTRY_ERROR]')
    expect(tags(fake)).toEqual(['1.0.0', '1.1.0', '1.2.0'])
  })

  it('goes through the API that slipway.yaml names, with the registry’s own credential', async () => {
    const github = await startFakeGithub({ token: 'a-token', organisations: ['x'] })
    onTestFinished(() => github[Symbol.asyncDispose]())
    putImages(github.registry, 'x/kubernetes', { ...versions, '1.0': 'a', lts: 'b' })
    const rules = (more: string) =>
      writeFileSync(
        join(cwd, 'retention.yaml'),
        `version: 1\nsource: oci://${github.registry.host}/x\ncaps: {share: 100}\n${more}policies:\n  - {name: all, repositories: [x], keep: {newest: {count: 1, by: date}}}\n`,
      )
    rules('')
    const host = github.registry.host
    writeFileSync(
      join(cwd, 'slipway.yaml'),
      `version: 1\nregistries:\n  ${host}: {backend: ghcr, api: "${github.api}"}\n`,
    )
    mkdirSync(join(cwd, '.docker'))
    const auth = Buffer.from('me:a-token').toString('base64')
    writeFileSync(join(cwd, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
    const listed = await run('-f retention.yaml')
    expect(listed.exit).toBe(1)
    expect(listed.stderr).toMatch('repositories in retention.yaml')

    rules('repositories: [kubernetes]\n')
    const tagged = github.registry.repository('x/kubernetes')?.tags
    const days = { '1.0.0': 300, '1.1.0': 200, '1.2.0': 100 }
    for (const [tag, age] of Object.entries(days))
      github.date('x/kubernetes', tagged?.get(tag) ?? '', new Date(Date.now() - age * 86_400_000))
    const { exit, stdout, stderr } = await run('-f retention.yaml --apply')
    expect(exit, stderr + stdout).toBe(0)
    // 1.0 is a moving tag, and lts is no version: their content stays, and of that only the version's name goes.
    expect(tags(github.registry)).toEqual(['1.0', '1.0.0', '1.2.0', 'lts'])
    expect([...github.authorizations]).toEqual(['Bearer a-token'])
    expect(stdout).toMatch(/untagged +1\.1\.0/)
  })

  it.each([
    ['', 'Neither rules (-f) nor a plan'],
    ['-f retention.yaml --apply plan.json', 'A plan brings its own rules'],
    ['--apply plan.json --source oci://x', 'A plan brings its own rules'],
    ['-f none.yaml', 'none.yaml cannot be read'],
    ['--apply none.json', 'There is no plan'],
    ['-f retention.yaml --source oci://a --source oci://b', '--source names 2 registries'],
  ])('%s is a mistake that is explained', async (args, expected) => {
    await start(versions)
    const { exit, stderr } = await run(args)
    expect(exit).toBe(2)
    expect(stderr).toContain(expected)
  })
})

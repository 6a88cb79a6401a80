import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actions } from '../../src/github/table.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { FakeRunner, root } from './runner.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-dist-'))
const built = join(scratch, 'built')
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Every file of a folder by its path. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name), 'latin1')]),
  )
}

const build = (from: string, to: string) =>
  execFileSync(process.execPath, [join(from, 'scripts/build.ts'), to], { cwd: from, stdio: 'pipe' })

beforeAll(() => void build(root, built), 60_000)

describe('dist', () => {
  it('is what the sources build to, file by file', () => {
    const [committed, fresh] = [contents(join(root, 'dist')), contents(built)]
    expect(Object.keys(committed)).toEqual(Object.keys(fresh))
    expect(Object.keys(fresh).filter((name) => committed[name] !== fresh[name])).toEqual([])
  })

  it('is committed whole, and nothing beside it', () => {
    const listed = execFileSync('git', ['ls-files', 'dist'], { cwd: root, encoding: 'utf8' })
    const committed = listed
      .trim()
      .split('\n')
      .map((path) => path.slice('dist/'.length))
    expect(committed.sort()).toEqual(Object.keys(contents(built)).sort())
  })

  it('comes out the same in another folder, and again', () => {
    const elsewhere = join(scratch, 'else where/checkout')
    for (const path of ['src', 'scripts', 'package.json'])
      cpSync(join(root, path), join(elsewhere, path), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(elsewhere, 'node_modules'))
    build(elsewhere, join(scratch, 'other'))
    const [here, there] = [contents(built), contents(join(scratch, 'other'))]
    expect(Object.keys(here)).toEqual(Object.keys(there))
    expect(Object.keys(here).filter((name) => here[name] !== there[name])).toEqual([])
  }, 60_000)

  it('names no folder of the machine it was built on, and brings the licences of what it contains', () => {
    const files = contents(built)
    const telling = Object.entries(files).filter(([, text]) => text.includes(root) || text.includes(scratch))
    expect(telling.map(([name]) => name)).toEqual([])
    for (const name of ['@actions/core', 'undici', 'yaml', 'zod', 'tar', 'semver'])
      expect(files['LICENSES.txt']).toContain(`\n${name} `)
  })

  it('has a bundle for every action.yml', () => {
    for (const { name } of Object.values(actions)) expect(existsSync(join(built, `${name}.mjs`))).toBe(true)
  })
})

describe('the actions, as a runner starts them', () => {
  const runner = new FakeRunner(built)
  const gitTag = 'taskservs/etcd/v3.5.16'
  const pushed = { GITHUB_REF: `refs/tags/${gitTag}`, GITHUB_REF_TYPE: 'tag' }
  const layout = join(runner.temp, 'registry')
  let digest: string | undefined

  beforeAll(() => void runner.checkOut('taskservs/etcd', gitTag))
  afterAll(() => rmSync(runner.temp, { recursive: true, force: true }))

  it('release the pushed tag into a layout, with outputs, summary and an exit code of 0', async () => {
    const inputs = {
      to: `layout:${layout}`,
      'moving-tags': 'latest, minor',
      'test-command': 'test -f manifest.yaml',
    }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit, run.log).toBe(0)
    digest = run.outputs.digest
    const reference = `layout:${layout}#etcd:3.5.16@${digest}`
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(run.outputs).toMatchObject({ name: 'etcd', version: '3.5.16', kind: 'taskserv', reference })
    expect(run.outputs).toMatchObject({ published: '1', unchanged: '0', layout: `layout:${layout}` })
    expect(JSON.parse(run.outputs.references ?? '')).toEqual([reference])
    expect(JSON.parse(run.outputs.releases ?? '')).toMatchObject([
      { name: 'etcd', gitTag, digest, reference },
    ])
    expect(run.summary).toContain(digest?.slice('sha256:'.length))
    expect(run.summary).toContain('latest &#8594; 3.5.16')
    expect(run.summary).toContain('3.5 &#8594; 3.5.16')
    expect(run.log).toContain(`published ${reference}`)
    expect(existsSync(join(layout, 'etcd/oci-layout'))).toBe(true)
    expect(run.subjects).toBe('')
    expect(runner.leftovers()).toEqual([])
  })

  it('find nothing to do when the step runs again', async () => {
    const inputs = { to: `layout:${layout}`, 'skip-tests': 'true' }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit, run.log).toBe(0)
    expect(run.outputs).toMatchObject({ published: '0', unchanged: '1', digest })
  })

  it('package into an archive in one step and publish that archive in another, with the same digest', async () => {
    const output = { output: 'archive:out/stage.tar', 'git-tag': gitTag, 'skip-tests': 'true' }
    mkdirSync(join(runner.workspace, 'out'))
    const packed = await runner.step('package-extension', { inputs: output })
    expect(packed.exit, packed.log).toBe(0)
    expect(packed.outputs).toMatchObject({
      digest,
      name: 'etcd',
      layout: `archive:${join(runner.workspace, 'out/stage.tar')}`,
    })
    const target = join(runner.temp, 'published')
    const inputs = { from: packed.outputs.layout ?? '', to: `layout:${target}` }
    const run = await runner.step('publish-oci', { inputs })
    expect(run.exit, run.log).toBe(0)
    expect(run.outputs).toMatchObject({
      digest,
      published: '1',
      reference: `layout:${target}#etcd:3.5.16@${digest}`,
    })
    expect(existsSync(join(target, 'etcd/index.json'))).toBe(true)
  })

  it('publish to a registry under full addresses, declare the subject, and say how to pull', async () => {
    await using registry = await startFakeRegistry()
    const address = `oci://${registry.host}/some/etcd:3.5.16`
    const inputs = { from: `layout:${layout}#etcd:3.5.16`, references: address }
    const run = await runner.step('publish-oci', { inputs })
    expect(run.exit, run.log).toBe(0)
    expect(run.outputs.reference).toBe(`${address}@${digest}`)
    expect(run.subjects).toBe(`${address}@${digest}\n`)
    expect(run.summary).toContain(`oras pull ${registry.host}/some/etcd:3.5.16`)
    expect(existsSync(join(runner.workspace, '.slipway'))).toBe(false)
  })

  it('fail on wrong inputs with all their names, and write nothing', async () => {
    const target = join(runner.temp, 'never')
    const inputs = { to: `layout:${target}`, retries: 'many', 'dry-run': 'perhaps' }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit).toBe(2)
    expect(run.log).toMatch(
      /^::error::\[INPUT_INVALID\] .*dry-run must be true or false.*retries must be a whole number/m,
    )
    expect(run.summary).toContain('failed')
    expect(run.outputs).toEqual({})
    expect(existsSync(target)).toBe(false)
    const missing = await runner.step('publish-oci')
    expect(missing.exit).toBe(2)
    expect(missing.log).toContain('from is required')
  })

  it('write nothing in a dry run, and show what they would write', async () => {
    const target = join(runner.temp, 'rehearsed')
    const inputs = { to: `layout:${target}`, 'skip-tests': 'true', 'dry-run': 'true' }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit, run.log).toBe(0)
    expect(run.log).toContain('  tag latest created')
    expect(run.summary).toContain('nothing was written')
    expect(existsSync(target)).toBe(false)
  })

  it('do not make up what a pushed tag stands for, nor guess without one', async () => {
    const environment = { GITHUB_REF: 'refs/tags/taskservs/etcd/v9.9.9' }
    const inputs = { to: `layout:${join(runner.temp, 'never')}` }
    const gone = await runner.step('release', { inputs, environment })
    expect(gone.exit).toBe(2)
    expect(gone.log).toContain('::error::[GIT_TAG_MISSING]')
    const none = await runner.step('release', { inputs })
    expect(none.exit).toBe(2)
    expect(none.log).toContain('::error::[GIT_TAG_MISSING] This run is for no tag')
  })

  it('annotate findings at their lines, relative to the workspace', async () => {
    const manifest = join(runner.workspace, 'taskservs/etcd/manifest.yaml')
    const text = readFileSync(manifest, 'utf8')
    writeFileSync(manifest, text.replace(/^version:.*$/m, 'version: newest'))
    const environment = { GITHUB_STEP_SUMMARY: undefined }
    const inputs = { 'git-tag': 'taskservs/etcd/v3.5.17', 'skip-tests': 'true' }
    const run = await runner.step('release', { inputs, environment })
    writeFileSync(manifest, text)
    expect(run.exit).toBe(2)
    expect(run.log).toMatch(/^::error title=\w+,file=taskservs\/etcd\/manifest\.yaml,line=\d+/m)
    expect(run.log).toMatch(/^::error::\[FINDINGS\]/m)
  })

  it('keep a password out of the log, and give it to no test', async () => {
    const inputs = {
      to: `layout:${join(runner.temp, 'secret')}`,
      username: 'someone',
      password: 'not-for-anyone',
      'test-command': 'env > seen; ! grep -q -e not-for-anyone -e INPUT_ -e GITHUB_ seen',
    }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit, run.log).toBe(0)
    const lines = run.log.split('\n').filter((line) => line.includes('not-for-anyone'))
    expect(lines).toEqual(['::add-mask::not-for-anyone'])
    expect(run.log.indexOf('::add-mask::')).toBe(0)
    expect(run.summary).not.toContain('not-for-anyone')
  })

  it('give a user and password to the hosts they write to, and name what one target got when another failed', async () => {
    const auth = { kind: 'basic', username: 'someone', password: 'right' } as const
    await using registry = await startFakeRegistry({ auth })
    const to = `layout:${join(runner.temp, 'beside')}, oci://${registry.host}/prefix`
    const inputs = { to, 'skip-tests': 'true', username: 'someone', retries: '0' }
    const wrong = await runner.step('release', {
      inputs: { ...inputs, password: 'wrong' },
      environment: pushed,
    })
    expect(wrong.exit).toBe(1)
    expect(wrong.log).toMatch(/^::error::\[UNAUTHORIZED\] /m)
    expect(JSON.parse(wrong.outputs.references ?? '')).toEqual([expect.stringMatching(/^layout:/)])
    expect(wrong.summary).toContain('**failed** <code>UNAUTHORIZED</code>')
    const right = await runner.step('release', {
      inputs: { ...inputs, password: 'right' },
      environment: pushed,
    })
    expect(right.exit, right.log).toBe(0)
    expect(right.outputs).toMatchObject({ published: '1', unchanged: '1' })
    expect(right.subjects).toBe(`oci://${registry.host}/prefix/etcd:3.5.16@${digest}\n`)
    const half = await runner.step('release', { inputs, environment: pushed })
    expect(half.exit).toBe(2)
    expect(half.log).toContain('[INPUT_INVALID] The step has username, but no password')
  })

  it('refuse with exit code 3 to put other content under a tag', async () => {
    const inputs = { to: `layout:${layout}`, 'skip-tests': 'true', compression: '1' }
    const run = await runner.step('release', { inputs, environment: pushed })
    expect(run.exit, run.log).toBe(3)
    expect(run.log).toMatch(/^::error::\[TAG_EXISTS\] /m)
    expect(run.outputs).toMatchObject({ published: '0', unchanged: '0', references: '[]', reference: '' })
  })

  it('stop when the run is cancelled, and leave nothing behind', async () => {
    const target = join(runner.temp, 'cancelled')
    const inputs = { to: `layout:${target}`, 'test-command': 'sleep 30' }
    const start = Date.now()
    const run = await runner.step('release', { inputs, environment: pushed, cancelAt: 'testing' })
    expect(Date.now() - start).toBeLessThan(15_000)
    expect(run.exit, run.log).toBe(130)
    expect(run.log).toContain('[INTERRUPTED]')
    expect(existsSync(target)).toBe(false)
    expect(runner.leftovers()).toEqual([])
  })
})

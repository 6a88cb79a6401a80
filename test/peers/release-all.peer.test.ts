import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { git, repositoryWith } from '../git/fixture.ts'
import { exactTags, filesOf, wrongWayRound } from '../tasks/graphs.ts'
import { type ActHost, actHost } from './act.ts'
import { record } from './recorder.ts'
import { type RunningRegistry, startRegistry } from './registries.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Three waves; by name the order would be the other way round. */
const extensions = [
  { name: 'a-web', version: '1.0.0', needs: ['b-kubernetes'] },
  { name: 'b-kubernetes', version: '1.0.0', needs: ['c-etcd', 'd-runc'] },
  { name: 'c-etcd', version: '1.0.0', needs: [] },
  { name: 'd-runc', version: '1.0.0', needs: [] },
]

let scratch: string
let registry: RunningRegistry
let host: ActHost

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-release-all-'))
  registry = await startRegistry('distribution2')
  // Of these sources, whatever dist was built from.
  const dist = join(scratch, 'dist')
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), dist], { cwd: root, stdio: 'pipe' })
  host = actHost(scratch, ['release.yml', 'release-all.yml'], dist)
  const shelf = 'join(process.env.SHELF, process.env.INPUT_NAME'
  host.standIn('upload-artifact', `cp(process.env.INPUT_PATH, ${shelf}, basename(process.env.INPUT_PATH)))`)
  host.standIn('download-artifact', `cp(${shelf}), process.env.INPUT_PATH)`)
}, 180_000)
afterAll(async () => {
  await registry.stop()
  rmSync(scratch, { recursive: true, force: true })
})

/** Runs the example as somebody would who adapted it, in a repository with these git tags. */
async function dispatch(prefix: string, more: Record<string, unknown>, tags: readonly string[]) {
  const work = mkdtempSync(join(scratch, 'work-'))
  const caller = join(work, 'extensions')
  mkdirSync(caller)
  const workflow = parse(readFileSync(join(root, 'examples/workflows/release-all.yml'), 'utf8'))
  await using recorder = await record(registry.url)
  Object.assign(workflow.jobs.release.with, {
    to: `oci://${recorder.url}/${prefix}`,
    // What act does not tell.
    'slipway-repository': 'example-org/slipway',
    'slipway-ref': 'v0.1.0',
    ...more,
  })
  const files = {
    '.github/workflows/release-all.yml': stringify(workflow),
    // act looks for what Slipway's workflow calls with `./` in the caller's repository, where GitHub does not.
    '.github/workflows/release.yml': readFileSync(join(root, '.github/workflows/release.yml'), 'utf8'),
  }
  repositoryWith(caller, Object.assign(files, ...extensions.map(filesOf)))
  for (const tag of tags) git(caller, 'tag', tag)
  const result = await host.run('workflow_dispatch', {}, caller, [
    '--env',
    `SHELF=${join(work, 'shelf')}`,
    '--workflows',
    '.github/workflows/release-all.yml',
  ])
  return { ...result, published: exactTags(recorder) }
}

describe('act runs release-all.yml', () => {
  const all = extensions.map(({ name }) => `taskservs/${name}/v1.0.0`)

  it.each([
    ['in one call', {}],
    ['with a matrix for each wave', { matrix: true }],
  ])('%s: everything that is missing, in order', async (_, more) => {
    const prefix = 'matrix' in more ? 'waves' : 'all'
    const { code, stdout, stderr, published } = await dispatch(prefix, more, all)
    expect(code, stdout + stderr).toBe(0)
    expect(published).toHaveLength(4)
    expect(wrongWayRound(extensions, published)).toEqual([])
    const jobs = new Set([...stdout.matchAll(/wave (\d) \(\d-\d\)/g)].map(([, wave]) => wave))
    expect([...jobs].sort()).toEqual('matrix' in more ? ['0', '1', '2'] : [])
  })

  it('releases the others and fails at the end where a git tag cannot be released', async () => {
    const { code, stdout, published } = await dispatch('broken', {}, [...all, 'taskservs/gone/v1.0.0'])
    expect(published).toHaveLength(4)
    expect(code).toBe(1)
    expect(stdout).toMatch(/git tags that cannot be released.*EXTENSION_NOT_FOUND/)
  })
})

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silent } from '../../src/core/report.ts'
import { discover } from '../../src/extension/discover.ts'
import { defaultLayouts, type Layouts } from '../../src/extension/kinds.ts'
import { changedPackages } from '../../src/release/changes.ts'
import { Sources } from '../../src/release/sources.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from '../git/fixture.ts'
import { extensionFiles } from './packages.ts'

const files = {
  ...extensionFiles('taskservs/etcd'),
  ...extensionFiles('taskservs/etcd-backup'),
  ...extensionFiles('taskservs/databases/redis'),
}

/** Folders of what changed, and names of what is gone. */
async function about(paths: readonly string[], prefix = '', layouts: Layouts = defaultLayouts) {
  const { packages } = await discover(memoryTree({ ...files, 'manifest.yaml': '' }), layouts)
  const { changed, removed } = await changedPackages({ paths, prefix }, packages, layouts)
  const own = changed.filter((one) => one.kind !== 'core')
  return { changed: own.map((one) => one.folder), removed: removed.map((one) => one.name) }
}
const all = ['taskservs/databases/redis', 'taskservs/etcd', 'taskservs/etcd-backup']

describe('what a changed file is about', () => {
  it.each([
    ['a file of a package', ['taskservs/etcd/docs/deep/new'], ['taskservs/etcd']],
    ['a file of a package in a category', ['taskservs/databases/redis/x'], ['taskservs/databases/redis']],
    ['a file beside packages', ['taskservs/README.md', 'README.md', '.github/workflows/x.yml'], []],
    ['slipway.yaml', ['slipway.yaml'], all],
    ['another slipway.yaml', ['examples/slipway.yaml', 'taskservs/slipway.yaml'], []],
    ['what decides about every file', ['.gitignore'], all],
    ['what decides about some files', ['taskservs/databases/.gitattributes'], ['taskservs/databases/redis']],
    ['what decides about other files', ['docs/.gitignore'], []],
  ])('%s', async (_, paths, changed) => {
    expect(await about(paths)).toEqual({ changed, removed: [] })
  })

  it('is told for a repository of extensions below git’s root', async () => {
    expect(await about(['infra/taskservs/etcd/x', 'taskservs/databases/redis/x'], 'infra/')).toEqual({
      changed: ['taskservs/etcd'],
      removed: [],
    })
    expect((await about(['slipway.yaml'], 'infra/')).changed).toEqual([])
    expect((await about(['infra/slipway.yaml'], 'infra/')).changed).toEqual(all)
    expect((await about(['.gitignore'], 'infra/')).changed).toEqual(all)
    expect((await about(['infrastructure/.gitignore'], 'infra/')).changed).toEqual([])
  })

  it('is the core for every file where the repository itself is one', async () => {
    const { packages } = await discover(memoryTree({ 'manifest.yaml': '' }), defaultLayouts)
    const changed = { paths: ['anything'], prefix: '' }
    expect((await changedPackages(changed, packages, defaultLayouts)).changed).toMatchObject([
      { kind: 'core' },
    ])
  })

  it('is what a package was that is gone, and not one that only moved', async () => {
    const gone = ['taskservs/kube/manifest.yaml', 'taskservs/kube/scripts/install.nu']
    expect(await about(gone)).toEqual({ changed: [], removed: ['kube'] })
    expect(await about(['taskservs/old/redis/manifest.yaml'])).toEqual({ changed: [], removed: [] })
  })
})

describe('since when', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'slipway-since-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  async function since(refs: readonly string[], uncommitted = false, directory = dir) {
    await using sources = new Sources({ directory, environment: gitEnv, report: silent })
    return await sources.since(refs, uncommitted)
  }

  it('is the first name that exists; uncommitted files count where they are asked for', async () => {
    repositoryWith(dir, { 'infra/a': '1', b: '1' })
    const base = git(dir, 'rev-parse', 'HEAD')
    write(dir, { b: '2' })
    commitAll(dir)
    write(dir, { 'infra/new': '' })
    const found = { base: { id: base }, prefix: 'infra/' }
    const infra = join(dir, 'infra')
    expect(await since(['origin/none', base], false, infra)).toMatchObject({ ...found, paths: ['b'] })
    expect(await since([base], true, infra)).toMatchObject({ ...found, paths: ['b', 'infra/new'] })
  })

  it('is unknown in a clone that is too shallow, and known where it reaches just far enough', async () => {
    const origin = join(dir, 'origin')
    mkdirSync(origin)
    repositoryWith(origin, { a: '1' })
    write(origin, { a: '2' })
    commitAll(origin)
    for (const depth of [1, 2])
      git(dir, 'clone', '-q', `--depth=${depth}`, `file://${origin}`, `clone${depth}`)
    expect(await since(['HEAD~1'], false, join(dir, 'clone1'))).toEqual({
      unknown: expect.stringContaining('shallow'),
      hint: expect.stringContaining('fetch-depth: 0'),
    })
    expect(await since(['nowhere', 'HEAD~1'], false, join(dir, 'clone2'))).toMatchObject({ paths: ['a'] })
  })

  it('is unknown where nothing is common', async () => {
    repositoryWith(dir, { a: '1' })
    git(dir, 'checkout', '-q', '--orphan', 'other')
    write(dir, { b: '1' })
    commitAll(dir)
    expect(await since(['main'])).toMatchObject({ unknown: expect.stringContaining('main') })
  })

  it('is refused for a name that a whole clone does not have, and where there is no git', async () => {
    await expect(since(['main'])).rejects.toMatchObject({ code: 'GIT_REF_MISSING', exit: 2 })
    repositoryWith(dir, { a: '1' })
    await expect(since(['mian', 'origin/mian'])).rejects.toMatchObject({
      code: 'GIT_REF_MISSING',
      message: expect.stringContaining('mian or origin/mian'),
    })
    await expect(since(['--output=x'])).rejects.toMatchObject({ code: 'GIT_REF_INVALID' })
  })
})

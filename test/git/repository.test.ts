import { chmodSync, existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRepository, type Repository } from '../../src/git/repository.ts'
import { readText } from '../../src/tree/text.ts'
import type { Tree, TreeFile } from '../../src/tree/tree.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from './fixture.ts'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'git-')))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function open(at = dir): Promise<Repository> {
  const repository = await openRepository(at, { environment: gitEnv })
  if (repository === undefined) throw new Error('no repository')
  return repository
}
async function byPath(tree: Tree): Promise<Record<string, TreeFile>> {
  const files = await Array.fromAsync(tree.files())
  return Object.fromEntries(files.map((file) => [file.path, file]))
}
async function headTree(repository: Repository, folder: string): Promise<Tree> {
  const head = await repository.head()
  if (head === undefined) throw new Error('no commit')
  return await repository.commitTree(head, folder)
}

test('outside a repository there is none, even without git', async () => {
  expect(await openRepository(dir, { environment: {} })).toBeUndefined()
})

test('inside a repository without git on PATH, git is named as missing', async () => {
  git(dir, 'init', '-q')
  await expect(openRepository(dir, { environment: { PATH: '/nonexistent' } })).rejects.toMatchObject({
    code: 'GIT_MISSING',
  })
})

test('a folder knows its root and prefix; before the first commit there is no head', async () => {
  git(dir, 'init', '-q')
  await mkdir(join(dir, 'a/b'), { recursive: true })
  await using repository = await open(join(dir, 'a/b'))
  expect(repository).toMatchObject({ root: dir, prefix: 'a/b/' })
  expect(await repository.head()).toBeUndefined()
})

test('a commit’s folder has the modes, links and line ends of git’s objects, whatever the checkout did', async () => {
  repositoryWith(dir, { 'x/crlf.txt': 'a\r\nb\r\n', 'x/sub/lf.txt': 'a\nb\n', 'other/y': '' })
  write(dir, { 'x/run': '#!/bin/sh\n', '.gitattributes': '*.txt text eol=crlf\n' })
  chmodSync(join(dir, 'x/run'), 0o755)
  symlinkSync('run', join(dir, 'x/link'))
  git(dir, '-c', 'core.autocrlf=false', 'add', 'x/run', 'x/link')
  git(dir, 'commit', '-q', '-m', 'more')
  await using repository = await open()
  const tree = await headTree(repository, 'x')
  expect(tree.time).toEqual(new Date('2020-02-02T02:02:02Z'))
  expect(tree.commit).toMatch(/^[0-9a-f]{40}$/)
  const files = await byPath(tree)
  expect(Object.keys(files).sort()).toEqual(['crlf.txt', 'link', 'run', 'sub/lf.txt'])
  expect(files.run).toMatchObject({ executable: true, size: 10 })
  expect(files.link).toMatchObject({ link: 'run' })
  expect(await readText(tree, 'crlf.txt')).toBe('a\r\nb\r\n')
  expect(await readText(tree, 'sub/lf.txt')).toBe('a\nb\n')
})

test('a tag is followed to its commit, annotated or not; unknown ones and tags of trees are none', async () => {
  repositoryWith(dir, { 'a/x': '1' })
  const first = git(dir, 'rev-parse', 'HEAD')
  git(dir, 'tag', 'a/v1.0.0')
  git(dir, 'tag', '-a', '-m', 'one', 'a/v1.0.1')
  git(dir, 'tag', 'tree', 'HEAD^{tree}')
  write(dir, { 'a/x': '2' })
  commitAll(dir)
  await using repository = await open()
  expect((await repository.tagCommit('a/v1.0.0'))?.id).toBe(first)
  expect((await repository.tagCommit('a/v1.0.1'))?.id).toBe(first)
  expect(await repository.tagCommit('a/v9.0.0')).toBeUndefined()
  expect(await repository.tagCommit('tree')).toBeUndefined()
  expect(await repository.tagCommit('main')).toBeUndefined()
  const commit = await repository.tagCommit('a/v1.0.0')
  if (commit === undefined) throw new Error('no commit')
  expect(await readText(await repository.commitTree(commit, 'a/'), 'x')).toBe('1')
  await expect(repository.commitTree(commit, 'b')).rejects.toMatchObject({
    code: 'GIT_FOLDER_MISSING',
    exit: 2,
  })
  expect((await repository.tags('a/*')).sort()).toEqual(['a/v1.0.0', 'a/v1.0.1'])
  expect(await repository.tags()).toHaveLength(3)
})

test.each([
  '-x',
  '--output=/tmp/x',
  'a..b',
  'a b',
  'x^{tree}',
  'HEAD@{1}',
  'a\nb',
  '',
  'x:y',
  '../heads/main',
])('tag %j is refused before git sees it', async (tag) => {
  git(dir, 'init', '-q')
  await using repository = await open()
  await expect(repository.tagCommit(tag)).rejects.toMatchObject({ code: 'GIT_TAG_INVALID', exit: 2 })
})

test('dirty lists changed, staged, deleted and untracked files of the folder alone, not ignored ones', async () => {
  repositoryWith(dir, { 'a/x': '1', 'a/y': '1', 'a/[z]': '1', 'b/x': '1', '.gitignore': '*.log\n' })
  await using repository = await open()
  expect(await repository.dirty('a')).toEqual([])
  write(dir, { 'a/x': '2', 'a/new/file ü': '', 'a/run.log': '', 'b/x': '2', 'a/staged': '' })
  await rm(join(dir, 'a/y'))
  git(dir, 'add', 'a/staged')
  expect((await repository.dirty('a')).sort()).toEqual(['a/new/file ü', 'a/staged', 'a/x', 'a/y'])
  expect(await repository.dirty('a/[z]')).toEqual([])
  expect(await repository.dirty('')).toHaveLength(5)
})

test('submodules and LFS pointers are refused by name', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n'
  repositoryWith(dir, { 'a/model.bin': pointer, 'a/z': '' })
  git(dir, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},b/sub`)
  git(dir, 'commit', '-q', '-m', 'submodule')
  await using repository = await open()
  await expect(readText(await headTree(repository, 'a'), 'model.bin')).rejects.toMatchObject({
    code: 'GIT_LFS_POINTER',
    exit: 2,
    message: expect.stringContaining('model.bin'),
  })
  await expect(byPath(await headTree(repository, 'b'))).rejects.toMatchObject({
    code: 'GIT_SUBMODULE',
    exit: 2,
  })
})

test('hooks, monitors and pagers of a hostile checkout do not run', async () => {
  repositoryWith(dir, { 'a/x': '1' })
  const trap = join(dir, 'trap.sh')
  const sprung = join(dir, '..', `${dir.split('/').at(-1)}-sprung`)
  writeFileSync(trap, `#!/bin/sh\ntouch ${sprung}\n`, { mode: 0o755 })
  for (const key of ['core.fsmonitor', 'core.pager', 'core.editor', 'core.sshCommand', 'pager.status'])
    git(dir, 'config', key, trap)
  git(dir, 'config', 'core.hooksPath', dir)
  writeFileSync(join(dir, 'post-index-change'), `#!/bin/sh\ntouch ${sprung}\n`, { mode: 0o755 })
  write(dir, { 'a/x': '1' })
  await using repository = await open()
  await repository.dirty('a')
  await byPath(await headTree(repository, 'a'))
  await repository.tags()
  expect(existsSync(sprung)).toBe(false)
})

test('GIT_DIR and the like in the environment do not lead elsewhere', async () => {
  repositoryWith(dir, { 'a/x': 'mine' })
  await using repository = await openRepository(dir, {
    environment: { ...gitEnv, GIT_DIR: '/nonexistent', GIT_WORK_TREE: '/' },
  })
  expect(repository?.root).toBe(dir)
})

test('a repository of another owner is refused with the way to trust it', async () => {
  repositoryWith(dir, { 'a/x': '1' })
  const shim = join(dir, 'bin')
  await mkdir(shim)
  writeFileSync(
    join(shim, 'git'),
    `#!/bin/sh\nexport GIT_TEST_ASSUME_DIFFERENT_OWNER=1\nexec ${git(dir, '--exec-path')}/git "$@"\n`,
    { mode: 0o755 },
  )
  await expect(
    openRepository(dir, { environment: { ...gitEnv, PATH: `${shim}:${gitEnv.PATH}` } }),
  ).rejects.toMatchObject({
    code: 'GIT_OWNERSHIP',
    exit: 2,
    hint: expect.stringContaining('safe.directory'),
  })
})

test('a shallow clone is enough; an object that was left out is named', async () => {
  const origin = join(dir, 'origin')
  await mkdir(origin)
  repositoryWith(origin, { 'a/x': 'text' })
  write(origin, { 'a/y': 'more' })
  commitAll(origin)
  git(dir, 'clone', '-q', '--depth', '1', `file://${origin}`, 'shallow')
  await using shallow = await open(join(dir, 'shallow'))
  expect(await readText(await headTree(shallow, 'a'), 'y')).toBe('more')
  git(origin, 'config', 'uploadpack.allowFilter', 'true')
  git(dir, 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${origin}`, 'partial')
  await using partial = await open(join(dir, 'partial'))
  await expect(byPath(await headTree(partial, 'a'))).rejects.toMatchObject({ code: 'GIT_OBJECT_MISSING' })
})

test('large blobs are streamed, and many files are read at once in any order', async () => {
  const big = Buffer.alloc(3 * 1024 * 1024, 'big')
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`a/f${index}`, `content ${index}`]),
  )
  repositoryWith(dir, { 'a/big': big, ...many })
  await using repository = await open()
  const tree = await headTree(repository, 'a')
  const file = await tree.file('big')
  if (file === undefined) throw new Error('no file')
  const started = file.open()[Symbol.asyncIterator]()
  await started.next()
  const texts = await Promise.all(Object.keys(many).map((path) => readText(tree, path.slice(2))))
  expect(texts).toEqual(Object.values(many))
  await started.return?.()
  expect(Buffer.concat(await Array.fromAsync(file.open())).equals(big)).toBe(true)
})

test('paths that cannot be unpacked everywhere are refused', async () => {
  repositoryWith(dir, { 'a/back\\slash': '' })
  await using repository = await open()
  await expect(byPath(await headTree(repository, 'a'))).rejects.toMatchObject({ code: 'PATH_UNSAFE' })
})

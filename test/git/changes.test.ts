import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository, type Repository } from '../../src/git/repository.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from './fixture.ts'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'git-changes-')))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function open(at = dir): Promise<Repository> {
  const repository = await openRepository(at, { environment: gitEnv })
  if (repository === undefined) throw new Error('no repository')
  return repository
}

/** A repository `origin` whose main went on after the branch `topic` left it. @returns where they parted */
async function parted(): Promise<{ origin: string; base: string }> {
  const origin = join(dir, 'origin')
  await mkdir(origin)
  repositoryWith(origin, { 'a/x': '1', 'a/gone': '1', 'b/x': '1' })
  write(origin, { 'a/x': '2' })
  const base = commitAll(origin)
  git(origin, 'checkout', '-q', '-b', 'topic')
  write(origin, { 'a/ü\n"x"': '', 'b/x': '2' })
  commitAll(origin)
  git(origin, 'mv', 'a/gone', 'a/moved')
  commitAll(origin)
  git(origin, 'checkout', '-q', 'main')
  write(origin, { 'c/later': '1' })
  commitAll(origin)
  return { origin, base }
}

describe('what a branch changed', () => {
  it('is what differs from where it parted, both names of what moved, nothing that main did since', async () => {
    const { origin, base } = await parted()
    git(origin, 'checkout', '-q', 'topic')
    await using repository = await open(origin)
    const from = await repository.mergeBase('main')
    expect(from?.id).toBe(base)
    if (from === undefined) return
    write(origin, { 'b/uncommitted': '' })
    expect((await repository.changedFiles(from)).sort()).toEqual(['a/gone', 'a/moved', 'a/ü\n"x"', 'b/x'])
    const head = await repository.head()
    expect(head && (await repository.changedFiles(head))).toEqual([])
  })

  it('knows branches that the remote alone has, tags, commits and those before them', async () => {
    const { origin, base } = await parted()
    git(origin, 'tag', '-a', '-m', 'x', 'taskservs/a/v1.0.0', base)
    git(dir, 'clone', '-q', '--branch', 'topic', `file://${origin}`, 'clone')
    await using repository = await open(join(dir, 'clone'))
    for (const ref of [
      'main',
      'origin/main',
      'refs/remotes/origin/main',
      'taskservs/a/v1.0.0',
      base,
      'HEAD~2',
    ])
      expect((await repository.mergeBase(ref))?.id, ref).toBe(base)
    expect((await repository.resolve('HEAD^'))?.id).toBe(git(origin, 'rev-parse', 'topic^'))
    expect(await repository.resolve('nowhere')).toBeUndefined()
    expect(await repository.mergeBase('nowhere')).toBeUndefined()
    expect(await repository.mergeBase('0'.repeat(40))).toBeUndefined()
  })

  it('has no merge base in a shallow clone, which says that it is one', async () => {
    const { origin } = await parted()
    git(
      dir,
      'clone',
      '-q',
      '--depth',
      '1',
      '--no-single-branch',
      '--branch',
      'topic',
      `file://${origin}`,
      'clone',
    )
    await using shallow = await open(join(dir, 'clone'))
    expect(await shallow.resolve('origin/main')).toBeDefined()
    expect(await shallow.mergeBase('origin/main')).toBeUndefined()
    expect(await shallow.isShallow()).toBe(true)
    await using whole = await open(origin)
    expect(await whole.isShallow()).toBe(false)
  })

  it('has none before the first commit or without common history', async () => {
    git(dir, 'init', '-q', '-b', 'main')
    await using repository = await open()
    expect(await repository.mergeBase('main')).toBeUndefined()
    repositoryWith(dir, { x: '1' })
    git(dir, 'checkout', '-q', '--orphan', 'other')
    write(dir, { y: '1' })
    commitAll(dir)
    await using later = await open()
    expect(await later.mergeBase('main')).toBeUndefined()
  })
})

describe('a name of a commit', () => {
  it.each([
    '--output=/tmp/x',
    '-x',
    '',
    'a..b',
    'main^{tree}',
    'main:a/x',
    'HEAD@{1}',
    ':/change',
    'a b',
    'a\nmain',
    '^main',
    '~',
    'main~~~~~~~~~',
    `${'a/'.repeat(600)}b`,
  ])('%j is refused before git sees it', async (ref) => {
    git(dir, 'init', '-q')
    await using repository = await open()
    await expect(repository.mergeBase(ref)).rejects.toMatchObject({ code: 'GIT_REF_INVALID', exit: 2 })
    await expect(repository.resolve(ref)).rejects.toMatchObject({ code: 'GIT_REF_INVALID' })
  })
})

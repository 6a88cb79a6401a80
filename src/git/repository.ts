import { access, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Environment } from '../process/environment.ts'
import type { Tree } from '../tree/tree.ts'
import { findGit, type Git, gitFailed, gitText, runGit } from './command.ts'
import { type Commit, commitTree, findFolder, readCommit } from './commit-tree.ts'
import { Objects } from './objects.ts'

export interface RepositoryOptions {
  /** The caller's variables: PATH finds git, HOME its configuration. */
  readonly environment: Environment
  readonly signal?: AbortSignal
}

/** A git repository with a working tree, read through the `git` program. Disposing ends its processes. */
export interface Repository extends AsyncDisposable {
  /** Absolute path of the working tree. */
  readonly root: string
  /** The opened folder relative to the root, with a trailing slash; empty at the root itself. */
  readonly prefix: string
  /** The commit that is checked out; undefined before the first one. */
  head(): Promise<Commit | undefined>
  /** The commit a tag stands for, through annotated tags; undefined when there is no such tag. */
  tagCommit(tag: string): Promise<Commit | undefined>
  /** A commit by its full id. @throws GIT_OBJECT_MISSING */
  commit(id: string): Promise<Commit>
  /** A folder, relative to the root, as it is in a commit. @throws GIT_FOLDER_MISSING */
  commitTree(commit: Commit, folder: string): Promise<Tree>
  /** Names of tags, all or those that match a glob such as `taskservs/kubernetes/*`. */
  tags(pattern?: string): Promise<string[]>
  /** Changed and untracked files under a folder relative to the root; ignored ones are left out. */
  dirty(folder: string): Promise<string[]>
  /**
   * The commit that a name stands for: a branch, a tag, a commit's id, each perhaps with `~2` or `^` behind
   * it. A branch may be the remote's alone, as after a checkout on a runner. Undefined when there is none.
   * @throws GIT_REF_INVALID
   */
  resolve(ref: string): Promise<Commit | undefined>
  /**
   * Where what is checked out parted from a name's commit; undefined when there is no such name, or no
   * common commit in this clone.
   * @throws GIT_REF_INVALID
   */
  mergeBase(ref: string): Promise<Commit | undefined>
  /** Whether the clone lacks the history before some commit (`fetch-depth`). */
  isShallow(): Promise<boolean>
  /** Paths of files, relative to the root, that differ between a commit and the one that is checked out. */
  changedFiles(base: Commit): Promise<string[]>
  /** What git ignores under a folder, relative to the root; a whole folder ends in `/`. */
  ignored(folder: string): Promise<string[]>
}

/**
 * The repository that a folder belongs to; undefined when it belongs to none. git itself is needed only
 * where there is a repository.
 * @throws GIT_MISSING, GIT_OWNERSHIP, GIT_FAILED
 */
export async function openRepository(
  dir: string,
  options: RepositoryOptions,
): Promise<Repository | undefined> {
  if (!(await insideRepository(dir))) return undefined
  const git = await findGit(options.environment, options.signal)
  const found = await runGit(git, dir, ['rev-parse', '--show-toplevel', '--show-prefix'])
  if (found.code !== 0) {
    const stderr = found.stderr.toString('utf8')
    if (stderr.includes('not a git repository') || stderr.includes('must be run in a work tree'))
      return undefined
    throw gitFailed('rev-parse', dir, stderr)
  }
  const [root = '', prefix = ''] = found.stdout.toString('utf8').split('\n')
  return new GitRepository(git, root, prefix)
}

class GitRepository implements Repository {
  readonly root: string
  readonly prefix: string
  readonly #git: Git
  readonly #objects: Objects
  readonly #commits = new Map<string, Promise<Commit>>()

  constructor(git: Git, root: string, prefix: string) {
    this.root = root
    this.prefix = prefix
    this.#git = git
    this.#objects = new Objects(git, root)
  }

  head(): Promise<Commit | undefined> {
    return this.#resolve('HEAD^{commit}')
  }

  async tagCommit(tag: string): Promise<Commit | undefined> {
    checkTag(tag)
    return await this.#resolve(`refs/tags/${tag}^{commit}`)
  }

  commit(id: string): Promise<Commit> {
    let commit = this.#commits.get(id)
    if (commit === undefined) {
      commit = readCommit(this.#objects, id)
      this.#commits.set(id, commit)
    }
    return commit
  }

  async commitTree(commit: Commit, folder: string): Promise<Tree> {
    const clean = folder.replace(/\/+$/, '')
    const start = await findFolder(this.#objects, this.root, commit.tree, clean)
    if (start === undefined)
      throw badInput('GIT_FOLDER_MISSING', `Commit ${commit.id.slice(0, 12)} has no folder ${clean}`, {
        hint: 'Check that the tag points at the commit that has the folder.',
      })
    return commitTree(this.#objects, this.root, commit, start, clean)
  }

  async tags(pattern?: string): Promise<string[]> {
    const under = pattern === undefined ? 'refs/tags' : `refs/tags/${pattern}`
    const text = await gitText(this.#git, this.root, ['for-each-ref', '--format=%(refname)', '--', under])
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice('refs/tags/'.length))
  }

  async dirty(folder: string): Promise<string[]> {
    const text = await gitText(this.#git, this.root, [
      'status',
      '--porcelain=v1',
      '-z',
      '--untracked-files=all',
      '--ignore-submodules=all',
      '--no-renames',
      '--',
      folder === '' ? '.' : folder,
    ])
    return text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => line.slice(3))
  }

  async ignored(folder: string): Promise<string[]> {
    const text = await gitText(this.#git, this.root, [
      'ls-files',
      '-z',
      '--others',
      '--ignored',
      '--exclude-standard',
      '--directory',
      '--',
      folder === '' ? '.' : folder,
    ])
    return text.split('\0').filter((line) => line !== '')
  }

  async resolve(ref: string): Promise<Commit | undefined> {
    checkRef(ref)
    return (
      (await this.#resolve(`${ref}^{commit}`)) ?? (await this.#resolve(`refs/remotes/origin/${ref}^{commit}`))
    )
  }

  async mergeBase(ref: string): Promise<Commit | undefined> {
    const [head, other] = [await this.head(), await this.resolve(ref)]
    if (head === undefined || other === undefined) return undefined
    const found = await runGit(this.#git, this.root, ['merge-base', other.id, head.id])
    // It ends with 1, and says nothing, where two commits have no common one.
    if (found.code === 1 && found.stderr.byteLength === 0) return undefined
    if (found.code !== 0) throw gitFailed('merge-base', this.root, found.stderr.toString('utf8'))
    return await this.commit(found.stdout.toString('utf8').trim())
  }

  async isShallow(): Promise<boolean> {
    return (await gitText(this.#git, this.root, ['rev-parse', '--is-shallow-repository'])).trim() === 'true'
  }

  async changedFiles(base: Commit): Promise<string[]> {
    const head = await this.head()
    if (head === undefined) return []
    const how = ['-r', '-z', '--name-only', '--no-renames']
    const text = await gitText(this.#git, this.root, ['diff-tree', ...how, base.id, head.id])
    return text.split('\0').filter((line) => line !== '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#objects[Symbol.asyncDispose]()
  }

  async #resolve(name: string): Promise<Commit | undefined> {
    const info = await this.#objects.info(name)
    return info?.type === 'commit' ? await this.commit(info.id) : undefined
  }
}

/**
 * What git-check-ref-format allows, with nothing that git's revision grammar would read as an operator.
 * @throws GIT_TAG_INVALID
 */
function checkTag(tag: string): void {
  if (isRefName(tag)) return
  throw badInput('GIT_TAG_INVALID', `${JSON.stringify(tag.slice(0, 200))} cannot be a git tag`, {
    hint: 'Write it as {folder}/{name}/v{version}, such as taskservs/kubernetes/v1.28.0.',
  })
}

/** @throws GIT_REF_INVALID */
function checkRef(ref: string): void {
  if (isRefName(ref.replace(/(?:[~^]\d{0,6}){1,8}$/, ''))) return
  throw badInput(
    'GIT_REF_INVALID',
    `${JSON.stringify(ref.slice(0, 200))} cannot be a branch, tag or commit`,
    {
      hint: 'Name one, such as main, origin/main, HEAD~1 or a commit.',
    },
  )
}

function isRefName(name: string): boolean {
  return (
    name !== '' &&
    name.length <= 1000 &&
    !name.startsWith('-') &&
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|\.lock(\/|$)|(^|\/)\./.test(name)
  )
}

async function insideRepository(dir: string): Promise<boolean> {
  let here = await realpath(dir).catch(() => resolve(dir))
  for (;;) {
    if (await exists(join(here, '.git'))) return true
    const up = dirname(here)
    if (up === here) return false
    here = up
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

import { badInput } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import type { Commit } from '../git/commit-tree.ts'
import { openRepository, type Repository } from '../git/repository.ts'
import type { Environment } from '../process/environment.ts'
import { folderTree } from '../tree/folder.ts'
import { listed } from '../tree/listed.ts'
import type { Tree } from '../tree/tree.ts'
import { without } from '../tree/without.ts'

/** The extension repository's files as one release sees them. */
export interface Source {
  readonly tree: Tree
  /** Undefined where there is no commit at all. */
  readonly commit: Commit | undefined
  /** Whether the bytes are the working tree's, which may differ from the commit's. */
  readonly working: boolean
}

/** Commits whose files are held at once: git tags that were set together share one. */
const mostTrees = 32

/** Files that changed, as git names them. */
export interface ChangedFiles {
  /** Relative to git's root. */
  readonly paths: readonly string[]
  /** The extension repository relative to git's root: empty, or with `/` at its end. */
  readonly prefix: string
}

/** What changed since a branch parted, or why nobody can tell. */
export type Since =
  | ({ readonly base: Commit } & ChangedFiles)
  | { readonly unknown: string; readonly hint: string }

/**
 * Where releases' bytes come from: the git tag's commit, else the working tree. One per run; disposing ends
 * git.
 */
export class Sources implements AsyncDisposable {
  /** Absolute path of the extension repository. */
  readonly directory: string
  readonly #environment: Environment
  readonly #report: Report
  readonly #signal: AbortSignal | undefined
  readonly #trees = new Map<string, Promise<Source>>()
  #repository: Promise<Repository | undefined> | undefined
  /** Asked once for all packages. */
  #dirty: Promise<string[]> | undefined

  constructor(options: {
    readonly directory: string
    readonly environment: Environment
    readonly report: Report
    readonly signal?: AbortSignal
  }) {
    this.directory = options.directory
    this.#environment = options.environment
    this.#report = options.report
    this.#signal = options.signal
  }

  /**
   * What a git tag releases.
   * @throws GIT_TAG_MISSING when it must exist and does not
   */
  async of(gitTag: string, mustExist: boolean): Promise<Source> {
    const tagged = await this.tagged(gitTag)
    if (tagged !== undefined) return tagged
    if (mustExist)
      throw badInput('GIT_TAG_MISSING', `There is no git tag ${gitTag} in ${this.directory}`, {
        hint: 'A release that a tag push started builds the tag’s own commit: check it out with its tags (fetch-depth: 0 or fetch-tags: true).',
      })
    return await this.working(
      (await this.#open()) === undefined ? 'there is no git repository' : `git tag ${gitTag} does not exist`,
    )
  }

  /** The commit of a git tag; undefined where there is no such tag. */
  async tagged(gitTag: string): Promise<Source | undefined> {
    const repository = await this.#open()
    const commit = await repository?.tagCommit(gitTag)
    return repository === undefined || commit === undefined ? undefined : await this.#at(repository, commit)
  }

  /** The git repository around the extension repository; undefined where there is none. */
  repository(): Promise<Repository | undefined> {
    return this.#open()
  }

  /** The working tree as it is. `why` says aloud why it stands in for a tag. */
  async working(why?: string): Promise<Source> {
    const repository = await this.#open()
    const source = await this.#once('', async () => {
      const tree = folderTree(this.directory, this.#signal === undefined ? {} : { signal: this.#signal })
      if (repository === undefined) return { tree: await listed(tree), commit: undefined, working: true }
      const commit = await repository.head()
      const ignored = await repository.ignored(repository.prefix)
      const own = ignored.map((path) => path.slice(repository.prefix.length))
      const kept = await listed(without(tree, own))
      const origin = commit === undefined ? {} : { commit: commit.id, time: commit.time }
      return { tree: { ...kept, ...origin }, commit, working: true }
    })
    if (why !== undefined) {
      const at = source.commit === undefined ? '' : ` at commit ${source.commit.id.slice(0, 12)}`
      this.#report.emit({ type: 'info', message: `Building the working tree${at}: ${why}.` })
    }
    return source
  }

  /** The commit that is checked out; undefined where there is none. */
  async head(): Promise<(Source & { readonly commit: Commit }) | undefined> {
    const repository = await this.#open()
    const commit = await repository?.head()
    if (repository === undefined || commit === undefined) return undefined
    return { ...(await this.#at(repository, commit)), commit }
  }

  /** The same for a snapshot, which has no other bytes. @throws SNAPSHOT_NEEDS_COMMIT */
  async snapshot(): Promise<Source & { readonly commit: Commit }> {
    const head = await this.head()
    if (head !== undefined) return head
    throw badInput('SNAPSHOT_NEEDS_COMMIT', `${this.directory} has no commit to build a snapshot of`, {
      hint: 'Commit first, or release a version from the working tree.',
    })
  }

  /** Changed and untracked files in a folder of the working tree; none where there is no commit to differ from. */
  async changes(folder: string): Promise<string[]> {
    const repository = await this.#open()
    if (repository === undefined || (await repository.head()) === undefined) return []
    const { prefix } = repository
    this.#dirty ??= repository.dirty(prefix)
    const inside = folder === '' ? prefix : `${prefix}${folder}/`
    return (await this.#dirty)
      .filter((path) => path.startsWith(inside))
      .map((path) => path.slice(prefix.length))
  }

  /**
   * What changed since the checked-out commit parted from one of these names, the first that exists.
   * Unknown where the clone is too shallow to tell, or the histories have nothing in common.
   * @param uncommitted whether changed and untracked files count, as somebody at a terminal expects
   * @throws GIT_REF_MISSING where a whole clone has none of the names, GIT_REF_INVALID
   */
  async since(refs: readonly string[], uncommitted: boolean): Promise<Since> {
    const repository = await this.#open()
    const names = refs.join(' or ')
    if (repository === undefined)
      throw badInput('GIT_REF_MISSING', `There is no ${names}: ${this.directory} is in no git repository`, {
        hint: 'Leave out since to take every package.',
      })
    const hint =
      'Check out with the whole history: fetch-depth: 0 with actions/checkout, or git fetch --unshallow.'
    for (const ref of refs) {
      const base = await repository.mergeBase(ref)
      if (base !== undefined) return await this.#changedSince(repository, base, uncommitted)
      if ((await repository.resolve(ref)) === undefined) continue
      if (!(await repository.isShallow()))
        return { unknown: `HEAD and ${ref} have no commit in common`, hint }
      break
    }
    if (await repository.isShallow())
      return { unknown: `the clone is shallow and does not reach where HEAD parted from ${names}`, hint }
    throw badInput('GIT_REF_MISSING', `There is no ${names} in ${repository.root}`, {
      hint: 'Name a branch, tag or commit that the clone has, such as origin/main.',
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const repository = await this.#repository?.catch(() => undefined)
    await repository?.[Symbol.asyncDispose]()
  }

  #open(): Promise<Repository | undefined> {
    this.#repository ??= openRepository(this.directory, {
      environment: this.#environment,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    })
    return this.#repository
  }

  async #changedSince(repository: Repository, base: Commit, uncommitted: boolean): Promise<Since> {
    const committed = await repository.changedFiles(base)
    const more = uncommitted ? await repository.dirty('') : []
    return { base, paths: [...new Set([...committed, ...more])].sort(), prefix: repository.prefix }
  }

  #at(repository: Repository, commit: Commit): Promise<Source> {
    return this.#once(commit.id, async () => {
      const tree = await listed(await repository.commitTree(commit, repository.prefix))
      return { tree, commit, working: false }
    })
  }

  #once(key: string, make: () => Promise<Source>): Promise<Source> {
    const known = this.#trees.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#trees.set(key, made)
    // The oldest goes; a Map keeps the order in which keys came.
    const [oldest] = this.#trees.keys()
    if (this.#trees.size > mostTrees && oldest !== undefined) this.#trees.delete(oldest)
    return made
  }
}

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

/**
 * Where releases' bytes come from: the git tag's commit, else the working tree. One per run; disposing ends
 * git.
 */
export class Sources implements AsyncDisposable {
  readonly #directory: string
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
    this.#directory = options.directory
    this.#environment = options.environment
    this.#report = options.report
    this.#signal = options.signal
  }

  /**
   * What a git tag releases.
   * @throws GIT_TAG_MISSING when it must exist and does not
   */
  async of(gitTag: string, mustExist: boolean): Promise<Source> {
    const repository = await this.#open()
    const commit = await repository?.tagCommit(gitTag)
    if (repository !== undefined && commit !== undefined) return await this.#at(repository, commit)
    if (mustExist)
      throw badInput('GIT_TAG_MISSING', `There is no git tag ${gitTag} in ${this.#directory}`, {
        hint: 'A release that a tag push started builds the tag’s own commit: check it out with its tags (fetch-depth: 0 or fetch-tags: true).',
      })
    return await this.working(
      repository === undefined ? 'there is no git repository' : `git tag ${gitTag} does not exist`,
    )
  }

  /** The working tree as it is. `why` says aloud why it stands in for a tag. */
  async working(why?: string): Promise<Source> {
    const repository = await this.#open()
    const source = await this.#once('', async () => {
      const tree = folderTree(this.#directory, this.#signal === undefined ? {} : { signal: this.#signal })
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

  /** The commit that is checked out. @throws SNAPSHOT_NEEDS_COMMIT */
  async head(): Promise<Source & { readonly commit: Commit }> {
    const repository = await this.#open()
    const commit = await repository?.head()
    if (repository === undefined || commit === undefined)
      throw badInput('SNAPSHOT_NEEDS_COMMIT', `${this.#directory} has no commit to build a snapshot of`, {
        hint: 'Commit first, or release a version from the working tree.',
      })
    return { ...(await this.#at(repository, commit)), commit }
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

  async [Symbol.asyncDispose](): Promise<void> {
    const repository = await this.#repository?.catch(() => undefined)
    await repository?.[Symbol.asyncDispose]()
  }

  #open(): Promise<Repository | undefined> {
    this.#repository ??= openRepository(this.#directory, {
      environment: this.#environment,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    })
    return this.#repository
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
    return made
  }
}

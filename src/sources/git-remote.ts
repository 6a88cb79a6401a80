import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, hasCode, SlipwayError } from '../core/error.ts'
import { Serial } from '../core/single-flight.ts'
import { findGit, type Git } from '../git/command.ts'
import type { Commit } from '../git/commit-tree.ts'
import { openRepository, type Repository } from '../git/repository.ts'
import { digestOf, encodedOf } from '../oci/digest.ts'
import { cleanEnvironment, type Environment } from '../process/environment.ts'
import { run } from '../process/run.ts'
import { withoutUser } from '../store/address.ts'
import type { Call } from '../store/store.ts'
import type { Tree } from '../tree/tree.ts'
import { failedAt, offline } from './failure.ts'
import { Remembered } from './remembered.ts'

export interface GitRemoteOptions {
  /** `https://HOST/PATH`, `http://…` or `ssh://[USER@]HOST/PATH`. */
  readonly url: string
  /** The caller's variables: PATH finds git, HOME its configuration and keys. */
  readonly environment: Environment
  /** A folder for what is fetched. */
  readonly scratch: () => Promise<string>
  readonly offline?: boolean
  /** Ways to a repository; default: https, http and ssh. */
  readonly protocols?: readonly string[]
}

/** A git repository elsewhere. Disposing ends git's processes; what was fetched stays in the scratch folder. */
export interface GitRemote extends AsyncDisposable {
  /** For messages. */
  readonly url: string
  /** Names of all tags. @throws GIT_FAILED, GIT_MISSING, OFFLINE */
  tags(call?: Call): Promise<readonly string[]>
  /**
   * A folder of a tag's commit, which is fetched once and without its history; undefined where it has none.
   * @throws GIT_FAILED, GIT_MISSING, OFFLINE
   */
  tree(tag: string, folder: string, call?: Call): Promise<Tree | undefined>
}

/** @throws ADDRESS_INVALID for other protocols, and for addresses with a password */
export function gitRemote(options: GitRemoteOptions): GitRemote {
  const { protocols = ['https', 'http', 'ssh'] } = options
  const url = URL.parse(options.url)
  const protocol = url?.protocol.slice(0, -1)
  const shown = JSON.stringify(withoutUser(options.url).slice(0, 300))
  const refuse = (what: string) =>
    badInput('ADDRESS_INVALID', `${shown} ${what}`, { hint: 'Write git+https://HOST/OWNER/REPOSITORY.' })
  if (url === null || protocol === undefined || !protocols.includes(protocol))
    throw refuse('is no repository that git may be asked for')
  if (url.password !== '' || (url.username !== '' && protocol !== 'ssh'))
    throw refuse('has a user or password')
  // Programs that git starts could take these for options.
  if (/^-/.test(url.hostname) || /^-/.test(url.username)) throw refuse('has no valid host')
  return new Remote(options, url.href, protocol)
}

/** Milliseconds for one git command over a network. */
const longest = 600_000

class Remote implements GitRemote {
  readonly url: string
  readonly #options: GitRemoteOptions
  readonly #protocol: string
  readonly #tags = new Remembered<readonly string[]>()
  readonly #commits = new Remembered<{ readonly repository: Repository; readonly commit: Commit }>()
  readonly #started = new Remembered<Repository>()
  #repository: Repository | undefined
  /** Fetches into one repository would meet at its lock files. */
  readonly #fetches = new Serial()

  constructor(options: GitRemoteOptions, url: string, protocol: string) {
    this.url = url
    this.#options = options
    this.#protocol = protocol
  }

  tags(call?: Call): Promise<readonly string[]> {
    return this.#tags.of('', async () => {
      if (this.#options.offline === true) throw offline(this.url)
      const cwd = await this.#options.scratch()
      const text = await this.#git(cwd, ['ls-remote', '--quiet', '--tags', '--refs', '--', this.url], call)
      return text.split('\n').flatMap((line) => /^[0-9a-f]{40,64}\trefs\/tags\/(.+)$/.exec(line)?.[1] ?? [])
    })
  }

  async tree(tag: string, folder: string, call?: Call): Promise<Tree | undefined> {
    const { repository, commit } = await this.#commits.of(tag, () => this.#fetch(tag, call))
    try {
      return await repository.commitTree(commit, folder)
    } catch (error) {
      if (hasCode(error, 'GIT_FOLDER_MISSING')) return undefined
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#repository?.[Symbol.asyncDispose]()
  }

  async #fetch(tag: string, call: Call | undefined) {
    if (this.#options.offline === true) throw offline(`${this.url}#${tag}`)
    const repository = await this.#started.of('', () => this.#start(call))
    const ref = `refs/tags/${tag}`
    const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules']
    const quiet = ['--no-auto-maintenance', '--no-write-fetch-head']
    await this.#fetches.run('', () =>
      this.#git(repository.root, [...fetch, ...quiet, '--', this.url, `+${ref}:${ref}`], call),
    )
    const commit = await repository.tagCommit(tag)
    if (commit === undefined) throw this.#failed('fetch', `${tag} is no commit`)
    return { repository, commit }
  }

  /** An empty repository with a working tree that nothing is ever checked out into. */
  async #start(call: Call | undefined): Promise<Repository> {
    const folder = join(await this.#options.scratch(), `git-${encodedOf(digestOf(this.url)).slice(0, 16)}`)
    await mkdir(folder, { recursive: true })
    // A user's template could bring hooks along.
    await this.#git(folder, ['init', '--quiet', '--template='], call)
    const environment = await this.#environment()
    this.#repository = await openRepository(folder, { environment })
    if (this.#repository === undefined) throw this.#failed('init', `${folder} is no repository`)
    return this.#repository
  }

  /** @throws GIT_FAILED with what git says, and which repository it was about */
  async #git(cwd: string, args: readonly string[], call: Call = {}): Promise<string> {
    const environment = await this.#environment()
    const git: Git = await findGit(environment)
    const allowed = ['-c', `protocol.${this.#protocol}.allow=always`]
    try {
      const { code, stdout, stderr } = await run(git.program, [...git.args, ...allowed, ...args], {
        cwd,
        env: { ...git.env, ...silent, GIT_SSH_COMMAND: environment.GIT_SSH_COMMAND ?? 'ssh -oBatchMode=yes' },
        timeout: longest,
        limit: 64 * 1024 * 1024,
        ...call,
      })
      if (code === 0) return stdout.toString('utf8')
      throw this.#failed(args[0] ?? '', stderr.toString('utf8'))
    } catch (error) {
      throw failedAt(this.url, error)
    }
  }

  #failed(command: string, said: string): SlipwayError {
    const text = withoutUser(said.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim()).slice(0, 1000)
    return new SlipwayError('GIT_FAILED', `git ${command} of ${this.url} failed: ${text}`, { side: 'source' })
  }

  /** What git needs to reach a repository as its user would, and no other secret. */
  async #environment(): Promise<Environment> {
    const { environment, scratch } = this.#options
    const add = Object.entries(environment).filter(
      ([name, value]) => value !== undefined && passed.test(name),
    )
    const home = environment.HOME ?? (await scratch())
    return cleanEnvironment(environment, { home, add: Object.fromEntries(add) as Record<string, string> })
  }
}

const passed =
  /^(SSH_AUTH_SOCK|XDG_CONFIG_HOME|SSL_CERT_(FILE|DIR)|GIT_CONFIG.*|GIT_SSH_COMMAND|(HTTPS?|ALL|NO)_PROXY)$/i

/** Nobody is there to be asked for a password. */
const silent = { GIT_ASKPASS: '', SSH_ASKPASS_REQUIRE: 'never' }

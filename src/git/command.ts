import { badInput, SlipwayError } from '../core/error.ts'
import type { Environment } from '../process/environment.ts'
import { findProgram } from '../process/find.ts'
import { type RunResult, run } from '../process/run.ts'

/** A git program and how it is called. */
export interface Git {
  readonly program: string
  /** Come before the subcommand. */
  readonly args: readonly string[]
  readonly env: Record<string, string>
  readonly signal?: AbortSignal
}

/**
 * Settings that keep a checkout's own configuration from starting programs, hooks or transfers.
 */
const guarded: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.untrackedCache=false',
  'core.quotePath=false',
  'protocol.allow=never',
  'gc.auto=0',
]

/** @throws GIT_MISSING */
export async function findGit(environment: Environment, signal?: AbortSignal): Promise<Git> {
  const program = await findProgram('git', environment)
  if (program === undefined)
    throw new SlipwayError('GIT_MISSING', 'git is not on PATH', {
      hint: 'Install git, or release a folder outside a repository.',
    })
  return {
    program,
    args: [
      '--no-pager',
      '--no-replace-objects',
      '--literal-pathspecs',
      ...guarded.flatMap((one) => ['-c', one]),
    ],
    env: gitEnvironment(environment),
    ...(signal === undefined ? {} : { signal }),
  }
}

/**
 * The caller's variables without those that would point git at another repository or program. Where the
 * user's own configuration stands remains.
 */
function gitEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && (!name.startsWith('GIT_') || name.startsWith('GIT_CONFIG'))) kept[name] = value
  return { ...kept, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1' }
}

/** Runs one git command to its end; time limit one minute. */
export function runGit(git: Git, cwd: string, args: readonly string[]): Promise<RunResult> {
  return run(git.program, [...git.args, ...args], {
    cwd,
    env: git.env,
    timeout: 60_000,
    limit: 64 * 1024 * 1024,
    ...(git.signal === undefined ? {} : { signal: git.signal }),
  })
}

/** Its output as text. @throws GIT_FAILED, GIT_OWNERSHIP */
export async function gitText(git: Git, cwd: string, args: readonly string[]): Promise<string> {
  const result = await runGit(git, cwd, args)
  if (result.code !== 0) throw gitFailed(args[0] ?? '', cwd, result.stderr.toString('utf8'))
  return result.stdout.toString('utf8')
}

/** What to do when git was told to leave objects out. */
export const wholeCommitHint =
  'Fetch the whole commit, without --filter (actions/checkout: neither filter nor sparse-checkout).'

export function gitFailed(command: string, cwd: string, stderr: string): SlipwayError {
  if (stderr.includes('dubious ownership'))
    return badInput('GIT_OWNERSHIP', `${cwd}: git refuses a repository that another user owns`, {
      hint: `If you trust it: git config --global --add safe.directory ${JSON.stringify(cwd)}`,
    })
  if (/promisor|transport '[a-z]+' not allowed/.test(stderr))
    return new SlipwayError('GIT_OBJECT_MISSING', `${cwd}: the clone lacks objects of the commit`, {
      hint: wholeCommitHint,
    })
  return new SlipwayError('GIT_FAILED', `git ${command} in ${cwd} failed: ${stderr.trim().slice(0, 1000)}`)
}

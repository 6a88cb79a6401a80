import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, resolve } from 'node:path'
import { hasCode, SlipwayError } from '../core/error.ts'
import { cleanEnvironment, type Environment } from '../process/environment.ts'
import { findProgram } from '../process/find.ts'
import { type RunResult, run } from '../process/run.ts'
import { checkOut } from '../tree/checkout.ts'
import type { Tree } from '../tree/tree.ts'

/** Where an extension keeps its tests when `test.command` says nothing else. */
export const defaultTests = 'tests/run.nu'

export interface TestOptions {
  /** A shell command, run in a copy of the extension's folder; default: `nu tests/run.nu`. */
  readonly command?: string
  /** Milliseconds. */
  readonly timeout: number
  readonly environment: Environment
  /** An existing folder for the copy and the empty home. */
  readonly scratch: string
  readonly signal?: AbortSignal
}

/** How many characters of a failed test's output an error shows. */
const shown = 4000

/**
 * Runs an extension's own tests on a copy of exactly the files that are released, with a cleaned
 * environment and an empty home. This keeps secrets out of reach of an honest mistake; code that is out to
 * find them needs a job without rights (docs/threat-model.md).
 * @returns false where the extension has no tests
 * @throws TESTS_FAILED, TESTS_TIMED_OUT, NU_MISSING
 */
export async function runTests(name: string, tree: Tree, options: TestOptions): Promise<boolean> {
  const { command, environment, signal } = options
  if (command === undefined && (await tree.file(defaultTests)) === undefined) return false
  const nu = await findNu(environment)
  if (nu === undefined && command === undefined) throw nuMissing(name)
  const dir = await mkdtemp(join(options.scratch, 'test-'))
  try {
    const [files, home] = [join(dir, 'files'), join(dir, 'home')]
    await mkdir(home)
    await checkOut(tree, files, signal)
    const path = environment.PATH ?? ''
    const env = cleanEnvironment(environment, {
      home,
      add: { PATH: nu === undefined ? path : `${dirname(nu)}${delimiter}${path}`, TMPDIR: dir },
    })
    const [program, args] =
      command === undefined ? [nu ?? 'nu', [defaultTests]] : ['/bin/sh', ['-c', command]]
    const result = await run(program, args, {
      cwd: files,
      env,
      timeout: options.timeout,
      ...(signal === undefined ? {} : { signal }),
    })
    if (result.code !== 0) throw failed(name, command, result)
    return true
  } catch (error) {
    if (!hasCode(error, 'PROGRAM_TIMED_OUT')) throw error
    throw new SlipwayError(
      'TESTS_TIMED_OUT',
      `The tests of ${name} ran longer than ${options.timeout / 1000} s`,
      {
        cause: error,
        hint: 'Nothing of it was published. Make them faster, or raise test.timeout.',
      },
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** `nu`: what SLIPWAY_NU names, else the first on PATH, else the one that came with Slipway's packages. */
export async function findNu(environment: Environment): Promise<string | undefined> {
  const named = environment.SLIPWAY_NU
  if (named !== undefined && named !== '') {
    const found = await findProgram(resolve(named), environment)
    if (found !== undefined) return found
    throw new SlipwayError('NU_MISSING', `SLIPWAY_NU is ${named}, which is no program`, {
      hint: 'Set it to the path of nu, or remove it.',
    })
  }
  const onPath = await findProgram('nu', environment)
  if (onPath !== undefined) return onPath
  try {
    const own = createRequire(import.meta.url)
    return join(
      dirname(own.resolve(`@nushell/${process.platform}-${process.arch}/package.json`)),
      'bin',
      'nu',
    )
  } catch {
    return undefined
  }
}

function nuMissing(name: string): SlipwayError {
  return new SlipwayError('NU_MISSING', `${name} has ${defaultTests}, but no nu was found to run it`, {
    hint: `Set SLIPWAY_NU to its path, put nu on PATH, or install the npm package @nushell/${process.platform}-${process.arch} beside Slipway; --skip-tests goes without.`,
  })
}

function failed(name: string, command: string | undefined, result: RunResult): SlipwayError {
  const output = `${result.stdout.toString('utf8')}${result.stderr.toString('utf8')}`.trimEnd()
  const how = result.signal === null ? `status ${result.code}` : `signal ${result.signal}`
  const tail = output.length > shown ? `…${output.slice(-shown)}` : output
  return new SlipwayError(
    'TESTS_FAILED',
    `The tests of ${name} failed (${command ?? `nu ${defaultTests}`}: ${how})${tail === '' ? '' : `:\n${tail}`}`,
    { hint: 'Nothing of it was published. Run them in the folder of the extension to see more.' },
  )
}

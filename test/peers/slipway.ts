import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type RunOptions, type RunResult, run } from './programs.ts'

/** The command line that is tested: `SLIPWAY_BIN`, else the bundle. */
function program(): string {
  const path = process.env.SLIPWAY_BIN ?? join(import.meta.dirname, '../../dist/slipway.mjs')
  if (existsSync(path)) return path
  throw new Error(`${path} is missing: run npm run build`)
}

export interface SlipwayOptions extends RunOptions {
  /** The Node that runs it; default: the one that runs the tests. */
  readonly node?: string
}

/** Runs the command line to its end. */
export function slipway(args: readonly string[], options: SlipwayOptions = {}): Promise<RunResult> {
  return run(options.node ?? process.execPath, [program(), ...args], options)
}

/** Starts it without waiting, so that it can be killed. */
export function startSlipway(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program(), ...args], { stdio: 'ignore' })
}

/** What `release --json` prints, as far as the tests look at it. */
export interface Released {
  readonly exit: number
  readonly releases: readonly {
    readonly name: string
    readonly repository: string
    readonly tag: string
    readonly digest: string
    readonly config: string
    readonly layer: string
    readonly targets: readonly {
      readonly target: string
      readonly outcome: string
      readonly digest?: string
      readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
    }[]
  }[]
}

/** Releases and returns the JSON document together with the exit code. */
export async function release(
  args: readonly string[],
  options: SlipwayOptions = {},
): Promise<Released & { readonly code: number; readonly stderr: string }> {
  const { stdout, stderr, code } = await slipway(['release', ...args, '--json'], options)
  try {
    return { ...(JSON.parse(stdout) as Released), code, stderr }
  } catch (error) {
    throw new Error(`slipway release printed no JSON: ${stdout}${stderr}`, { cause: error })
  }
}

/** Every outcome of every release at every target. */
export function outcomes(result: Released): string[] {
  return [...new Set(result.releases.flatMap((one) => one.targets.map(({ outcome }) => outcome)))]
}

import { Readable } from 'node:stream'
import { runProgram } from '../../src/cli/program.ts'

export interface RunOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly signal?: AbortSignal
  /** Whether both streams are terminals. */
  readonly tty?: boolean
}

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process, on a terminal that keeps what is written. */
export async function slipway(args: readonly string[], options: RunOptions): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof written) => ({
    write(text: string) {
      written[name] += text
    },
    isTTY: options.tty === true,
    columns: 80,
  })
  const exit = await runProgram(args, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    environment: { HOME: options.cwd, PATH: process.env.PATH, ...options.environment },
    cwd: options.cwd,
    signal: options.signal ?? new AbortController().signal,
  })
  return { exit, ...written }
}

import type { Readable } from 'node:stream'
import { SlipwayError } from '../core/error.ts'
import { type Child, type ChildOptions, start } from './child.ts'

export interface RunOptions extends Omit<ChildOptions, 'stdin'> {
  readonly stdin?: string | Uint8Array
  /** Most bytes kept of stdout and of stderr; default 16 MiB. */
  readonly limit?: number
  /** Sees output as it comes; it is kept as well. */
  readonly onOutput?: (chunk: Uint8Array, from: 'stdout' | 'stderr') => void
}

export interface RunResult {
  /** Exit status; null when a signal ended the program. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

const defaultLimit = 16 * 1024 * 1024

/**
 * Runs a program to its end, without a shell and with exactly the environment given. A status other than 0
 * is a result, not an error.
 * @throws PROGRAM_MISSING, PROGRAM_FAILED_TO_START, PROGRAM_TIMED_OUT, OUTPUT_TOO_LARGE, the signal's reason
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { stdin, limit = defaultLimit, onOutput, ...rest } = options
  const child = start(program, args, { ...rest, stdin: stdin === undefined ? 'empty' : 'pipe' })
  if (stdin !== undefined) child.stdin.end(stdin)
  const [stdout, stderr] = await Promise.all([
    collect(child, child.stdout, limit, program, (chunk) => onOutput?.(chunk, 'stdout')),
    collect(child, child.stderr, limit, program, (chunk) => onOutput?.(chunk, 'stderr')),
    child.ended,
  ])
  return { ...(await child.ended), stdout, stderr }
}

/**
 * A program's stdout as it comes; throws after the last byte when the status is not 0. Stopping early
 * kills the program.
 * @throws PROGRAM_FAILED and everything `run` throws
 */
export async function* stream(
  program: string,
  args: readonly string[],
  options: Omit<ChildOptions, 'stdin'>,
): AsyncGenerator<Uint8Array> {
  const child = start(program, args, options)
  const stderr = tail(child.stderr)
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    const { code, signal } = await child.ended
    if (code !== 0)
      throw new SlipwayError(
        'PROGRAM_FAILED',
        `${program} ended with ${signal ?? `status ${code}`}: ${stderr().trim().slice(0, 2000)}`,
      )
  } finally {
    child.kill()
  }
}

async function collect(
  child: Child,
  from: Readable,
  limit: number,
  program: string,
  see: (chunk: Buffer) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of from) {
    const bytes = chunk as Buffer
    size += bytes.byteLength
    if (size > limit) {
      child.kill()
      throw new SlipwayError('OUTPUT_TOO_LARGE', `${program} wrote more than ${limit} bytes`, {
        hint: 'Make it write less.',
      })
    }
    chunks.push(bytes)
    see(bytes)
  }
  return Buffer.concat(chunks)
}

/** The last 16 KiB of a stream as text, for error messages. */
export function tail(from: Readable): () => string {
  let kept = Buffer.alloc(0)
  from.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-16 * 1024)
  })
  return () => kept.toString('utf8')
}

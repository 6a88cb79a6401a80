import type { Readable } from 'node:stream'

/** One of the two streams a program writes to. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Everything the command line has from its process, as a value. */
export interface Terminal {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The current directory; `-C` and relative addresses stand against it. */
  readonly cwd: string
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal
}

/** Whether escape sequences may be written: a real terminal whose user did not refuse colours. */
export function wantsColour(output: Output, environment: Terminal['environment']): boolean {
  const { NO_COLOR, TERM } = environment
  return output.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb'
}

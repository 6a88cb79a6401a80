import * as core from '@actions/core'
import { type ExitCode, messageOf, SlipwayError } from '../core/error.ts'
import { type Said, showSaid } from './annotations.ts'
import { log } from './log.ts'
import type { Row } from './result.ts'

/** Ends the step: the last error annotation is the failure itself; what else failed is in the log. */
export function fail(failures: readonly Said[]): void {
  const [first, ...others] = failures
  if (first === undefined) return
  for (const said of others) log(`${said.place ?? ''} error: ${showSaid(said)}`)
  const more = others.length > 0 ? ` (and ${others.length} more, in the log and the summary)` : ''
  core.setFailed(`${showSaid(first)}${more}`)
}

/** What went wrong at single targets. */
export function failuresOf(rows: readonly Row[]): Said[] {
  return rows.flatMap((row) =>
    row.targets.flatMap(({ error, reference }) =>
      error === undefined ? [] : [{ level: 'error' as const, place: reference, ...error }],
    ),
  )
}

/** Anything that was thrown, as the step's failure. */
export function failureOf(error: unknown, signal: AbortSignal): { said: Said; exit: ExitCode } {
  const level = 'error'
  if (signal.aborted) {
    const message = 'The step was cancelled; running it again completes what is missing'
    return { said: { level, code: 'INTERRUPTED', message }, exit: 130 }
  }
  if (!(error instanceof SlipwayError)) {
    core.debug(error instanceof Error ? (error.stack ?? '') : '')
    const hint = 'Please report it; a run with debug logging shows where it happened.'
    const message = `This is a bug in Slipway: ${messageOf(error)}`
    return { said: { level, code: 'UNEXPECTED', message, hint }, exit: 1 }
  }
  const { code, side, hint, exit } = error
  const message = `${error.message}${side === undefined ? '' : ` (${side})`}`
  return { said: { level, code, message, ...(hint === undefined ? {} : { hint }) }, exit }
}

/**
 * The process exit code an error leads to: 1 something failed, 2 the input is bad, 3 a policy refused,
 * 130 the user interrupted.
 */
export type ExitCode = 1 | 2 | 3 | 130

/** Which end of a copy an error belongs to. */
export type Side = 'source' | 'destination'

export interface ErrorDetails {
  /** What the reader can do next, as one sentence. */
  readonly hint?: string
  readonly cause?: unknown
  readonly exit?: ExitCode
  readonly side?: Side
  /** Every finding that led to the error; printed before the message. */
  readonly findings?: readonly import('./finding.ts').Finding[]
}

/**
 * Every failure a user can meet. `code` is stable (listed in docs/errors.md), `message` says what happened
 * and where, `hint` what to do next. Never holds a secret.
 */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError'
  readonly code: string
  readonly hint: string | undefined
  readonly exit: ExitCode
  readonly side: Side | undefined
  readonly findings: readonly import('./finding.ts').Finding[]

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.exit = details.exit ?? 1
    this.side = details.side
    this.findings = details.findings ?? []
  }
}

/** The user's input is wrong: exit code 2. */
export function badInput(
  code: string,
  message: string,
  details: Omit<ErrorDetails, 'exit'> = {},
): SlipwayError {
  return new SlipwayError(code, message, { ...details, exit: 2 })
}

/** A policy forbids what was asked: exit code 3. */
export function refused(
  code: string,
  message: string,
  details: Omit<ErrorDetails, 'exit'> = {},
): SlipwayError {
  return new SlipwayError(code, message, { ...details, exit: 3 })
}

/** Says which end of a copy failed without losing the original code, hint or exit. */
export function onSide<E>(side: Side, error: E): E {
  if (!(error instanceof SlipwayError) || error.side !== undefined) return error
  const copy = new SlipwayError(error.code, error.message, {
    side,
    exit: error.exit,
    findings: error.findings,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  })
  copy.stack = error.stack ?? ''
  return copy as E & SlipwayError
}

/** Whether an error is a SlipwayError with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): error is SlipwayError {
  return error instanceof SlipwayError && codes.includes(error.code)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

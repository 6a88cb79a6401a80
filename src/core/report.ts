import type { Finding } from './finding.ts'

/** What happens while a task runs; a terminal draws it, a runner logs it, a test collects it. */
export type Event =
  | { readonly type: 'info'; readonly message: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'group'; readonly name: string; readonly state: 'start' | 'end' }
  /** A step of one release or transfer; `done` and `total` count bytes when `unit` says so. */
  | {
      readonly type: 'progress'
      readonly id: string
      readonly label: string
      readonly state: 'running' | 'done' | 'failed'
      readonly done?: number
      readonly total?: number
    }

/** Where tasks say what they do. Masks every secret it was told before anything is shown. */
export interface Report {
  emit(event: Event): void
  /** From now on this text never appears in output; what is too short to be masked is warned of. */
  secret(value: string): void
}

/**
 * Characters that a secret must have to be masked. Shorter ones stand in every other word: without them no message
 * could be read, and from the gaps anybody would know the secret all the same.
 */
export const shortestSecret = 3

/** Told once where a secret is shorter. */
export const secretTooShort: Event = {
  type: 'warning',
  code: 'SECRET_TOO_SHORT',
  message: `A password or token has fewer than ${shortestSecret} characters: it is not masked in what is shown`,
  hint: 'Use a longer one: whoever knows that it is so short can guess it.',
}

/** Drops everything; for library use and tests. */
export const silent: Report = { emit() {}, secret() {} }

/** Puts what happens during some work under one heading, closed however the work ends. */
export async function grouped<T>(report: Report, name: string, work: () => Promise<T>): Promise<T> {
  report.emit({ type: 'group', name, state: 'start' })
  try {
    return await work()
  } finally {
    report.emit({ type: 'group', name, state: 'end' })
  }
}

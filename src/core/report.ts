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
  /** From now on this text never appears in output. */
  secret(value: string): void
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

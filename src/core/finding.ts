/** Where in a file a finding stands; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

export type Level = 'error' | 'warning' | 'notice'

/** One thing that is wrong or worth knowing about the user's files; becomes an annotation on a runner. */
export interface Finding {
  /** Stable identifier such as `MANIFEST_KEY_UNKNOWN`. */
  readonly code: string
  readonly level: Level
  readonly message: string
  readonly place: Place
  readonly hint?: string
}

/** `file:line:column`, as far as known. */
export function showPlace(place: Place): string {
  let text = place.file
  if (place.line !== undefined) text += `:${place.line}`
  if (place.line !== undefined && place.column !== undefined) text += `:${place.column}`
  return text
}

/** One line a person can read and an editor can jump to. */
export function showFinding(finding: Finding): string {
  const hint = finding.hint === undefined ? '' : ` (${finding.hint})`
  return `${showPlace(finding.place)}: ${finding.level}: ${finding.message}${hint} [${finding.code}]`
}

/** Stable order: by file, then line, column and code. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      compare(a.place.file, b.place.file) ||
      (a.place.line ?? 0) - (b.place.line ?? 0) ||
      (a.place.column ?? 0) - (b.place.column ?? 0) ||
      compare(a.code, b.code),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

import { badInput } from '../core/error.ts'
import type { CheckedOutcome, CheckResult } from '../tasks/check.ts'
import { failureOf } from './failure.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of the table; what is longer nobody reads. */
const most = 500

/** What a check leaves in a step: its findings are annotated already. */
export function checkResult(result: CheckResult, signal: AbortSignal): StepResult {
  const { packages, since, findings, exit } = result
  const count = (level: string) => findings.filter((one) => one.level === level).length
  const [errors, warnings] = [count('error'), count('warning')]
  const changed = packages.filter((one) => one.because === 'changed')
  const told = `${many(packages.length, 'package')} checked${scopeText(result)}: ${many(errors, 'error')}, ${many(warnings, 'warning')}`
  const failure = badInput('FINDINGS', `${many(errors, 'error')} in what was checked`, {
    hint: 'Each stands at its line, in the log or in the summary.',
  })
  return {
    rows: [],
    exit,
    failures: errors === 0 ? [] : [failureOf(failure, signal).said],
    lines: [told],
    sections: [plain(told), ...(packages.length === 0 ? [] : [results(packages)])],
    outputs: {
      packages: packages.map(({ category: _, ...one }) => one),
      changed: changed.map((one) => one.name),
      base: since?.base,
      errors,
      warnings,
    },
  }
}

function scopeText({ packages, since }: CheckResult): string {
  if (since === undefined) return ', which are all'
  const changed = packages.filter((one) => one.because === 'changed').length
  const gone = since.removed.length === 0 ? '' : `, ${since.removed.length} gone`
  return ` (${changed} changed, ${packages.length - changed} depend on that${gone}) since ${since.base.slice(0, 12)}`
}

/** Those with errors first, then with warnings. */
function results(packages: readonly CheckedOutcome[]): string {
  const sorted = [...packages].sort((a, b) => b.errors - a.errors || b.warnings - a.warnings)
  const rows = sorted
    .slice(0, most)
    .map((one) => [
      code(one.folder === '' ? one.name : one.folder),
      code(one.version ?? ''),
      one.because ?? '',
      one.errors > 0 ? `**${one.errors}**` : '0',
      `${one.warnings}`,
    ])
  const rest = sorted.length > most ? `\n\n… and ${sorted.length - most} more.` : ''
  return `${table(['Package', 'Version', 'Why', 'Errors', 'Warnings'], rows)}${rest}`
}

function many(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

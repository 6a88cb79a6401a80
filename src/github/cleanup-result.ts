import type { CleanupResult } from '../tasks/cleanup.ts'
import type { Said } from './annotations.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of a table; what is longer nobody reads. */
const most = 500

/** A plan, and what became of it, as outputs, log and summary. */
export function cleanupResult(
  result: CleanupResult,
  files: { readonly plan: string; readonly restore: string },
): StepResult {
  const { plan, applied, exit } = result
  const steps = plan.repositories.flatMap((one) => one.steps)
  const deletions = steps.filter((one) => one.do === 'delete').length
  const deleted = (applied ?? []).flatMap((one) => one.deleted)
  const told =
    applied === undefined
      ? `${deletions} manifests would be deleted, ${steps.length - deletions} tags taken away; nothing was`
      : `${deleted.length} manifests deleted, ${applied.flatMap((one) => one.untagged).length} tags taken away`
  const shielded = plan.repositories.filter((one) => one.protected !== undefined)
  return {
    rows: [],
    exit,
    failures: failuresOf(result),
    lines: [
      told,
      ...plan.repositories.map((one) => `  ${one.repository}: ${one.going} of ${one.tags} tags go`),
    ],
    sections: [plain(told), repositories(result), what(result)].filter((one) => one !== ''),
    outputs: {
      plan: files.plan,
      'restore-file': applied === undefined || applied.length === 0 ? '' : files.restore,
      steps: steps.length,
      deletions,
      deleted: deleted.length,
      protected: shielded.map(({ repository }) => repository),
    },
  }
}

function failuresOf({ plan, applied = [] }: CleanupResult): Said[] {
  return [
    ...plan.exceeded.map((message) => ({ level: 'error' as const, code: 'CLEANUP_CAPPED', message })),
    ...applied.flatMap(({ repository, error }) =>
      error === undefined
        ? []
        : [{ level: 'error' as const, code: error.code, message: `${repository}: ${error.message}` }],
    ),
  ]
}

function repositories({ plan, applied }: CleanupResult): string {
  const done = new Map(applied?.map((one) => [one.repository, one]))
  const rows = plan.repositories.slice(0, most).map((one) => {
    const result = done.get(one.repository)
    return [
      code(one.repository),
      one.protected === undefined ? plain(one.policy ?? 'none') : '**protected**',
      String(one.tags),
      String(one.going),
      String(one.steps.length),
      ...(applied === undefined
        ? []
        : [String(result?.deleted.length ?? 0), result?.error === undefined ? '' : code(result.error.code)]),
    ]
  })
  const head = [
    'Repository',
    'Policy',
    'Tags',
    'Going',
    'Steps',
    ...(applied === undefined ? [] : ['Deleted', 'Error']),
  ]
  return cut(table(head, rows), plan.repositories.length)
}

function what({ plan }: CleanupResult): string {
  const rows = plan.repositories.flatMap((one) => [
    ...one.steps.map((step) =>
      step.do === 'untag'
        ? [code(one.repository), 'take away', code(step.tag), code(step.digest), 'its content is kept']
        : [
            code(one.repository),
            'delete',
            step.tags.map(code).join(', '),
            code(step.digest),
            plain(step.because),
          ],
    ),
    ...one.stays.map((stay) => [
      code(one.repository),
      'stays',
      code(stay.tag),
      code(stay.digest),
      plain(stay.because),
    ]),
  ])
  if (rows.length === 0) return ''
  return cut(table(['Repository', 'What', 'Tags', 'Digest', 'Why'], rows.slice(0, most)), rows.length)
}

function cut(text: string, count: number): string {
  return count > most ? `${text}\n\n… and ${count - most} more.` : text
}

import type { DeleteResult } from '../tasks/delete.ts'
import { clean, columns, type Paint } from './text.ts'

type Repository = DeleteResult['repositories'][number]

/** What would go, or what became of it. */
export function showDeleted({ repositories }: DeleteResult, paint: Paint): string {
  const applied = repositories.some((one) => one.applied !== undefined)
  const total = applied ? [] : [paint('bold', 'Nothing was deleted yet: add --yes.')]
  return [...repositories.map((one) => show(one, paint)), ...total].join('\n')
}

function show({ repository, steps, left, applied }: Repository, paint: Paint): string {
  const rows =
    applied === undefined
      ? steps.map((step) =>
          step.do === 'untag'
            ? [paint('yellow', '  would untag'), clean(step.tag), step.digest]
            : [paint('red', '  would delete'), clean(step.tags.join(', ')), step.digest],
        )
      : [
          ...applied.deleted.map((one) => [
            paint('red', '  deleted'),
            clean(one.tags.join(', ')),
            one.digest,
            clean(one.restore ?? ''),
          ]),
          ...applied.untagged.map((tag) => [paint('yellow', '  untagged'), clean(tag)]),
        ]
  const { error, incomplete = [] } = applied ?? {}
  return [
    paint('bold', clean(repository)),
    ...(rows.length === 0 ? ['  nothing was deleted'] : [columns(rows)]),
    ...left.map((digest) => `  nothing names ${digest} any more; it stays until the registry collects it`),
    ...incomplete.map((what) => `  ${paint('red', 'not complete')}: ${clean(what)}`),
    ...(error === undefined ? [] : [`  ${paint('red', `error[${error.code}]`)}: ${clean(error.message)}`]),
    ...(error?.hint === undefined ? [] : [`  hint: ${clean(error.hint)}`]),
  ].join('\n')
}

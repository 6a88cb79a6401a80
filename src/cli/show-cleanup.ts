import type { CleanupResult } from '../tasks/cleanup.ts'
import { clean, columns, type Paint } from './text.ts'

type Plan = CleanupResult['plan']
type PlannedRepository = Plan['repositories'][number]
type Applied = NonNullable<CleanupResult['applied']>[number]

/** The plan as people read it, and what became of it. */
export function showCleanup({ plan, applied }: CleanupResult, paint: Paint): string {
  const parts =
    applied === undefined
      ? plan.repositories.map((one) => showPlanned(one, paint))
      : applied.map((one) => showApplied(one, paint))
  return [...parts.filter((one) => one !== ''), ...exceeded(plan, paint), total(plan, applied, paint)].join(
    '\n',
  )
}

function showPlanned(one: PlannedRepository, paint: Paint): string {
  const head = paint('bold', clean(one.repository))
  if (one.protected !== undefined) return `${head}  ${paint('red', 'protected')}: ${clean(one.protected)}`
  if (one.policy === undefined) return `${head}  no policy: left alone`
  const rows = one.steps.map((step) =>
    step.do === 'untag'
      ? [`  ${paint('yellow', 'untag')}`, clean(step.tag), step.digest, 'its content is kept']
      : [`  ${paint('red', 'delete')}`, clean(step.tags.join(', ')), step.digest, clean(step.because)],
  )
  const stays = one.stays.map(({ tag, digest, because }) => ['  stays', clean(tag), digest, clean(because)])
  return [
    `${head}  ${clean(one.policy)}: ${one.keep.length} of ${one.tags} tags stay`,
    ...(rows.length + stays.length === 0 ? [] : [columns([...rows, ...stays])]),
    ...one.notes.map((note) => `  note: ${clean(note)}`),
  ].join('\n')
}

function showApplied(one: Applied, paint: Paint): string {
  const rows = [
    ...one.deleted.map(({ digest, tags, restore }) => [
      `  ${paint('red', 'deleted')}`,
      clean(tags.join(', ')),
      digest,
      clean(restore ?? ''),
    ]),
    ...one.untagged.map((tag) => [`  ${paint('yellow', 'untagged')}`, clean(tag), '', '']),
    ...one.stays.map(({ tag, digest, because }) => ['  stays', clean(tag), digest, clean(because)]),
  ]
  return [
    paint('bold', clean(one.repository)),
    ...(rows.length === 0 ? [] : [columns(rows)]),
    ...one.incomplete.map((what) => `  ${paint('red', 'not complete')}: ${clean(what)}`),
    ...(one.error === undefined
      ? []
      : [
          `  ${paint('red', `error[${one.error.code}]`)}: ${clean(one.error.message)}`,
          ...(one.error.hint === undefined ? [] : [`  hint: ${clean(one.error.hint)}`]),
        ]),
  ].join('\n')
}

function exceeded({ exceeded: caps }: Plan, paint: Paint): string[] {
  return caps.map((one) => `${paint('red', 'more than is allowed')}: ${clean(one)}`)
}

function total({ repositories }: Plan, applied: CleanupResult['applied'], paint: Paint): string {
  const steps = repositories.flatMap((one) => one.steps)
  if (applied === undefined) {
    const deletions = steps.filter((one) => one.do === 'delete').length
    const untagged = steps.length - deletions
    return paint(
      'bold',
      `${deletions} manifests would be deleted and ${untagged} tags taken away; nothing was.`,
    )
  }
  const deleted = applied.reduce((sum, one) => sum + one.deleted.length, 0)
  const untagged = applied.reduce((sum, one) => sum + one.untagged.length, 0)
  return paint('bold', `${deleted} manifests deleted, ${untagged} tags taken away.`)
}

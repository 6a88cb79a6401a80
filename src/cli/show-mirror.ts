import type { MirrorResult, RepositoryOutcome } from '../tasks/mirror.ts'
import { clean, columns, type Paint, showBytes, showTime } from './text.ts'

/** A table of repositories, what failed in each, and the sums. */
export function showMirror(result: MirrorResult, paint: Paint, dryRun: boolean): string {
  const { repositories, total, milliseconds, verified } = result
  const rows = repositories.map((one) => [
    stateOf(one, verified, dryRun),
    clean(one.source),
    clean(one.target),
    tagsOf(one.tags),
    showBytes(one.bytes.uploaded),
    `${one.requests} requests`,
    showTime(one.milliseconds),
  ])
  const failures = repositories.flatMap((one) =>
    one.failures.map(({ tag, code, message, side }) => {
      const where = tag === undefined ? one.source : `${one.source}:${tag}`
      return `${paint('red', `error[${code}]`)} ${clean(where)}: ${clean(message)}${side === undefined ? '' : ` (${side})`}`
    }),
  )
  const bytes = total.bytes.uploaded
  const rate =
    bytes > 0 && milliseconds > 0 && !dryRun ? `, ${showBytes((bytes / milliseconds) * 1000)}/s` : ''
  const mounted = total.bytes.mounted > 0 ? `, ${showBytes(total.bytes.mounted)} mounted` : ''
  const moved = verified ? '' : `${showBytes(bytes)}${dryRun ? ' would move' : ''}${mounted}${rate}, `
  return [
    ...(rows.length === 0 ? [] : [columns(rows)]),
    ...failures,
    `${total.repositories} repositories, ${tagsOf(total.tags)}: ${moved}${total.requests} requests in ${showTime(milliseconds)}`,
  ].join('\n')
}

function stateOf({ state }: RepositoryOutcome, verified: boolean, dryRun: boolean): string {
  if (verified) return state === 'unchanged' ? 'equal' : state === 'partial' ? 'differs' : state
  return dryRun && state === 'copied' ? 'to copy' : state
}

function tagsOf({ copied, unchanged, failed }: RepositoryOutcome['tags']): string {
  const all = copied + unchanged + failed
  const parts = [...(copied > 0 ? [`${copied} new`] : []), ...(failed > 0 ? [`${failed} failed`] : [])]
  return `${all} ${all === 1 ? 'tag' : 'tags'}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

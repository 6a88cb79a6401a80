import * as core from '@actions/core'
import type { Rehearsal } from '../store/rehearse.ts'
import type { TargetOutcome } from '../tasks/outcome.ts'
import type { Action } from './action.ts'
import { type Said, showSaid } from './annotations.ts'
import { code, fitting, plain, table } from './markdown.ts'
import type { Row } from './result.ts'

/** The runner refuses a step's summary above 1 MiB, all of it. */
const largest = 1_000_000
/** Lines of one list or table; what is longer nobody reads. */
const most = 500

export interface Summary {
  readonly action: Action
  readonly rows: readonly Row[]
  /** More of the result, as Markdown. */
  readonly sections?: readonly string[]
  /** What a dry run would have written; undefined where it was no dry run. */
  readonly rehearsals: ReadonlyMap<string, Rehearsal> | undefined
  readonly failures: readonly Said[]
  /** What could not be annotated. */
  readonly beyond: readonly Said[]
  /** Of the whole step. */
  readonly milliseconds: number
}

/** The summary as Markdown; everything that comes from outside is escaped. */
export function showSummary(summary: Summary): string {
  const { action, rows, sections = [], rehearsals, failures, beyond, milliseconds } = summary
  const failed = failures.length > 0 ? ': failed' : ''
  const parts = [
    `### ${plain(action.title)}${failed}`,
    ...(failures.length > 0 ? [list(failures)] : []),
    ...sections,
    ...(rows.length > 0 ? [results(rows)] : []),
    ...(rehearsals === undefined ? pulls(rows) : [dryRun(rehearsals)]),
    ...(beyond.length > 0 ? ['Not annotated, as the runner shows only ten of a level:', list(beyond)] : []),
    `Took ${seconds(milliseconds)}.`,
  ]
  return fitting(`${parts.join('\n\n')}\n`, largest, 'The rest does not fit; it is in the log.\n')
}

/** Hands it to the runner. One that shows no summaries, as older ones of Gitea, is no failure. */
export async function writeSummary(markdown: string): Promise<void> {
  try {
    await core.summary.addRaw(markdown, true).write()
  } catch (error) {
    core.debug(`No summary: ${String(error)}`)
  }
}

function results(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => {
    const name = [code(row.title), code(row.version)]
    const size = row.size === undefined ? '' : `${row.size.toLocaleString('en')} bytes`
    if (row.targets.length === 0) return [[...name, '', code(row.digest), size, 'packed', '', '']]
    return row.targets.map((one) => [
      ...name,
      code(one.reference),
      code(one.digest ?? ''),
      size,
      outcome(one),
      Object.entries(one.moved)
        .map(([tag, to]) => code(`${tag} → ${to}`))
        .join(', '),
      seconds(one.milliseconds),
    ])
  })
  const head = ['Artifact', 'Version', 'Reference', 'Digest', 'Size', 'Outcome', 'Moved tags', 'Time']
  return cut([table(head, lines.slice(0, most))], lines.length)
}

function outcome({ outcome, error }: TargetOutcome): string {
  return error === undefined ? outcome : `**${outcome}** ${code(error.code)}`
}

/** How to get what was published from registries. */
function pulls(rows: readonly Row[]): string[] {
  const commands = rows.flatMap((row) =>
    row.targets
      .filter((one) => one.outcome !== 'failed' && one.outcome !== 'refused')
      // Nothing but a registry's address can stand in a code block without escapes.
      .flatMap(({ reference }) => /^oci:\/\/([\w.:/[\]-]+)$/.exec(reference)?.[1] ?? [])
      .map((reference) => `oras pull ${reference}`),
  )
  if (commands.length === 0) return []
  return [cut(['```sh', ...commands.slice(0, most), '```'], commands.length)]
}

function dryRun(rehearsals: ReadonlyMap<string, Rehearsal>): string {
  const writes = [...rehearsals].flatMap(([place, rehearsal]) =>
    rehearsal
      .writes()
      .map((write) => [
        code(write.kind === 'tag' ? `tag ${write.tag}` : write.kind),
        write.outcome,
        code(`${place} ${write.repository}`),
        code(write.descriptor.digest),
      ]),
  )
  if (writes.length === 0) return 'Dry run: nothing would be written.'
  const rows = table(['What', 'Would be', 'Where', 'Digest'], writes.slice(0, most))
  return cut(['Dry run: nothing was written. This would be:', '', rows], writes.length)
}

function list(all: readonly Said[]): string {
  const lines = all.slice(0, most).map((said) => {
    const place = said.place === undefined ? '' : `${code(said.place)} `
    return `- **${said.level}** ${place}${plain(showSaid(said))}`
  })
  return cut(lines, all.length)
}

function cut(lines: readonly string[], count: number): string {
  return [...lines, ...(count > most ? ['', `… and ${count - most} more.`] : [])].join('\n')
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

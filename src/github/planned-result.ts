import type { ReleasePlan } from '../tasks/release-plan.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of a table; what is longer nobody reads. */
const most = 500
/** Mermaid draws no flowchart with more arrows. */
const mostArrows = 500

/**
 * What a release would do, as outputs, log and summary. `wave-0` … `wave-5` are matrices: lists of
 * `{shard, git-tags}`, the tags one a line. Git tags that cannot be released are no failure of this step: a
 * later one decides about them by `failed`.
 */
export function plannedResult({ rows, waves, slots, failed, mermaid }: ReleasePlan): StepResult {
  const told = `${rows.length} to release in ${waves.length} waves, ${failed.length} git tags that cannot be released`
  const cells = rows
    .slice(0, most)
    .map((one) => [
      String(one.wave),
      code(`${one.kind} ${one.name}`),
      code(one.version),
      code(one.gitTag ?? ''),
      one.needs.map(code).join(', '),
    ])
  const arrows = rows.reduce((sum, one) => sum + one.needs.length, 0)
  const drawn = rows.length > 0 && rows.length <= most && arrows <= mostArrows
  return {
    rows: [],
    exit: 0,
    lines: [told, ...rows.map((one) => `  ${one.wave} ${one.repository}:${one.tag}`)],
    sections: [
      plain(told),
      ...(rows.length === 0 ? [] : [table(['Wave', 'Artifact', 'Version', 'Git tag', 'After'], cells)]),
      ...(rows.length > most ? [`… and ${rows.length - most} more.`] : []),
      ...(drawn ? [['```mermaid', mermaid, '```'].join('\n')] : []),
      ...(failed.length === 0
        ? []
        : [
            table(
              ['Git tag', 'Why it cannot be released'],
              failed
                .slice(0, most)
                .map((one) => [code(one.gitTag), plain(`[${one.error.code}] ${one.error.message}`)]),
            ),
          ]),
    ],
    outputs: {
      ...Object.fromEntries(
        slots.map((slot, at) => [
          `wave-${at}`,
          slot.map(({ shard, gitTags }) => ({ shard, 'git-tags': gitTags.join('\n') })),
        ]),
      ),
      'git-tags': waves.flat().join('\n'),
      waves,
      failed: failed.map(({ gitTag, error }) => ({ gitTag, ...error })),
      mermaid,
    },
  }
}

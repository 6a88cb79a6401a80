import type { ReleasePlan } from '../tasks/release-plan.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of a table and nodes of a chart; what is longer nobody reads, and runners refuse. */
const most = 500

/** What would be released, as outputs for the jobs of a workflow, and as table and graph. */
export function plannedResult(plan: ReleasePlan): StepResult {
  const { rows, waves, slots, failed, mermaid } = plan
  const told =
    rows.length === 0
      ? 'Nothing to release'
      : `${rows.length} to release in ${waves.length === 1 ? '1 wave' : `${waves.length} waves`}`
  const lines = rows
    .slice(0, most)
    .map((one) => [
      String(one.wave),
      code(`${one.kind} ${one.name}`),
      code(one.version),
      code(one.gitTag ?? ''),
      one.needs.map(code).join(', '),
    ])
  const rest = rows.length > most ? `\n\n… and ${rows.length - most} more.` : ''
  return {
    rows: [],
    exit: 0,
    lines: [told, ...rows.map((one) => `  ${one.wave}: ${one.gitTag ?? `${one.repository}:${one.tag}`}`)],
    sections: [
      plain(told),
      ...(rows.length === 0
        ? []
        : [`${table(['Wave', 'Package', 'Version', 'Git tag', 'After'], lines)}${rest}`]),
      ...(rows.length === 0 || rows.length > most ? [] : [['```mermaid', mermaid, '```'].join('\n')]),
      ...(failed.length === 0
        ? []
        : [
            `These cannot be released:\n\n${table(
              ['Git tag', 'Why'],
              failed.slice(0, most).map(({ gitTag, error }) => [code(gitTag), plain(error.message)]),
            )}`,
          ]),
    ],
    outputs: {
      'git-tags': waves.flat().join('\n'),
      waves,
      mermaid,
      failed: failed.map(({ gitTag, error }) => ({ gitTag, code: error.code, message: error.message })),
      ...Object.fromEntries(
        slots.map((slot, at) => [
          `wave-${at}`,
          slot.map(({ shard, gitTags }) => ({ shard, 'git-tags': gitTags.join('\n') })),
        ]),
      ),
    },
  }
}

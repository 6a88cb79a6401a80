import { mapConcurrent } from '../core/concurrent.ts'
import { mermaidText } from '../core/mermaid.ts'
import type { Kind } from '../extension/kinds.ts'
import { choose, type ManyOptions } from '../release/many.ts'
import { orderOf } from '../release/order.ts'
import { orderedRelease } from '../release/ordered.ts'
import { plan } from '../release/plan.ts'
import { type Shard, slotsOf, tagWaves } from '../release/shards.ts'
import { Sources } from '../release/sources.ts'
import type { Context } from './context.ts'
import type { PublishingOptions, SelectOptions } from './options.ts'
import { byGitTag, type FailedOutcome, failedOutcome } from './outcome.ts'

export type ReleasePlanOptions = SelectOptions &
  ManyOptions &
  Pick<PublishingOptions, 'targets' | 'moving' | 'concurrency'>

/** One artifact that would be released. */
export interface PlanRow {
  readonly kind: Kind
  readonly name: string
  readonly version: string
  /** Undefined for a snapshot. */
  readonly gitTag?: string
  /** Undefined when the bytes come from a working tree. */
  readonly commit?: string
  readonly repository: string
  readonly tag: string
  /** From 1; what stands in one wave can be released at once. */
  readonly wave: number
  /** `repository:tag` of what must be there first. */
  readonly needs: readonly string[]
}

export interface ReleasePlan {
  /** By wave. */
  readonly rows: readonly PlanRow[]
  /** Git tags; those of one wave need only those of earlier waves. */
  readonly waves: readonly (readonly string[])[]
  /** The same for six jobs of a workflow, each a matrix of at most 256 shards. */
  readonly slots: readonly (readonly Shard[])[]
  /** Git tags that cannot be released. */
  readonly failed: readonly FailedOutcome[]
  /** A flowchart in which an arrow leads from an artifact to what it needs. */
  readonly mermaid: string
}

/**
 * Says what a release would release and in which order, and checks it. Runs no tests and writes nothing.
 * @throws what is wrong with the input, and with asking the targets
 */
export async function releasePlan(options: ReleasePlanOptions, context: Context): Promise<ReleasePlan> {
  const { report } = context
  await using sources = new Sources({ ...context, directory: options.directory })
  const { targets, concurrency } = options
  const latest = options.moving.includes('latest')
  const chosen = await choose(options, sources, { targets, open: context.open, concurrency, latest }, context)
  if (chosen.nothing !== undefined) {
    report.emit({ type: 'info', message: chosen.nothing })
    return { rows: [], waves: [], slots: slotsOf([], false), failed: [], mermaid: flowchart([]) }
  }
  const { releases, findings, failed } = await plan(chosen.options, sources)
  for (const finding of findings) report.emit({ type: 'finding', finding })
  const order = orderOf(await mapConcurrent(releases, concurrency, orderedRelease))
  const label = (index: number) => `${releases[index]?.repository}:${releases[index]?.tag}`
  const rows = order.waves.flatMap((wave, at) =>
    wave.flatMap((index) => {
      const one = releases[index]
      if (one === undefined) return []
      const { kind, name, version, gitTag, repository, tag, tree } = one
      return {
        kind,
        name,
        version,
        repository,
        tag,
        wave: at + 1,
        needs: (order.needs[index] ?? []).map(label),
        ...(gitTag === undefined ? {} : { gitTag }),
        ...(tree.commit === undefined ? {} : { commit: tree.commit }),
      }
    }),
  )
  const { waves, whole } = tagWaves(
    order,
    releases.map((one, index) => one.gitTag ?? label(index)),
  )
  return {
    rows,
    waves,
    slots: slotsOf(waves, whole),
    failed: failed.map(failedOutcome).sort(byGitTag),
    mermaid: flowchart(rows),
  }
}

function flowchart(rows: readonly PlanRow[]): string {
  const nodes = new Map(rows.map(({ repository, tag }, at) => [`${repository}:${tag}`, `p${at}`]))
  return [
    'graph TD',
    ...[...nodes].map(([label, node]) => `  ${node}["${mermaidText(label)}"]`),
    ...rows.flatMap(({ repository, tag, needs }) =>
      needs.map((one) => `  ${nodes.get(`${repository}:${tag}`)} --> ${nodes.get(one)}`),
    ),
  ].join('\n')
}

import { mapConcurrent } from '../core/concurrent.ts'
import { grouped } from '../core/report.ts'
import type { GitTag } from '../extension/git-tag.ts'
import { type PackedJob, packAll } from '../package/pack-all.ts'
import { destinationsOf, finish } from '../publishing/destinations.ts'
import { type Destination, publishEverywhere } from '../publishing/everywhere.ts'
import { dependencyFailed, inWaves } from '../publishing/in-waves.ts'
import { exitOf } from '../publishing/outcome.ts'
import { choose, type ManyOptions } from '../release/many.ts'
import { type Elsewhere, lackedBy, type Ordered, orderOf } from '../release/order.ts'
import { elsewhere, orderedRelease } from '../release/ordered.ts'
import { type PlannedRelease, plan } from '../release/plan.ts'
import { Sources } from '../release/sources.ts'
import { openStage } from '../store/stage.ts'
import type { Registry } from '../store/store.ts'
import { treeSize } from '../tree/size.ts'
import { nameOf } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import type { Context } from './context.ts'
import { type PackingOptions, type PublishingOptions, packing, type SelectOptions } from './options.ts'
import {
  byGitTag,
  failedOutcome,
  packedOutcome,
  type ReleasedOutcome,
  type ReleaseResult,
} from './outcome.ts'

export type ReleaseOptions = SelectOptions & ManyOptions & PackingOptions & PublishingOptions

type Packed = PackedJob<PlannedRelease>

interface Prepared {
  readonly stage: Registry
  readonly destinations: ReadonlyMap<PlannedRelease, readonly Destination[]>
  /** The packed ones in their places. */
  readonly ordered: readonly Ordered[]
  /** What each of the packed ones needs and will not get. */
  readonly lacks: readonly (Elsewhere | undefined)[]
}

/**
 * Releases packages from their git tags, or whatever the targets lack: everything is checked, tested and
 * packed into a stage before the first byte goes to a target; then each artifact goes to every target, public
 * tags last, dependencies before what needs them.
 * @throws what is wrong with the input or the tests; what goes wrong at a target stands in the result
 */
export async function release(options: ReleaseOptions, context: Context): Promise<ReleaseResult> {
  const { report } = context
  await using sources = new Sources({ ...context, directory: options.directory })
  const { targets, concurrency } = options
  const latest = options.moving.includes('latest')
  const chosen = await choose(options, sources, { targets, open: context.open, concurrency, latest }, context)
  if (chosen.nothing !== undefined) {
    report.emit({ type: 'info', message: chosen.nothing })
    return { releases: [], failed: [], findings: [], exit: 0 }
  }
  const { apart } = chosen.options
  const { releases: planned, findings, failed } = await plan(chosen.options, sources)
  for (const finding of findings) report.emit({ type: 'finding', finding })
  const places = new Map(
    await mapConcurrent(planned, concurrency, async (one) => [one, await orderedRelease(one)] as const),
  )
  // A circle is told before any test runs.
  orderOf([...places.values()])
  const moving = options.snapshot ? [] : options.moving
  const destinations = new Map(
    planned.map((one) => [one, destinationsOf({ ...one, moving }, targets, context.open)]),
  )
  await using stage = await openStage(await treeSize(planned.map((one) => one.tree)), context.scratch)
  const how = await packing(options, context)
  const broken = [...failed]
  const packed = await grouped(report, 'Test and package', () =>
    packAll(planned, stage, {
      ...how,
      onTest: (job) => tell(context, job, 'testing'),
      onPacked: (job) => tell(context, job, 'packed'),
      ...(apart === true ? { onFailed: (job, error) => broken.push({ wanted: tagOf(job), error }) } : {}),
    }),
  )
  const ordered = packed.map(({ job }) => places.get(job) as Ordered)
  const lacks = lackedBy(
    ordered,
    broken.map(({ wanted }) => elsewhere(wanted)),
    chosen.present.map(elsewhere),
  )
  const released = await grouped(report, 'Publish', () =>
    publishAll(packed, { ordered, lacks, destinations, stage }, options, context),
  )
  const final = await finish(
    targets,
    released.flatMap((one, index) => one.targets.map((target) => ({ ...target, index }))),
    context.open,
  )
  const releases = released.map((one, index) => ({
    ...one,
    targets: final.filter((target) => target.index === index).map(({ index: _, ...target }) => target),
  }))
  return {
    releases,
    failed: broken.map(failedOutcome).sort(byGitTag),
    findings,
    exit: broken.length > 0 ? 1 : exitOf(final),
  }
}

async function publishAll(
  packed: readonly Packed[],
  { ordered, lacks, destinations, stage }: Prepared,
  options: ReleaseOptions,
  context: Context,
): Promise<ReleasedOutcome[]> {
  const { clock, report, signal } = context
  return await inWaves(orderOf(ordered), options.concurrency, async (index, refuse) => {
    const one = packed[index] as Packed
    const { job } = one
    const start = clock.now()
    const lacked = lacks[index]
    let bytes = 0
    const targets = await publishEverywhere(
      stage.repository(job.repository),
      one.packed.encoded,
      destinations.get(job) ?? [],
      {
        allowOverwrite: options.allowOverwrite,
        now: clock.now,
        refuse: (to) =>
          lacked === undefined
            ? refuse(to)
            : dependencyFailed(to.reference, shown(lacked), 'its git tag failed'),
        onProgress: (_, moved) => {
          bytes += moved
          tell(context, job, 'publishing', bytes, options.targets.length * one.packed.layer.size)
        },
      },
      { signal },
    )
    const state = exitOf(targets) === 0 ? 'done' : 'failed'
    report.emit({ type: 'progress', id: idOf(job), label: `${job.name} ${job.version}`, state })
    return { ...packedOutcome(one), targets, milliseconds: clock.now() - start }
  })
}

function tell({ report }: Context, job: PlannedRelease, what: string, done?: number, total?: number): void {
  report.emit({
    type: 'progress',
    id: idOf(job),
    label: `${what} ${job.name} ${job.version}`,
    state: 'running',
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
  })
}

/** Several versions of a package may be under way at once. */
function idOf({ repository, tag }: PlannedRelease): string {
  return `${repository}:${tag}`
}

function tagOf({ kind, name, version, gitTag = '' }: PlannedRelease): GitTag {
  return { tag: gitTag, kind, name, version: parseVersion(version) }
}

function shown({ id, version }: Elsewhere): string {
  return `${nameOf(id)} ${version.version}`
}

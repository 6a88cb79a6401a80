import { mapConcurrent } from '../core/concurrent.ts'
import { grouped } from '../core/report.ts'
import { packAll } from '../package/pack-all.ts'
import { destinationsOf, finish } from '../publishing/destinations.ts'
import { publishEverywhere } from '../publishing/everywhere.ts'
import { exitOf } from '../publishing/outcome.ts'
import { plan } from '../release/plan.ts'
import { Sources } from '../release/sources.ts'
import { openStage } from '../store/stage.ts'
import { treeSize } from '../tree/size.ts'
import type { Context } from './context.ts'
import { type PackingOptions, type PublishingOptions, packing, type SelectOptions } from './options.ts'
import { packedOutcome, type ReleaseResult } from './outcome.ts'

export type ReleaseOptions = SelectOptions & PackingOptions & PublishingOptions

/**
 * Releases packages from their git tags: everything is checked, tested and packed into a stage before the
 * first byte goes to a target; then each artifact goes to every target, public tags last.
 * @throws what is wrong with the input or the tests; what goes wrong at a target stands in the result
 */
export async function release(options: ReleaseOptions, context: Context): Promise<ReleaseResult> {
  const { clock, report, signal } = context
  await using sources = new Sources({ ...context, directory: options.directory })
  const { releases: planned, findings } = await plan(options, sources)
  for (const finding of findings) report.emit({ type: 'finding', finding })
  const destinations = planned.map((one) =>
    destinationsOf({ ...one, moving: options.snapshot ? [] : options.moving }, options.targets, context.open),
  )
  await using stage = await openStage(await treeSize(planned.map((one) => one.tree)), context.scratch)
  const how = await packing(options, context)
  const packed = await grouped(report, 'Test and package', () =>
    packAll(planned, stage, {
      ...how,
      onTest: (job) => progress(job.repository, `testing ${job.name} ${job.version}`),
      onPacked: (job) => progress(job.repository, `packed ${job.name} ${job.version}`),
    }),
  )
  const released = await grouped(report, 'Publish', () =>
    mapConcurrent(packed, options.concurrency, async (one, index) => {
      const { job } = one
      const start = clock.now()
      let bytes = 0
      const targets = await publishEverywhere(
        stage.repository(job.repository),
        one.packed.encoded,
        destinations[index] ?? [],
        {
          allowOverwrite: options.allowOverwrite,
          now: clock.now,
          onProgress: (_, moved) => {
            bytes += moved
            progress(
              job.repository,
              `publishing ${job.name} ${job.version}`,
              bytes,
              options.targets.length * one.packed.layer.size,
            )
          },
        },
        { signal },
      )
      const failed = exitOf(targets) !== 0
      report.emit({
        type: 'progress',
        id: job.repository,
        label: `${job.name} ${job.version}`,
        state: failed ? 'failed' : 'done',
      })
      return { ...packedOutcome(one), targets, milliseconds: clock.now() - start }
    }),
  )
  const final = await finish(
    options.targets,
    released.flatMap((one, index) => one.targets.map((target) => ({ ...target, index }))),
    context.open,
  )
  const releases = released.map((one, index) => ({
    ...one,
    targets: final.filter((target) => target.index === index).map(({ index: _, ...target }) => target),
  }))
  return { releases, findings, exit: exitOf(final) }

  function progress(id: string, label: string, done?: number, total?: number): void {
    report.emit({
      type: 'progress',
      id,
      label,
      state: 'running',
      ...(done === undefined ? {} : { done }),
      ...(total === undefined ? {} : { total }),
    })
  }
}

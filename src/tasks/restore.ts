import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, type ExitCode, onSide, refused, SlipwayError } from '../core/error.ts'
import { Budget } from '../mirroring/budget.ts'
import { repositoryOf } from '../mirroring/bundle.ts'
import type { Job } from '../mirroring/jobs.ts'
import { jobsOfNamespace } from '../mirroring/namespace.ts'
import { type RepositoryOutcome, total } from '../mirroring/outcome.ts'
import { runJobs } from '../mirroring/run.ts'
import type { Digest } from '../oci/digest.ts'
import { showAddress, showPlace, type Target } from '../store/address.ts'
import { type Checked, checkArchive, checkLayouts } from '../store/complete.ts'
import { unpackArchive } from '../store/parts.ts'
import type { Context } from './context.ts'

export interface RestoreOptions {
  /** A folder of layouts, an archive, or one that stands there in parts. */
  readonly source: Target
  readonly destination: Target
  /** Names and globs of the source's repositories; all where there are none. */
  readonly repositories: readonly string[]
  /** Tags that stand for other content at the destination move. */
  readonly allowOverwrite: boolean
  /** Requests in flight to one host. */
  readonly concurrency: number
}

export interface RestoreResult {
  /** What was read of the source before anything was written. */
  readonly checked: { readonly manifests: number; readonly blobs: number; readonly bytes: number }
  readonly repositories: readonly RepositoryOutcome[]
  readonly total: ReturnType<typeof total>
  readonly verified: false
  readonly milliseconds: number
  readonly exit: 0 | ExitCode
}

/** Named in a message; the rest is counted. */
const shown = 10

/**
 * Brings a backup to a registry with all digests unchanged. Before the first write the backup is read from end
 * to end, no tag may stand for other content, and what an earlier archive was to bring must be there. A failure
 * of one repository stops no other.
 * @throws ARCHIVE_INVALID, ARCHIVE_INCOMPLETE, LAYOUT_INVALID, LAYOUT_INCOMPLETE, PART_MISSING, PART_DAMAGED, TAG_EXISTS,
 *   RESTORE_EARLIER_MISSING
 */
export async function restore(options: RestoreOptions, context: Context): Promise<RestoreResult> {
  const { destination, concurrency } = options
  const { signal, clock, report } = context
  const start = clock.now()
  const source = await sourceOf()
  const checked: Checked = await (source.scheme === 'archive' ? checkArchive : checkLayouts)(source.path, {
    signal,
  })
  const { jobs, unlisted } = await jobsOfNamespace(
    { name: 'restore', from: source, to: destination, repositories: options.repositories },
    { open: (place) => context.open(place), concurrency, signal },
  )
  const tags = await tagsThere(jobs)
  if (!options.allowOverwrite) await refuseMoving(jobs, tags)
  if (checked.elsewhere.size > 0) await requireEarlier(jobs, tags)
  const outcomes = await runJobs(jobs, {
    open: (place) => context.open(place),
    budget: new Budget(concurrency),
    signal,
    verify: false,
    now: () => clock.now(),
    done: ({ target, state }) =>
      report.emit({
        type: 'progress',
        id: target,
        label: `${target}: ${state}`,
        state: state === 'failed' || state === 'partial' ? 'failed' : 'done',
      }),
  })
  await (await context.open(destination)).finish()
  const repositories = [...outcomes, ...unlisted].sort((a, b) => (a.target < b.target ? -1 : 1))
  const { manifests, blobs, bytes } = checked
  return {
    checked: { manifests, blobs, bytes },
    repositories,
    total: total(repositories),
    verified: false,
    milliseconds: clock.now() - start,
    exit: repositories.some((one) => one.failures.length > 0) ? 1 : 0,
  }

  /** The source as files that can be read at any place: parts are put together first. */
  async function sourceOf() {
    const { source: given } = options
    if (given.scheme === 'oci')
      throw badInput('RESTORE_SOURCE', `${showPlace(given)} is a registry`, {
        hint: 'Restore from archive:FILE or layout:DIR; slipway mirror keeps registries in step.',
      })
    if (await isThere(given.path)) return given
    if (given.scheme === 'layout')
      throw badInput('SOURCE_UNKNOWN', `${showPlace(given)} does not exist`, { hint: 'Check the path.' })
    const path = join(await context.scratch(), basename(given.path))
    await unpackArchive(given.path, path, { signal })
    return { ...given, path }
  }

  async function sidesOf({ from, to }: Job) {
    return {
      from: (await context.open(from)).repository(from.repository),
      to: (await context.open(to)).repository(to.repository),
    }
  }

  async function tagsThere(all: readonly Job[]): Promise<ReadonlyMap<Job, ReadonlySet<string>>> {
    const listed = await mapConcurrent(all, concurrency, async (job) => {
      const { to } = await sidesOf(job)
      return [
        job,
        new Set<string>(await destinationSide(() => Array.fromAsync(to.tags({ signal })))),
      ] as const
    })
    return new Map(listed)
  }

  async function refuseMoving(
    all: readonly Job[],
    there: ReadonlyMap<Job, ReadonlySet<string>>,
  ): Promise<void> {
    const pairs = all.flatMap((job) =>
      job.tags.flatMap((tag) => (there.get(job)?.has(tag) === true ? [{ job, tag }] : [])),
    )
    const moving = await mapConcurrent(pairs, concurrency, async ({ job, tag }) => {
      const { from, to } = await sidesOf(job)
      const [ours, theirs] = [
        await from.resolve(tag, { signal }),
        await destinationSide(() => to.resolve(tag, { signal })),
      ]
      if (theirs === undefined || ours?.digest === theirs.digest) return []
      return [`${showAddress({ ...job.to, tag })} (${theirs.digest})`]
    })
    const names = moving.flat()
    if (names.length === 0) return
    throw refused('TAG_EXISTS', `The destination has other content under ${list(names, 'tags')}`, {
      side: 'destination',
      hint: 'Nothing was written. --allow-overwrite moves these tags to what the backup holds.',
    })
  }

  async function requireEarlier(
    all: readonly Job[],
    there: ReadonlyMap<Job, ReadonlySet<string>>,
  ): Promise<void> {
    const missing = await mapConcurrent(all, 2, async (job) => {
      const { from, to } = await sidesOf(job)
      const { content } = await repositoryOf(from, { signal })
      const needed = [...content].filter(([digest]) => checked.elsewhere.has(digest))
      // A repository without tags never got the earlier archive, or lost it.
      const empty = there.get(job)?.size === 0
      const absent = await mapConcurrent(needed, concurrency, async ([digest, size]) =>
        !empty && (await destinationSide(() => to.exists(blob(digest, size), { signal }))) ? [] : [digest],
      )
      return absent.flat().map((digest) => `${showAddress({ ...job.to, digest })}`)
    })
    const names = missing.flat()
    if (names.length === 0) return
    throw new SlipwayError(
      'RESTORE_EARLIER_MISSING',
      `${showPlace(source)} goes on from an earlier archive, and the destination lacks ${list(names, 'blobs')}`,
      {
        side: 'destination',
        hint: 'Nothing was written. Restore the earlier archive there first, then this one.',
      },
    )
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

function blob(digest: Digest, size: number) {
  return { mediaType: 'application/octet-stream', digest, size }
}

function list(names: readonly string[], what: string): string {
  const first = names.slice(0, shown).join(', ')
  return names.length <= shown ? first : `${first} and ${names.length - shown} more ${what}`
}

async function destinationSide<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw onSide('destination', error)
  }
}

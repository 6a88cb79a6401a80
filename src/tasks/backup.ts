import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { badInput, type ExitCode } from '../core/error.ts'
import { Budget } from '../mirroring/budget.ts'
import {
  type Bundle,
  bundleOf,
  largestBundleLock,
  readBundleLock,
  writeBundleLock,
} from '../mirroring/bundle.ts'
import { jobsOfNamespace } from '../mirroring/namespace.ts'
import { type RepositoryOutcome, total } from '../mirroring/outcome.ts'
import { runJobs } from '../mirroring/run.ts'
import { digestOf } from '../oci/digest.ts'
import { showPlace, type Target } from '../store/address.ts'
import { ArchivePool } from '../store/archive-pool.ts'
import { replaceFile } from '../store/blob-folder.ts'
import { errnoOf, readFailure } from '../store/file-failure.ts'
import { isPartial } from '../store/layout-index.ts'
import type { Registry } from '../store/store.ts'
import type { Context } from './context.ts'

export interface BackupOptions {
  readonly source: Target
  /** A folder of layouts or an archive. */
  readonly destination: Target
  /** Names and globs below the source's prefix; all repositories where there are none. */
  readonly repositories: readonly string[]
  /** Absolute path of an earlier backup's lock: what that one holds is left out. */
  readonly since?: string
  readonly dryRun: boolean
  /** Requests in flight to one host. */
  readonly concurrency: number
}

export interface BackupResult {
  readonly repositories: readonly RepositoryOutcome[]
  readonly total: ReturnType<typeof total>
  /** Where the lock of the archive was written; undefined for layouts and dry runs. */
  readonly lock?: string
  readonly verified: false
  readonly milliseconds: number
  readonly exit: 0 | ExitCode
}

/**
 * Copies whole repositories with every tag and everything about what they stand for into a folder or an archive,
 * beside which a lock says what it holds. A failure of one repository stops no other.
 * @throws BACKUP_DESTINATION, BACKUP_SINCE, BUNDLE_LOCK_MISSING, BUNDLE_LOCK_INVALID, MIRROR_NO_MATCH, UNSUPPORTED
 */
export async function backup(options: BackupOptions, context: Context): Promise<BackupResult> {
  const { source, destination, since, dryRun, concurrency } = options
  const { signal, clock, report } = context
  const start = clock.now()
  if (destination.scheme === 'oci')
    throw badInput('BACKUP_DESTINATION', `${showPlace(destination)} is a registry`, {
      hint: 'Back up to archive:FILE or layout:DIR; slipway mirror keeps registries in step.',
    })
  const target = await context.open(destination)
  if (since !== undefined || destination.scheme === 'archive') await requireFit(destination, since)
  if (since !== undefined) await assume(target, since)
  const { jobs, unlisted } = await jobsOfNamespace(
    { name: 'backup', from: source, to: destination, repositories: options.repositories },
    { open: (place) => context.open(place), concurrency, signal },
  )
  const outcomes = await runJobs(jobs, {
    open: (place) => context.open(place),
    budget: new Budget(concurrency),
    signal,
    verify: false,
    now: () => clock.now(),
    done: ({ source: from, state }) =>
      report.emit({
        type: 'progress',
        id: from,
        label: `${from}: ${state}`,
        state: state === 'failed' || state === 'partial' ? 'failed' : 'done',
      }),
  })
  // What a lock says has to be what the finished file holds.
  const bundle = destination.scheme === 'archive' && !dryRun ? await bundleOf(target, { signal }) : undefined
  await target.finish()
  // Where nothing arrived there is no file, and so nothing to say of it.
  const lock =
    bundle !== undefined && (await isFile(destination.path))
      ? await writeLock(destination.path, bundle)
      : undefined
  const repositories = [...outcomes, ...unlisted].sort((a, b) => (a.source < b.source ? -1 : 1))
  return {
    repositories,
    total: total(repositories),
    ...(lock === undefined ? {} : { lock }),
    verified: false,
    milliseconds: clock.now() - start,
    exit: repositories.some((one) => one.failures.length > 0) ? 1 : 0,
  }
}

/** Where the lock of an archive stands: `bundle.lock` beside `bundle.tar`. */
export function lockPathOf(archive: string): string {
  return `${archive.replace(/\.tar$/, '')}.lock`
}

/** An archive that lacks blobs takes no full backup, and one that does not is made to lack none. */
async function requireFit(destination: Target & { path: string }, since: string | undefined): Promise<void> {
  const { scheme, path } = destination
  if (scheme !== 'archive')
    throw badInput('BACKUP_SINCE', `${showPlace(destination)} cannot go on from an earlier archive`, {
      hint: 'Leave --since out: a folder that is backed up into again takes only what it lacks.',
    })
  if (!(await isFile(path))) return
  if (since !== undefined)
    throw badInput('BACKUP_SINCE', `${path} is there already`, {
      hint: 'With --since a new archive is written: name another file.',
    })
  await using pool = await ArchivePool.open(path)
  if (isPartial(pool.index))
    throw badInput('BACKUP_SINCE', `${path} goes on from an earlier archive and lacks what that one has`, {
      hint: 'Name another file, or delete this one.',
    })
}

async function assume(target: Registry, path: string): Promise<void> {
  const bytes = await readLockFile(path)
  const bundle = readBundleLock(bytes.toString('utf8'), path)
  const content = new Map([...bundle].map(([name, one]) => [name, one.content]))
  target.assume?.({ lock: digestOf(bytes), content })
}

async function readLockFile(path: string): Promise<Buffer> {
  try {
    if ((await stat(path)).size <= largestBundleLock) return await readFile(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw readFailure('ARCHIVE', path, error)
    throw badInput('BUNDLE_LOCK_MISSING', `${path} does not exist`, {
      hint: 'slipway registry backup writes it beside each archive; without it, write a full archive.',
    })
  }
  throw badInput('BUNDLE_LOCK_INVALID', `${path} has more than ${largestBundleLock} bytes`)
}

async function writeLock(archive: string, bundle: Bundle): Promise<string> {
  const path = lockPathOf(archive)
  const bytes = Buffer.from(writeBundleLock(bundle))
  await replaceFile(path, [bytes], { kind: 'ARCHIVE', folder: dirname(path) })
  return path
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

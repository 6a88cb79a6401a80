import { join, resolve } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { isExtensionKind } from '../extension/kinds.ts'
import { type CacheCounters, PackageCache } from '../install/cache.ts'
import { type InstallResult, install as installItems } from '../install/install.ts'
import type { InstallItem } from '../install/item.ts'
import { folderOf } from '../install/places.ts'
import { previousLock } from '../install/state.ts'
import { lockName } from '../lockfile/file.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import { readLock } from '../lockfile/read.ts'
import { needsOf } from '../lockfile/tree.ts'
import { writeLock } from '../lockfile/write.ts'
import { archiveOf } from '../sources/archives.ts'
import { nameOf } from '../version/package-id.ts'
import type { Context } from './context.ts'
import { frozenLock, type ResolutionOptions } from './resolution.ts'

export interface InstallOptions extends ResolutionOptions {
  /** Absolute path of the folder that `extensions/` and `kcl/` stand in. */
  readonly root: string
  /** Back to what was installed before. */
  readonly rollback: boolean
  /** Whether folders that were changed by hand, or that Slipway did not install, give way. */
  readonly replace: boolean
  readonly dryRun: boolean
}

export interface InstallOutcome extends InstallResult {
  readonly root: string
  /** What came from the local cache and what had to be fetched. */
  readonly counts: CacheCounters
}

/**
 * Makes a root hold exactly what `slipway.lock` says: fetched in parallel, verified by digest, put in place one
 * after another, each after what it needs. Nothing of a package is run.
 * @throws LOCK_MISSING, LOCK_OUT_OF_DATE, INSTALL_*, DIGEST_MISMATCH and what sources throw
 */
export async function install(options: InstallOptions, context: Context): Promise<InstallOutcome> {
  const { root, directory, rollback, replace, dryRun, concurrency } = options
  const { report, signal, clock } = context
  const lock = rollback
    ? readLock(await previousLock(root), `the earlier ${lockName}`)
    : await frozenLock(options, context)
  const needs = needsOf(lock)
  const items = await mapConcurrent(
    lock.packages.filter((one) => !standsThere(one, options)),
    concurrency,
    async (locked): Promise<InstallItem[]> => {
      const { id, kind, version, manifest, source = '' } = locked
      // The core and platform services are no folders.
      if (kind !== 'kcl' && !isExtensionKind(kind)) return []
      const archive = await archiveOf(locked, { ...options, directory, signal }, context)
      const { layer, mediaType } = archive
      return [
        {
          id,
          kind,
          name: nameOf(id),
          version,
          layer,
          source,
          ...(manifest === undefined ? {} : { manifest }),
          ...(mediaType === undefined ? {} : { mediaType }),
          dependsOn: needs(id),
          open: () => archive.open(),
        },
      ]
    },
  )
  const cache = new PackageCache(options.cacheDirectory, report, clock)
  const result = await installItems(items.flat(), {
    root,
    lock: writeLock(lock),
    report,
    cache,
    signal,
    clock,
    replace,
    dryRun,
    concurrency,
  })
  return { ...result, root, counts: cache.counters }
}

/** A folder of the repository that is its own place of installing: nothing needs to be brought there. */
function standsThere(
  { id, kind, source = '' }: LockedPackage,
  { directory, root }: Pick<InstallOptions, 'directory' | 'root'>,
): boolean {
  if (!source.startsWith('path:') || (kind !== 'kcl' && !isExtensionKind(kind))) return false
  return resolve(directory, source.slice('path:'.length)) === join(root, folderOf({ kind, name: nameOf(id) }))
}

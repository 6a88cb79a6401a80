import { existsSync } from 'node:fs'
import { badInput, hasCode } from '../core/error.ts'
import { PackageCache } from '../install/cache.ts'
import { identityOf } from '../install/identity.ts'
import { annotation } from '../oci/annotations.ts'
import type { Digest } from '../oci/digest.ts'
import { packageLayer } from '../oci/manifest.ts'
import { parseTag } from '../oci/reference.ts'
import { compareKclSum } from '../package/kcl-sum.ts'
import { type Address, showAddress } from '../store/address.ts'
import { extract } from '../tarball/extract.ts'
import type { ArchiveLimits } from '../tarball/unpack.ts'
import { folderTree } from '../tree/folder.ts'
import type { Context } from './context.ts'

export interface PullOptions {
  readonly address: Address
  /** Absolute path of the folder the files come into. */
  readonly output: string
  /** Whether a folder that is not empty gives way. */
  readonly replace: boolean
  /** Absolute; packages pass through the cache there, where the provisioning system finds them too. */
  readonly cacheDirectory: string
  /** Bring it into the cache and unpack nothing. */
  readonly cacheOnly: boolean
  readonly limits?: Partial<ArchiveLimits>
}

export interface PullResult {
  readonly reference: string
  readonly digest: Digest
  readonly layer: Digest
  /** Undefined where nothing was unpacked. */
  readonly output?: string
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
  /** Where the archive stands in the cache; undefined for what is no package of the provisioning system. */
  readonly cached?: string
}

/** What is wrong with an archive itself, though its bytes are as promised. */
const refusals = ['KCL_SUM_MISMATCH', 'ARCHIVE_UNSAFE', 'ARCHIVE_DAMAGED', 'ARCHIVE_TOO_LARGE']

/**
 * Fetches one package and unpacks it, all or nothing: digests are verified while streaming, and the folder
 * appears only when everything in it is there and safe.
 * @throws REFERENCE_UNKNOWN, NOT_A_PACKAGE, KCL_SUM_MISMATCH and what extract throws
 */
export async function pull(options: PullOptions, context: Context): Promise<PullResult> {
  const { address, output } = options
  const { report, signal } = context
  const store = (await context.open(address)).repository(address.repository)
  const found = await store.manifest(address.digest ?? address.tag ?? parseTag('latest'), { signal })
  if (found === undefined)
    throw badInput('REFERENCE_UNKNOWN', `${showAddress(address)} does not exist`, {
      hint: 'slipway tags shows what is there.',
    })
  const layer = packageLayer(found.manifest)
  if (layer === undefined)
    throw badInput('NOT_A_PACKAGE', `${showAddress(address)} is not a package of one archive layer`, {
      hint: 'Pull images and indexes with a container client, such as oras or crane.',
    })
  const label = `pulling ${showAddress(address)}`
  let done = 0
  const { tag: _, digest: __, ...place } = address
  const identity = identityOf(found.manifest.annotations)
  const cache = new PackageCache(options.cacheDirectory, report, context.clock)
  const key = identity === undefined ? undefined : { ...identity, layer: layer.digest }
  const origin = {
    source: showAddress(place),
    manifest: found.descriptor.digest,
    mediaType: layer.mediaType,
  }
  const archive = () =>
    key === undefined
      ? store.fetch(layer, { signal })
      : cache.read(key, origin, () => store.fetch(layer, { signal }), { signal })
  const watched = async function* () {
    for await (const chunk of archive()) {
      done += chunk.byteLength
      report.emit({ type: 'progress', id: label, label, state: 'running', done, total: layer.size })
      yield chunk
    }
  }
  const shown = { reference: showAddress(address), digest: found.descriptor.digest, layer: layer.digest }
  if (options.cacheOnly) {
    for await (const _ of watched()) signal.throwIfAborted()
    const cached = key === undefined ? undefined : await cache.get(key, { signal })
    if (cached === undefined)
      throw badInput('NOT_CACHEABLE', `${shown.reference} is not in the cache`, {
        hint:
          key === undefined
            ? 'Only extensions and KCL packages have a place there.'
            : 'Make room in the cache, or name another folder with --cache-dir.',
      })
    report.emit({ type: 'progress', id: label, label, state: 'done', done, total: layer.size })
    return { ...shown, files: 0, bytes: 0, cached }
  }
  const sum = found.manifest.annotations?.[annotation.kclSum]
  const extracted = await extract(watched(), output, {
    ...(sum === undefined ? {} : { check: (folder: string) => compare(folder, sum) }),
    name: showAddress(address),
    replace: options.replace,
    signal,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  }).catch(async (error: unknown) => {
    // Nobody else may find there what was refused here.
    if (key !== undefined && hasCode(error, ...refusals)) await cache.forget(key)
    throw error
  })
  report.emit({ type: 'progress', id: label, label, state: 'done', done, total: layer.size })
  // One that cannot be written is done without.
  const kept = key !== undefined && existsSync(cache.path(key))
  const cached = kept ? { cached: cache.path(key) } : {}
  return { ...shown, output, ...extracted, ...cached }

  async function compare(folder: string, sum: string): Promise<void> {
    const tree = folderTree(folder, { name: showAddress(address), signal })
    const message = await compareKclSum(tree, sum, showAddress(address))
    if (message !== undefined) report.emit({ type: 'warning', code: 'KCL_SUM_UNCHECKED', message })
  }
}

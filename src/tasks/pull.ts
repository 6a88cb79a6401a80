import { badInput } from '../core/error.ts'
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
  readonly limits?: Partial<ArchiveLimits>
}

export interface PullResult {
  readonly reference: string
  readonly digest: Digest
  readonly layer: Digest
  readonly output: string
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
}

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
  const watched = async function* () {
    for await (const chunk of store.fetch(layer, { signal })) {
      done += chunk.byteLength
      report.emit({ type: 'progress', id: label, label, state: 'running', done, total: layer.size })
      yield chunk
    }
  }
  const sum = found.manifest.annotations?.[annotation.kclSum]
  const extracted = await extract(watched(), output, {
    ...(sum === undefined ? {} : { check: (folder: string) => compare(folder, sum) }),
    name: showAddress(address),
    replace: options.replace,
    signal,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  report.emit({ type: 'progress', id: label, label, state: 'done', done, total: layer.size })
  return {
    reference: showAddress(address),
    digest: found.descriptor.digest,
    layer: layer.digest,
    output,
    ...extracted,
  }

  async function compare(folder: string, sum: string): Promise<void> {
    const tree = folderTree(folder, { name: showAddress(address), signal })
    const message = await compareKclSum(tree, sum, showAddress(address))
    if (message !== undefined) report.emit({ type: 'warning', code: 'KCL_SUM_UNCHECKED', message })
  }
}

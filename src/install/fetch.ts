import { join } from 'node:path'
import { extract } from '../tarball/extract.ts'
import { listFiles } from './files.ts'
import type { InstallOptions } from './options.ts'
import { folderOf } from './places.ts'
import type { Planned } from './plan.ts'
import { addReceipt, openStage, type Stage } from './staging.ts'
import { verifiedBy } from './verified.ts'

/** One package that was put in its place. */
export interface Installed {
  readonly id: string
  readonly version: string
  /** The version that stood there before. */
  readonly before?: string
  /** Relative to the root. */
  readonly folder: string
  /** Files and links; 0 in a dry run. */
  readonly files: number
  /** Bytes of all files; 0 in a dry run. */
  readonly bytes: number
}

/** What is known of a package before it is fetched. */
export function placeOf({ item, before }: Planned): Omit<Installed, 'files' | 'bytes'> {
  const { id, version } = item
  return { id, version, ...(before === undefined ? {} : { before }), folder: folderOf(item) }
}

/** Fetches, verifies and unpacks one package beside its place. */
export async function stageItem(
  root: string,
  { item, before }: Planned,
  options: InstallOptions,
): Promise<{ readonly stage: Stage; readonly done: Installed }> {
  const { report, cache, signal, limits, step = () => {} } = options
  const { id, kind, name, version, layer, source, manifest, mediaType } = item
  const call = signal === undefined ? {} : { signal }
  const origin = { source, ...(manifest && { manifest }), ...(mediaType && { mediaType }) }
  const label = `installing ${id} ${version}`
  const progress = (state: 'running' | 'done' | 'failed', done: number) =>
    report.emit({ type: 'progress', id: label, label, state, done })
  let bytes = 0
  const counted = async function* () {
    const read = cache?.read(item, origin, () => item.open(), call) ?? verifiedBy(layer, item.open(), source)
    for await (const chunk of read) {
      bytes += chunk.byteLength
      progress('running', bytes)
      yield chunk
    }
  }
  await step('begin a package')
  const stage = await openStage(root, item)
  try {
    const fresh = join(stage.dir, 'new')
    const limited = limits === undefined ? {} : { limits }
    await step('unpack')
    const unpacked = await extract(counted(), fresh, { name: `${source} ${version}`, ...limited, ...call })
    await step('write its receipt')
    const files = await listFiles(fresh, signal)
    const pinned = manifest === undefined ? {} : { manifest }
    await addReceipt(stage, { format: 1, id, kind, name, version, source, ...pinned, layer, files })
    progress('done', bytes)
    return { stage, done: { ...placeOf({ item, before }), ...unpacked } }
  } catch (error) {
    progress('failed', bytes)
    throw error
  }
}

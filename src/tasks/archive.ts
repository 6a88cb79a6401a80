import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { badInput } from '../core/error.ts'
import { showPlace, type Target } from '../store/address.ts'
import { checkArchive } from '../store/complete.ts'
import { packArchive, unpackArchive } from '../store/parts.ts'
import { listPathOf, type PartsList } from '../store/parts-list.ts'
import type { Context } from './context.ts'

export interface PackResult {
  /** Absolute path of the list of parts. */
  readonly list: string
  /** Bytes of the archive. */
  readonly size: number
  readonly parts: PartsList['parts']
}

/**
 * Packs an archive that is whole into parts beside it.
 * @throws ARCHIVE_INVALID, ARCHIVE_INCOMPLETE, PARTS_NONE, PARTS_TOO_MANY, ZSTD_UNSUPPORTED, DISK_FULL
 */
export async function pack(
  options: { readonly archive: Target; readonly split?: number; readonly zstd: boolean },
  { signal }: Context,
): Promise<PackResult> {
  const { archive, ...how } = options
  const path = pathOf(archive)
  if (!(await isThere(path)))
    throw badInput('SOURCE_UNKNOWN', `${showPlace(archive)} does not exist`, { hint: 'Check the path.' })
  await checkArchive(path, { signal })
  const { size, parts } = await packArchive(path, { ...how, signal })
  return { list: listPathOf(path), size, parts }
}

export interface UnpackResult {
  /** Absolute path. */
  readonly archive: string
  /** Bytes. */
  readonly size: number
  readonly digest: PartsList['digest']
}

/**
 * Puts an archive together from its parts, in their folder.
 * @throws UNPACK_EXISTS, PARTS_INVALID, PART_MISSING, PART_DAMAGED, ZSTD_UNSUPPORTED, DISK_FULL
 */
export async function unpack(archive: Target, { signal }: Context): Promise<UnpackResult> {
  const path = pathOf(archive)
  if (await isThere(path))
    throw badInput('UNPACK_EXISTS', `${path} is there already`, {
      hint: 'Move it away if it is not the one that the parts hold.',
    })
  const { size, digest } = await unpackArchive(path, path, { signal })
  return { archive: path, size, digest }
}

export interface VerifyResult {
  readonly manifests: number
  readonly blobs: number
  /** Of all content. */
  readonly bytes: number
  /** Blobs that only an earlier archive has. */
  readonly elsewhere: number
}

/**
 * Reads an archive, or one that stands there in parts, from end to end.
 * @throws ARCHIVE_INVALID, ARCHIVE_INCOMPLETE, PARTS_INVALID, PART_MISSING, PART_DAMAGED
 */
export async function verify(archive: Target, { signal, scratch }: Context): Promise<VerifyResult> {
  const given = pathOf(archive)
  const whole = await isThere(given)
  const path = whole ? given : join(await scratch(), basename(given))
  if (!whole) await unpackArchive(given, path, { signal })
  const { elsewhere, ...counts } = await checkArchive(path, { signal })
  return { ...counts, elsewhere: elsewhere.size }
}

function pathOf(target: Target): string {
  if (target.scheme === 'archive') return target.path
  throw badInput('ADDRESS_INVALID', `${showPlace(target)} is no archive`, { hint: 'Write archive:FILE.' })
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

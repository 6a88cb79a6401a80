import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { badInput } from '../core/error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { readFailure } from './file-failure.ts'

/** One file of a packed archive. */
export interface Part {
  /** Without a folder: it stands beside the list. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly digest: Digest
}

/** What `bundle.tar.json` says of `bundle.tar` and the files that it was packed into, in their order. */
export interface PartsList {
  readonly version: 1
  /** `bundle.tar` */
  readonly archive: string
  /** Bytes, unpacked. */
  readonly size: number
  /** Of the archive, unpacked. */
  readonly digest: Digest
  readonly compression?: 'zstd'
  readonly parts: readonly Part[]
}

/** Files of one archive; their numbers have four digits at most. */
export const maxParts = 10_000
/** Bytes of a list of that many parts. */
const largest = 4 * 1024 * 1024

/** Where the list of an archive's parts stands. */
export function listPathOf(archive: string): string {
  return `${archive}.json`
}

/** What a part is called: `bundle.tar.zst`, `bundle.tar.000`, `bundle.tar.zst.001`. */
export function partName(
  archive: string,
  at: number,
  how: { readonly zstd: boolean; readonly split: boolean },
): string {
  return `${archive}${how.zstd ? '.zst' : ''}${how.split ? `.${String(at).padStart(3, '0')}` : ''}`
}

/**
 * Reads the list beside an archive. Names follow from the archive's, so that no list can lead elsewhere.
 * @returns undefined where there is none
 * @throws PARTS_INVALID, ARCHIVE_NOT_READABLE
 */
export async function readPartsList(archive: string): Promise<PartsList | undefined> {
  const path = listPathOf(archive)
  let document: unknown
  try {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) return undefined
    if (found.size > largest) throw invalid(path, `it has more than ${largest} bytes`)
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(path, 'it is not JSON')
    throw readFailure('ARCHIVE', path, error)
  }
  return parse(document, basename(archive), path)
}

function parse(document: unknown, archive: string, path: string): PartsList {
  if (!isObject(document) || document.version !== 1) throw invalid(path, 'no version 1')
  const { size, digest, compression, parts } = document
  if (document.archive !== archive)
    throw invalid(path, `it is about ${JSON.stringify(document.archive)?.slice(0, 200)}`)
  if (!isSize(size) || !isDigest(digest)) throw invalid(path, 'a wrong size or digest')
  if (compression !== undefined && compression !== 'zstd') throw invalid(path, 'an unknown compression')
  if (!Array.isArray(parts) || parts.length === 0 || parts.length > maxParts)
    throw invalid(path, `not between 1 and ${maxParts} parts`)
  const zstd = compression === 'zstd'
  // Neither compressed nor numbered, the only part would be the archive itself.
  const split = !zstd || parts.length > 1 || parts[0]?.name !== partName(archive, 0, { zstd, split: false })
  return {
    version: 1,
    archive,
    size,
    digest,
    ...(zstd ? { compression } : {}),
    parts: parts.map((one: unknown, at): Part => {
      const name = partName(archive, at, { zstd, split })
      if (!isObject(one) || one.name !== name || !isSize(one.size) || !isDigest(one.digest))
        throw invalid(path, `part ${at} is not ${name} with a size and a digest`)
      return { name, size: one.size, digest: one.digest }
    }),
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, what: string) {
  return badInput('PARTS_INVALID', `${path} is no list of an archive's parts: ${what}`, {
    hint: 'Bring over the file that slipway archive pack wrote, under its own name.',
  })
}

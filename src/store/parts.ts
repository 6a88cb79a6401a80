import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline, Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { badInput, SlipwayError } from '../core/error.ts'
import { Digester } from '../oci/digest.ts'
import { replaceFile } from './blob-folder.ts'
import { errnoOf, readFailure, writeFailure } from './file-failure.ts'
import { listPathOf, maxParts, type Part, type PartsList, partName, readPartsList } from './parts-list.ts'
import type { Call } from './store.ts'

export interface PackOptions extends Call {
  /** Bytes of a part, but for the last; one part where there is none. */
  readonly split?: number
  readonly zstd: boolean
}

/** Bytes read at once. */
const chunkSize = 1024 * 1024

/**
 * Writes the parts of an archive beside it, and last the list that makes them one. The archive stays.
 * @throws ARCHIVE_NOT_READABLE, ARCHIVE_NOT_WRITABLE, DISK_FULL, PARTS_NONE, PARTS_TOO_MANY, ZSTD_UNSUPPORTED
 */
export async function packArchive(archive: string, options: PackOptions): Promise<PartsList> {
  const { split, zstd, signal } = options
  const folder = dirname(archive)
  if (!zstd && split === undefined)
    throw badInput('PARTS_NONE', `${archive} is one file as it stands`, {
      hint: 'Say what is to be done: --split 500MiB, --zstd or both.',
    })
  // What does not compress grows a little.
  if (split !== undefined && ((await sizeOf(archive)) * 1.01) / split > maxParts)
    throw badInput('PARTS_TOO_MANY', `${archive} would have more than ${maxParts} parts`, {
      hint: 'Give --split a larger size.',
    })
  const whole = new Digester('sha256')
  let size = 0
  const counted = async function* () {
    for await (const chunk of read(archive, signal)) {
      whole.update(chunk)
      size += chunk.byteLength
      yield chunk
    }
  }
  const source = (zstd ? through(counted(), compressor()) : counted())[Symbol.asyncIterator]()
  const parts: Part[] = []
  let rest: Uint8Array | undefined
  let done = false
  // An older list must not speak of new parts.
  await rm(listPathOf(archive), { force: true }).catch((error: unknown) => {
    throw writeFailure('ARCHIVE', listPathOf(archive), error)
  })
  try {
    for (let more = true; more; ) {
      const name = partName(basename(archive), parts.length, { zstd, split: split !== undefined })
      const digester = new Digester('sha256')
      let written = 0
      const take = async function* () {
        for (;;) {
          if (rest === undefined) {
            const next = await source.next()
            if (next.done === true) return
            rest = next.value
          }
          const room = split === undefined ? rest.byteLength : Math.min(split - written, rest.byteLength)
          if (room === 0) return
          const chunk = rest.subarray(0, room)
          rest = room === rest.byteLength ? undefined : rest.subarray(room)
          digester.update(chunk)
          written += room
          yield chunk
        }
      }
      await replaceFile(join(folder, name), take(), { kind: 'ARCHIVE', folder, ...(signal && { signal }) })
      parts.push({ name, size: written, digest: digester.digest() })
      if (rest === undefined) {
        const next = await source.next()
        if (next.done === true) more = false
        else rest = next.value
      }
    }
    done = true
  } finally {
    await source.return?.()
    // What has no list is of no use, and a full disk wants its space back.
    if (!done) for (const { name } of parts) await rm(join(folder, name), { force: true }).catch(() => {})
  }
  const list: PartsList = {
    version: 1,
    archive: basename(archive),
    size,
    digest: whole.digest(),
    ...(zstd ? { compression: 'zstd' as const } : {}),
    parts,
  }
  const bytes = Buffer.from(`${JSON.stringify(list, null, 2)}\n`)
  await replaceFile(listPathOf(archive), [bytes], { kind: 'ARCHIVE', folder })
  return list
}

/**
 * Puts an archive together from the parts beside its list, as one new file: whole and verified, or not at all.
 * @throws PARTS_INVALID, PART_MISSING, PART_DAMAGED, ARCHIVE_NOT_READABLE, ARCHIVE_NOT_WRITABLE, DISK_FULL
 */
export async function unpackArchive(archive: string, to: string, call: Call = {}): Promise<PartsList> {
  const list = await readPartsList(archive)
  if (list === undefined)
    throw badInput('SOURCE_UNKNOWN', `Neither ${archive} nor ${listPathOf(archive)} exists`, {
      hint: 'Check the path.',
    })
  const folder = dirname(archive)
  await requireParts(list, folder)
  const joined = joinedParts(list, folder, call.signal)
  const unpacked = list.compression === 'zstd' ? through(joined, decompressor()) : joined
  await replaceFile(to, whole(unpacked, list, listPathOf(archive)), {
    kind: 'ARCHIVE',
    folder: dirname(to),
    ...call,
  })
  return list
}

/** Sizes tell at once what is missing or cut off. */
async function requireParts({ parts }: PartsList, folder: string): Promise<void> {
  for (const { name, size } of parts) {
    const path = join(folder, name)
    const found = await stat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw readFailure('ARCHIVE', path, error)
    })
    if (found === undefined)
      throw new SlipwayError('PART_MISSING', `${path} is missing`, {
        hint: `Bring over all ${parts.length} parts; the list beside them names each.`,
      })
    if (found.size !== size) throw damaged(path, `it has ${found.size} bytes instead of ${size}`)
  }
}

async function* joinedParts(
  { parts }: PartsList,
  folder: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const { name, digest } of parts) {
    const path = join(folder, name)
    const digester = new Digester('sha256')
    for await (const chunk of read(path, signal)) {
      digester.update(chunk)
      yield chunk
    }
    const actual = digester.digest()
    if (actual === digest) continue
    const other = parts.find((one) => one.digest === actual)
    throw damaged(
      path,
      other === undefined ? 'its bytes have changed' : `it holds what belongs in ${other.name}`,
    )
  }
}

async function* whole(
  source: AsyncIterable<Uint8Array>,
  { size, digest }: PartsList,
  list: string,
): AsyncGenerator<Uint8Array> {
  const digester = new Digester('sha256')
  let bytes = 0
  try {
    for await (const chunk of source) {
      bytes += chunk.byteLength
      if (bytes > size) break
      digester.update(chunk)
      yield chunk
    }
  } catch (error) {
    if (errnoOf(error)?.startsWith('ZSTD_') !== true) throw error
    throw damaged(list, 'its parts are no zstd')
  }
  if (bytes !== size || digester.digest() !== digest)
    throw damaged(list, 'its parts together are not the archive that it describes')
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw readFailure('ARCHIVE', path, error)
  }
}

async function* read(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) {
      signal?.throwIfAborted()
      yield chunk as Uint8Array
    }
  } catch (error) {
    throw readFailure('ARCHIVE', path, error)
  }
}

/** A stream's failure ends the one that is read. */
function through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  pipeline(Readable.from(source), transform, () => {})
  return transform
}

function compressor(): Transform {
  if (typeof zlib.createZstdCompress !== 'function') throw withoutZstd()
  return zlib.createZstdCompress()
}

function decompressor(): Transform {
  if (typeof zlib.createZstdDecompress !== 'function') throw withoutZstd()
  return zlib.createZstdDecompress()
}

function withoutZstd(): SlipwayError {
  return badInput('ZSTD_UNSUPPORTED', `Node ${process.versions.node} cannot read or write zstd`, {
    hint: 'Use Node 22.15 or newer, or pack without --zstd.',
  })
}

function damaged(path: string, what: string): SlipwayError {
  return new SlipwayError('PART_DAMAGED', `${path}: ${what}`, {
    hint: 'Bring it over again; nothing was written.',
  })
}

import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { badInput, messageOf } from '../core/error.ts'

/** What an archive may hold at most. */
export interface ArchiveLimits {
  /** Bytes of the unpacked tar. */
  readonly bytes: number
  /** Files, links and folders. */
  readonly files: number
  /** Unpacked bytes for each compressed one, looked at once 16 MiB are unpacked. */
  readonly ratio: number
}

/** Far above any honest package; text compresses to a tenth, deflate can reach a thousandth. */
export const defaultArchiveLimits: ArchiveLimits = {
  bytes: 4 * 1024 ** 3,
  files: 100_000,
  ratio: 200,
}

const ratioFrom = 16 * 1024 ** 2

/**
 * The tar inside a tar or tar.gz, told apart by the first bytes.
 * @throws ARCHIVE_TOO_LARGE, ARCHIVE_DAMAGED, and what the source throws
 */
export async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  name: string,
  limits: ArchiveLimits,
): AsyncGenerator<Uint8Array> {
  const counted = { bytes: 0 }
  const { start, all } = await peek(source, counted)
  const gzip = start[0] === 0x1f && start[1] === 0x8b
  let size = 0
  for await (const chunk of gzip ? gunzip(all, name) : all) {
    size += chunk.byteLength
    if (size > limits.bytes)
      throw badInput('ARCHIVE_TOO_LARGE', `${name} unpacks to more than ${limits.bytes} bytes`, {
        hint: 'Raise the limit if the archive is to be trusted.',
      })
    if (gzip && size > ratioFrom && size > counted.bytes * limits.ratio)
      throw badInput(
        'ARCHIVE_TOO_LARGE',
        `${name} unpacks to more than ${limits.ratio} times its compressed size`,
        { hint: 'Raise the limit if the archive is to be trusted.' },
      )
    yield chunk
  }
}

async function* gunzip(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const decompress = createGunzip({ chunkSize: 64 * 1024 })
  let fault: unknown
  pipeline(Readable.from(source, { highWaterMark: 1 }), decompress, (error) => {
    fault = error
  })
  try {
    for await (const chunk of decompress) yield chunk as Buffer
  } catch (error) {
    const zlib = (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true
    if (!zlib) throw fault ?? error
    throw badInput('ARCHIVE_DAMAGED', `${name} is not whole gzip: ${messageOf(error)}`, {
      cause: error,
      hint: 'Fetch it again; if it stays so, it was packed wrongly.',
    })
  }
}

async function peek(source: AsyncIterable<Uint8Array>, counted: { bytes: number }) {
  const chunks = source[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  while (start.byteLength < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    start = Buffer.concat([start, next.value])
  }
  counted.bytes = start.byteLength
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield start
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        counted.bytes += next.value.byteLength
        yield next.value
      }
    } finally {
      await chunks.return?.()
    }
  }
  return { start, all: all() }
}

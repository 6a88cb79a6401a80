import { pipeline, Readable } from 'node:stream'
import { createGzip, gzipSync } from 'node:zlib'
import { badInput } from '../core/error.ts'

/** How hard gzip works; 0 stores, `off` writes a plain tar. */
export type Compression = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 'off'

export const defaultCompression = 6 satisfies Compression

const memoryLevel = 8
const pieceSize = 64 * 1024

/**
 * Reads a level as people write it. @throws COMPRESSION_INVALID
 */
export function parseCompression(text: string): Compression {
  if (text === 'off') return 'off'
  if (/^[0-9]$/.test(text)) return Number(text) as Compression
  throw badInput('COMPRESSION_INVALID', `${JSON.stringify(text.slice(0, 50))} is not a compression level`, {
    hint: 'Use 0 to 9, or off.',
  })
}

/** gzip (RFC 1952) of bytes in memory, equal on every platform. */
export function compressSync(bytes: Uint8Array, level: Exclude<Compression, 'off'>): Buffer {
  const compressed = gzipSync(bytes, { level, memLevel: memoryLevel })
  normalise(compressed)
  return compressed
}

/**
 * gzip of a stream in constant memory, equal on every platform and however the stream is cut into chunks.
 */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  level: Exclude<Compression, 'off'>,
): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level, memLevel: memoryLevel, chunkSize: pieceSize })
  // Failures of either end destroy `gzip`, and reading it below throws them.
  pipeline(Readable.from(pieces(source), { objectMode: true, highWaterMark: 1 }), gzip, () => {})
  let first = true
  for await (const chunk of gzip) {
    const bytes = chunk as Buffer
    if (first) normalise(bytes)
    first = false
    yield bytes
  }
}

/** zlib writes the system it was built for into byte 9: say "unknown" instead; the time is 0 already. */
function normalise(gzip: Buffer): void {
  gzip[9] = 255
}

/**
 * Pieces of one size: a stored block (level 0) ends where the input was cut, so the cuts must not depend
 * on how a disk or git hands out its bytes.
 */
async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(pieceSize)
  let filled = 0
  for await (const chunk of source) {
    let rest = chunk
    while (rest.byteLength > 0) {
      const part = rest.subarray(0, pieceSize - filled)
      piece.set(part, filled)
      filled += part.byteLength
      rest = rest.subarray(part.byteLength)
      if (filled < pieceSize) continue
      yield piece
      piece = Buffer.allocUnsafe(pieceSize)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

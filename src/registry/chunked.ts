import { hasCode, SlipwayError } from '../core/error.ts'
import { RegistryError } from './errors.ts'
import { uploadLocation } from './locations.ts'
import type { Source } from './source.ts'
import { accept, close, type Upload } from './upload-steps.ts'

/** Bytes; a registry that asks for larger pieces gets none, since each is held in memory. */
const largestChunk = 64 * 1024 * 1024
/** Bytes; proxies that let through less make an upload hopeless. */
const smallestPiece = 64 * 1024

/**
 * Sends a blob piece by piece (distribution spec, "Pushing a blob in chunks"). After an interruption the
 * registry is asked how far it came, so that at most one piece travels twice.
 */
export async function uploadChunks(upload: Upload, source: Source): Promise<void> {
  const { sizes } = upload.repository.endpoint
  const least = leastChunk(upload)
  const chunk = Buffer.allocUnsafe(Math.min(Math.max(sizes.chunk, least), largestChunk))
  const pieces = new Pieces(upload, chunk.byteLength, least)
  let filled = 0
  for await (const bytes of source.open()) {
    for (let taken = 0; taken < bytes.byteLength; ) {
      const part = bytes.subarray(taken, taken + chunk.byteLength - filled)
      chunk.set(part, filled)
      filled += part.byteLength
      taken += part.byteLength
      if (filled < chunk.byteLength) continue
      await pieces.send(chunk)
      filled = 0
    }
  }
  await pieces.send(chunk.subarray(0, filled))
  await close(upload, new Uint8Array(0), 'closing the upload')
}

class Pieces {
  readonly #upload: Upload
  readonly #least: number
  #size: number
  /** Bytes the registry has. */
  #at = 0

  constructor(upload: Upload, size: number, least: number) {
    this.#upload = upload
    this.#size = size
    this.#least = Math.max(least, smallestPiece)
  }

  /** Sends what follows the bytes sent before; returns when the registry has all of it. */
  async send(bytes: Uint8Array): Promise<void> {
    const { endpoint } = this.#upload.repository
    const start = this.#at
    const end = start + bytes.byteLength
    for (let failures = 0; this.#at < end; ) {
      const piece = bytes.subarray(this.#at - start, this.#at - start + this.#size)
      try {
        await this.#patch(piece)
        this.#at += piece.byteLength
        failures = 0
      } catch (error) {
        if (!mayResume(error)) throw error
        failures++
        if (failures > endpoint.limits.retries) throw error
        const refused = error instanceof RegistryError && (error.status === 413 || error.status === 416)
        if (refused) {
          if (piece.byteLength < 2 * this.#least) throw error
          this.#size = Math.max(this.#least, Math.floor(piece.byteLength / 2))
          // Only the size was wrong as long as smaller pieces are left to try.
          failures = 0
        } else await endpoint.backOff(failures, this.#upload.call.signal)
        this.#at = await this.#reached(start, end)
      }
    }
  }

  async #patch(piece: Uint8Array): Promise<void> {
    const upload = this.#upload
    const response = await upload.repository.send({
      method: 'PATCH',
      to: upload.location,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(piece.byteLength),
        'content-range': `${this.#at}-${this.#at + piece.byteLength - 1}`,
      },
      body: piece,
      retry: false,
      ...upload.call,
    })
    await accept(upload, response, 'uploading a piece')
    // The Range of this answer is not looked at: ECR's is stale, and 2xx says that the piece was taken.
    moveOn(upload, response.header('location'), response.url)
  }

  /** How many bytes the registry has after an interruption. @throws BLOB_UPLOAD_INVALID to start over */
  async #reached(start: number, end: number): Promise<number> {
    const upload = this.#upload
    const response = await upload.repository.send({ method: 'GET', to: upload.location, ...upload.call })
    await accept(upload, response, 'asking how far the upload came')
    moveOn(upload, response.header('location'), response.url)
    const reached = /^(?:bytes=)?(\d+)-(\d+)$/.exec(response.header('range') ?? '')
    // Nothing received is told as no Range, or as 0-0, which may also mean one byte: then starting over is safe.
    const at = reached === null || reached[2] === '0' ? 0 : Number(reached[2]) + 1
    if (at >= start && at <= end) return at
    throw new RegistryError(
      'BLOB_UPLOAD_INVALID',
      `${upload.where}: the upload stands at byte ${at}, where ${start} to ${end} was expected`,
      response.status,
    )
  }
}

function leastChunk(upload: Upload): number {
  const { least } = upload
  if (least <= largestChunk) return least
  throw new SlipwayError(
    'UNSUPPORTED',
    `${upload.where}: the registry wants pieces of at least ${least} bytes`,
    { hint: 'Slipway sends pieces of at most 64 MiB; raise the registry’s limit for whole uploads instead.' },
  )
}

function moveOn(upload: Upload, location: string | undefined, from: URL): void {
  if (location !== undefined) upload.location = uploadLocation(location, from, upload.where)
}

function mayResume(error: unknown): boolean {
  if (error instanceof RegistryError)
    return error.status >= 500 || [408, 413, 416, 429].includes(error.status)
  return hasCode(error, 'HOST_UNREACHABLE', 'TIMED_OUT')
}

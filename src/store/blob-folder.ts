import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, type Digest, encodedOf } from '../oci/digest.ts'
import { checked } from './digesting.ts'
import { errnoOf, type FailureKind, type FileKind, readFailure, writeFailure } from './file-failure.ts'
import { unknown } from './rules.ts'
import type { Call, Reading } from './store.ts'

/** Begins the names of files still being written; no digest, repository or layout file begins so. */
const partial = '.slipway-partial-'
/** What a killed writer can leave: the above, and files of a lock that was being taken over. */
const leftover = /^\.(slipway-partial-|index\.lock\.)/
/** Milliseconds after the last byte at which a partial file's writer is taken for dead. */
const abandoned = 3_600_000

/** `blobs/<algorithm>/<encoded>` under one folder (image spec, image-layout.md). */
export class BlobFolder {
  readonly #folder: string
  readonly #kind: FileKind
  readonly #durable: boolean
  #ready: Promise<unknown> | undefined

  /** `durable: false` spares the disk where the folder does not outlive the process. */
  constructor(folder: string, kind: FileKind, durable = true) {
    this.#folder = folder
    this.#kind = kind
    this.#durable = durable
  }

  /** A digest is checked when it enters the program, so that no path can lead elsewhere. */
  path(digest: Digest): string {
    return join(this.#folder, 'blobs', algorithmOf(digest), encodedOf(digest))
  }

  /** Bytes of a blob; undefined when there is none. */
  async size(digest: Digest): Promise<number | undefined> {
    try {
      const found = await stat(this.path(digest))
      return found.isFile() ? found.size : undefined
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw readFailure(this.#kind, this.path(digest), error)
    }
  }

  async *read(content: Descriptor, call: Reading = {}): AsyncGenerator<Uint8Array> {
    const path = this.path(content.digest)
    const { offset = 0, signal, transient = false } = call
    // A range that starts at or behind the end is none to a file stream.
    if (offset > 0 && offset >= content.size) return
    if ((await this.size(content.digest)) === undefined) throw unknown(content, this.#folder)
    const source = transient
      ? readThroughBuffers(path, offset, signal)
      : createReadStream(path, {
          start: offset,
          highWaterMark: chunkSize,
          ...(signal && { signal }),
        })
    try {
      yield* checked(source, content, path, offset)
    } catch (error) {
      signal?.throwIfAborted()
      if (isAbsence(error)) throw unknown(content, this.#folder)
      throw readFailure(this.#kind, path, error)
    }
  }

  /**
   * Writes a blob: complete and verified under its name, or not at all.
   * @throws DIGEST_MISMATCH, SIZE_MISMATCH, DISK_FULL, LAYOUT_NOT_WRITABLE
   */
  async write(content: Descriptor, source: AsyncIterable<Uint8Array>, call?: Call): Promise<void> {
    this.#ready ??= removeAbandoned(this.#folder)
    await this.#ready
    const path = this.path(content.digest)
    await replaceFile(path, checked(source, content, this.#folder), {
      kind: this.#kind,
      folder: this.#folder,
      durable: this.#durable,
      ...call,
    })
  }
}

/** Writers that were killed left their files; nobody else removes them. */
export async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  for (const name of names.filter((one) => leftover.test(one))) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > abandoned)
      await rm(path, { force: true }).catch(() => {})
  }
}

interface ReplaceOptions extends Call {
  readonly kind: FailureKind
  /** Where the unfinished file stands: the same file system as `path`. */
  readonly folder: string
  readonly durable?: boolean
}

/** Writes beside the target, brings it to disk and renames: readers see the old file or the whole new one. */
export async function replaceFile(
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { kind, folder, durable = true, signal }: ReplaceOptions,
): Promise<void> {
  const temporary = join(folder, `${partial}${process.pid}-${randomBytes(8).toString('hex')}`)
  let done = false
  try {
    await system(kind, path, () => mkdir(dirname(path), { recursive: true }))
    const file = await system(kind, path, () => open(temporary, 'wx', 0o644))
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted()
        await system(kind, path, () => writeWhole(file, chunk))
      }
      if (durable) await system(kind, path, () => file.sync())
    } finally {
      await file.close()
    }
    signal?.throwIfAborted()
    await system(kind, path, () => rename(temporary, path))
    done = true
    if (durable) await syncFolder(dirname(path))
  } finally {
    if (!done) await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Only what the file system says is renamed: a failing source keeps its own error. */
async function system<T>(kind: FailureKind, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw writeFailure(kind, path, error)
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, at)
    at += bytesWritten
  }
}

/** Makes the new name outlive a power cut, where the file system lets a folder be synchronised. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // Some network file systems refuse; the content itself is on disk.
  }
}

export function isAbsence(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT'
}

/** Bytes read at once. More than a socket takes before it asks to wait, so that a sent chunk is a gone chunk. */
const chunkSize = 256 * 1024
/** One being read, one held back by whoever checks the end, one on its way. */
const buffers = 3

/** A file in chunks whose memory is used again after two more have been asked for. */
async function* readThroughBuffers(path: string, offset: number, signal: AbortSignal | undefined) {
  const ring = Array.from({ length: buffers }, () => Buffer.allocUnsafeSlow(chunkSize))
  const file = await open(path)
  try {
    for (let position = offset, turn = 0; ; turn++) {
      signal?.throwIfAborted()
      const buffer = ring[turn % buffers] as Buffer
      let filled = 0
      while (filled < chunkSize) {
        const { bytesRead } = await file.read(buffer, filled, chunkSize - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      if (filled === 0) return
      position += filled
      yield buffer.subarray(0, filled)
      if (filled < chunkSize) return
    }
  } finally {
    await file.close()
  }
}

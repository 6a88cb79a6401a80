import { type FileHandle, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { readSpan, type Scanned, type Span, scan } from './archive-scan.ts'
import { BlobFolder, isAbsence } from './blob-folder.ts'
import { checked } from './digesting.ts'
import { invalidFiles, readFailure, writeFailure } from './file-failure.ts'
import { checkMarker, emptyIndex, indexLimit, type LayoutIndex, parseIndex } from './layout-index.ts'
import { unknown } from './rules.ts'
import type { Call } from './store.ts'

const piece = 262_144

/** Every blob of an archive, and those that are to join it: staged in a folder until the file is written. */
export class ArchivePool implements AsyncDisposable {
  readonly index: LayoutIndex
  readonly #path: string
  readonly #file: FileHandle | undefined
  readonly #found: Scanned['blobs']
  readonly #version: string
  readonly #staging: string
  #stage: Promise<{ readonly folder: string; readonly blobs: BlobFolder }> | undefined
  readonly #staged = new Map<Digest, number>()

  private constructor(path: string, staging: string, opened: Opened | undefined, version: string) {
    this.#path = path
    this.#staging = staging
    this.#file = opened?.file
    this.#found = opened?.blobs ?? new Map()
    this.index = opened?.index ?? emptyIndex
    this.#version = version
  }

  /** Reads an archive's headers and index; where there is none yet, the pool is empty. */
  static async open(path: string, staging = tmpdir()): Promise<ArchivePool> {
    const version = await versionOf(path)
    if (version === '') return new ArchivePool(path, staging, undefined, version)
    let file: FileHandle
    try {
      file = await open(path, 'r')
    } catch (error) {
      throw readFailure('ARCHIVE', path, error)
    }
    try {
      return new ArchivePool(path, staging, { file, ...(await readLayout(file, path)) }, version)
    } catch (error) {
      await file.close()
      throw readFailure('ARCHIVE', path, error)
    }
  }

  /** Everything that stands in the file, with its size in bytes. */
  *digests(): Generator<readonly [Digest, number]> {
    for (const [digest, { size }] of this.#found) yield [digest, size]
  }

  size(digest: Digest): number | undefined {
    return this.#staged.get(digest) ?? this.#found.get(digest)?.size
  }

  async *read(
    content: Descriptor,
    call: Call & { readonly offset?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    if (this.#staged.has(content.digest) && this.#stage !== undefined)
      return yield* (await this.#stage).blobs.read(content, call)
    const span = this.#found.get(content.digest)
    if (span === undefined || this.#file === undefined) throw unknown(content, this.#path)
    const { offset = 0, signal } = call
    for await (const chunk of checked(
      pieces(this.#file, span, offset, this.#path),
      content,
      this.#path,
      offset,
    )) {
      signal?.throwIfAborted()
      yield chunk
    }
  }

  async stage(content: Descriptor, source: AsyncIterable<Uint8Array>, call?: Call): Promise<void> {
    this.#stage ??= this.#openStage()
    await (await this.#stage).blobs.write(content, source, call)
    this.#staged.set(content.digest, content.size)
  }

  /** Whether the file is another one than when it was opened. */
  async isOutdated(): Promise<boolean> {
    return (await versionOf(this.#path)) !== this.#version
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close()
    const stage = await this.#stage?.catch(() => undefined)
    if (stage !== undefined) await rm(stage.folder, { recursive: true, force: true })
  }

  async #openStage() {
    try {
      const folder = await mkdtemp(join(this.#staging, 'slipway-archive-'))
      return { folder, blobs: new BlobFolder(folder, 'ARCHIVE', false) }
    } catch (error) {
      throw writeFailure('ARCHIVE', this.#staging, error)
    }
  }
}

interface Opened {
  readonly file: FileHandle
  readonly blobs: Scanned['blobs']
  readonly index: LayoutIndex
}

async function readLayout(file: FileHandle, path: string): Promise<Omit<Opened, 'file'>> {
  const { marker, index, blobs } = await scan(file, path)
  if (marker === undefined || index === undefined)
    throw invalidFiles('ARCHIVE', path, `${marker === undefined ? 'oci-layout' : 'index.json'} is missing`)
  if (marker.size > 4096 || index.size > indexLimit)
    throw invalidFiles('ARCHIVE', path, 'index.json is too large')
  checkMarker(await readSpan(file, marker, path), 'ARCHIVE', `${path}: oci-layout`)
  return { blobs, index: parseIndex(await readSpan(file, index, path), 'ARCHIVE', `${path}: index.json`) }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch (error) {
    if (isAbsence(error)) return ''
    throw readFailure('ARCHIVE', path, error)
  }
}

async function* pieces(
  file: FileHandle,
  span: Span,
  offset: number,
  where: string,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < span.size; at += piece)
    yield readSpan(file, { start: span.start + at, size: Math.min(piece, span.size - at) }, where)
}

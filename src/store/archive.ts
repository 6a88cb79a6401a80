import { dirname, resolve } from 'node:path'
import { SlipwayError } from '../core/error.ts'
import { algorithmOf, type Digest, encodedOf } from '../oci/digest.ts'
import { parseRepository } from '../oci/reference.ts'
import { type Contents, contentsOf, entriesOf, readContents, sorted } from './archive-contents.ts'
import { ArchivePool } from './archive-pool.ts'
import { ArchiveStore } from './archive-store.ts'
import { type ArchiveFile, tarOf } from './archive-write.ts'
import { replaceFile } from './blob-folder.ts'
import { layoutMarker, serialiseIndex, withSince } from './layout-index.ts'
import { Pushes } from './pushes.ts'
import { collect, decodeManifest, manifestLimit } from './rules.ts'
import type { Call, Earlier, Registry, Store } from './store.ts'

export interface ArchiveOptions {
  /** The folder in which new blobs wait for `finish`; default: the system's for temporary files. */
  readonly staging?: string
}

/**
 * One OCI image layout in a tar, with `org.opencontainers.image.ref.name` = `repository:tag`; bare tags, as
 * other tools write them, belong to the repository ''. Reading opens no more than is asked for. Writes wait
 * in a folder until `finish` puts a new file in the place of the old one; the same content makes the same
 * bytes, and blobs that no manifest names are left out. One process writes at a time: `finish` refuses to
 * overwrite what somebody else wrote meanwhile.
 * After `assume` the archive lacks blobs, and says so.
 * @throws ARCHIVE_INVALID, ARCHIVE_NOT_READABLE, ARCHIVE_NOT_WRITABLE, ARCHIVE_CHANGED, DISK_FULL
 */
export function archiveRegistry(file: string, options: ArchiveOptions = {}): Registry {
  return new ArchiveRegistry(resolve(file), options)
}

interface Opened {
  readonly pool: ArchivePool
  readonly repositories: Map<string, Contents>
}

class ArchiveRegistry implements Registry {
  readonly name: string
  readonly #path: string
  readonly #options: ArchiveOptions
  readonly #stores = new Map<string, Store>()
  readonly #pushes = new Pushes()
  #opened: Promise<Opened> | undefined
  #changed = false
  #earlier: Earlier | undefined

  constructor(path: string, options: ArchiveOptions) {
    this.name = `archive:${path}`
    this.#path = path
    this.#options = options
  }

  repository(path: string): Store {
    const known = this.#stores.get(path)
    if (known !== undefined) return known
    const name = path === '' ? this.name : `${this.name}#${parseRepository(path)}`
    const view = async () => {
      const { pool, repositories } = await this.#open()
      return { pool, contents: contentsOf(repositories, path), earlier: this.#earlier?.content.get(path) }
    }
    const changed = () => {
      this.#changed = true
    }
    const store = new ArchiveStore(name, view, changed, this.#pushes)
    this.#stores.set(path, store)
    return store
  }

  async *repositories(call?: Call): AsyncGenerator<string> {
    call?.signal?.throwIfAborted()
    const { repositories } = await this.#open()
    for (const [path, contents] of sorted(repositories)) if (contents.manifests.size > 0) yield path
  }

  assume(earlier: Earlier): void {
    this.#earlier = earlier
  }

  async finish(): Promise<void> {
    if (!this.#changed) return
    const { pool, repositories } = await this.#open()
    if (await pool.isOutdated())
      throw new SlipwayError('ARCHIVE_CHANGED', `${this.#path} was written by somebody else meanwhile`, {
        hint: 'Run the same command again: it starts from the new file.',
      })
    const files = filesOf(pool, repositories, this.#earlier)
    await replaceFile(this.#path, tarOf(files), { kind: 'ARCHIVE', folder: dirname(this.#path) })
    this.#changed = false
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    this.#opened = undefined
    this.#changed = false
    if (opened !== undefined) await opened.pool[Symbol.asyncDispose]()
  }

  #open(): Promise<Opened> {
    this.#opened ??= openArchive(this.#path, this.#options)
    return this.#opened
  }
}

async function openArchive(path: string, options: ArchiveOptions): Promise<Opened> {
  const pool = await ArchivePool.open(path, options.staging)
  try {
    const repositories = await readContents(pool.index.entries, async (descriptor) => {
      const size = pool.size(descriptor.digest)
      if (size === undefined || size > manifestLimit) return undefined
      const bytes = await collect(pool.read(descriptor))
      return decodeManifest(bytes, `archive:${path}@${descriptor.digest}`)
    })
    return { pool, repositories }
  } catch (error) {
    await pool[Symbol.asyncDispose]()
    throw error
  }
}

function filesOf(
  pool: ArchivePool,
  repositories: ReadonlyMap<string, Contents>,
  earlier: Earlier | undefined,
): ArchiveFile[] {
  const reached = new Set([...repositories.values()].flatMap((one) => [...one.reached]))
  const { rest } = pool.index
  const index = serialiseIndex({
    entries: entriesOf(repositories),
    rest: earlier === undefined ? rest : withSince(rest, earlier.lock),
  })
  const marker = Buffer.from(layoutMarker)
  return [
    { path: 'oci-layout', size: marker.byteLength, open: () => [marker] },
    { path: 'index.json', size: index.byteLength, open: () => [index] },
    ...[...reached].sort().flatMap((digest) => blobFile(pool, digest)),
  ]
}

function blobFile(pool: ArchivePool, digest: Digest): ArchiveFile[] {
  const size = pool.size(digest)
  if (size === undefined) return []
  const path = `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`
  const content = { mediaType: 'application/octet-stream', digest, size }
  return [{ path, size, open: () => pool.read(content) }]
}

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import { algorithmOf, type Digest, digestOf, encodedOf, isDigest } from '../oci/digest.ts'
import { isTag, type Tag } from '../oci/reference.ts'
import { errnoOf } from '../store/file-failure.ts'

/**
 * What earlier runs read from registries: small documents by digest, and which tags there were. Never fails:
 * what cannot be read is asked for again, what cannot be written is done without.
 */
export interface ManifestCache {
  /** Content with this digest, verified; undefined where there is none. */
  content(digest: Digest): Promise<Uint8Array | undefined>
  keep(digest: Digest, bytes: Uint8Array): Promise<void>
  /** What a tag stood for when it was last asked for. */
  digest(repository: string, tag: Tag): Promise<Digest | undefined>
  keepDigest(repository: string, tag: Tag, digest: Digest): Promise<void>
  /** The tags of a repository when they were last listed. */
  tags(repository: string): Promise<readonly Tag[] | undefined>
  keepTags(repository: string, tags: readonly Tag[]): Promise<void>
}

/** Documents kept in memory too, so that a run does not read a file again and again. */
const mostInMemory = 100

/** Bytes of a document that is kept in memory. */
const largestInMemory = 1024 * 1024

/**
 * The cache in a folder: `content/` has a file for each digest, `tags/` one for each tag, `lists/` one for each
 * repository. Files appear whole, by a rename, so that several processes may share the folder.
 */
export function manifestCache(folder: string, report: Report): ManifestCache {
  return new FolderCache(folder, report)
}

class FolderCache implements ManifestCache {
  readonly #folder: string
  readonly #report: Report
  /** The least recently used first. */
  readonly #recent = new Map<Digest, Uint8Array>()
  #writable = true

  constructor(folder: string, report: Report) {
    this.#folder = folder
    this.#report = report
  }

  async content(digest: Digest): Promise<Uint8Array | undefined> {
    const bytes = this.#recent.get(digest) ?? (await this.#read(this.#contentFile(digest), digest))
    if (bytes !== undefined) this.#remember(digest, bytes)
    return bytes
  }

  async keep(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#remember(digest, bytes)
    await this.#write(this.#contentFile(digest), bytes)
  }

  async digest(repository: string, tag: Tag): Promise<Digest | undefined> {
    const file = this.#tagFile(repository, tag)
    return await this.#document(file, ({ digest }) => (isDigest(digest) ? digest : undefined))
  }

  async keepDigest(repository: string, tag: Tag, digest: Digest): Promise<void> {
    await this.#write(this.#tagFile(repository, tag), JSON.stringify({ repository, tag, digest }))
  }

  async tags(repository: string): Promise<readonly Tag[] | undefined> {
    const file = this.#listFile(repository)
    return await this.#document(file, ({ tags }) =>
      Array.isArray(tags) && tags.every(isTag) ? tags : undefined,
    )
  }

  async keepTags(repository: string, tags: readonly Tag[]): Promise<void> {
    await this.#write(this.#listFile(repository), JSON.stringify({ repository, tags }))
  }

  /** A digest's own characters are safe in a path; a repository's and a tag's may differ in case only. */
  #contentFile(digest: Digest): string {
    return join(this.#folder, 'content', `${algorithmOf(digest)}-${encodedOf(digest)}`)
  }

  #tagFile(repository: string, tag: Tag): string {
    return join(this.#folder, 'tags', `${encodedOf(digestOf(`${repository}:${tag}`))}.json`)
  }

  #listFile(repository: string): string {
    return join(this.#folder, 'lists', `${encodedOf(digestOf(repository))}.json`)
  }

  #remember(digest: Digest, bytes: Uint8Array): void {
    if (bytes.byteLength > largestInMemory) return
    this.#recent.delete(digest)
    this.#recent.set(digest, bytes)
    const [oldest] = this.#recent.keys()
    if (this.#recent.size > mostInMemory && oldest !== undefined) this.#recent.delete(oldest)
  }

  async #document<T>(
    file: string,
    read: (document: Record<string, unknown>) => T | undefined,
  ): Promise<T | undefined> {
    const bytes = await this.#read(file)
    if (bytes === undefined) return undefined
    const value = parse(bytes)
    const said = typeof value === 'object' && value !== null ? read({ ...value }) : undefined
    if (said === undefined) await this.#corrupt(file)
    return said
  }

  async #read(file: string, digest?: Digest): Promise<Buffer | undefined> {
    let bytes: Buffer
    try {
      bytes = await readFile(file)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return undefined
    }
    if (digest === undefined || digestOf(bytes, algorithmOf(digest)) === digest) return bytes
    await this.#corrupt(file)
    return undefined
  }

  async #corrupt(file: string): Promise<void> {
    this.#report.emit({
      type: 'warning',
      code: 'CACHE_CORRUPT',
      message: `${file} is damaged and was thrown away`,
      hint: 'If it happens again, check the disk.',
    })
    await rm(file, { force: true }).catch(() => {})
  }

  async #write(file: string, content: string | Uint8Array): Promise<void> {
    if (!this.#writable) return
    const part = `${file}.${randomBytes(6).toString('hex')}.part`
    try {
      await mkdir(join(file, '..'), { recursive: true })
      await writeFile(part, content)
      await rename(part, file)
    } catch (error) {
      await rm(part, { force: true }).catch(() => {})
      if (errnoOf(error) === undefined) throw error
      if (this.#writable)
        this.#report.emit({
          type: 'warning',
          code: 'CACHE_UNUSABLE',
          message: `${this.#folder} cannot be written, so nothing more is kept for the next run: ${messageOf(error)}`,
          hint: 'Make room there, or name another folder with --cache-dir.',
        })
      this.#writable = false
    }
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

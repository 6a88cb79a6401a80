import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { annotation } from '../oci/annotations.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { mediaType } from '../oci/media-type.ts'
import { isAbsence, replaceFile } from './blob-folder.ts'
import { type FileKind, invalidFiles, readFailure, writeFailure } from './file-failure.ts'
import { withLock } from './lock-file.ts'
import type { Call } from './store.ts'

/** Bytes of an index.json: about 200,000 manifests. */
export const indexLimit = 64 * 1024 * 1024

export const layoutMarker = '{"imageLayoutVersion":"1.0.0"}'

/** `index.json` as it stands: its entries, and whatever else somebody wrote there. */
export interface LayoutIndex {
  readonly entries: readonly Descriptor[]
  readonly rest: Readonly<Record<string, unknown>>
}

/**
 * Annotation of an archive's index.json: the digest of the lock of the earlier archive that it goes on from.
 * It lacks the blobs which that one has.
 */
export const sinceAnnotation = 'dev.slipway.since'

/** Whether blobs may be missing because an earlier archive has them. */
export function isPartial({ rest }: LayoutIndex): boolean {
  return sinceOf(rest) !== undefined
}

/** The digest of the earlier archive's lock. */
export function sinceOf(rest: LayoutIndex['rest']): string | undefined {
  const { annotations } = rest
  if (typeof annotations !== 'object' || annotations === null) return undefined
  const found = Object.entries(annotations).find(([name]) => name === sinceAnnotation)?.[1]
  return typeof found === 'string' ? found : undefined
}

/** The same beside which the digest of an earlier archive's lock stands. */
export function withSince(rest: LayoutIndex['rest'], lock: Digest): LayoutIndex['rest'] {
  return { ...rest, annotations: { ...Object(rest.annotations), [sinceAnnotation]: lock } }
}

export const emptyIndex: LayoutIndex = { entries: [], rest: {} }

/** Image spec, image-layout.md, "index.json file". @throws LAYOUT_INVALID, ARCHIVE_INVALID */
export function parseIndex(bytes: Uint8Array, kind: FileKind, where: string): LayoutIndex {
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalidFiles(kind, where, 'not JSON')
  }
  if (typeof document !== 'object' || document === null || !('manifests' in document))
    throw invalidFiles(kind, where, 'no list of manifests')
  const { manifests, ...rest } = document
  if (!Array.isArray(manifests)) throw invalidFiles(kind, where, '"manifests" is not a list')
  const entries = manifests.map((one, index) => {
    try {
      return parseDescriptor(one, `manifests[${index}]`)
    } catch (error) {
      throw invalidFiles(kind, where, error instanceof Error ? error.message : `manifests[${index}]`)
    }
  })
  return { entries, rest }
}

export function serialiseIndex(index: LayoutIndex): Uint8Array {
  const { schemaVersion: _, mediaType: __, ...rest } = index.rest
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaType.index, manifests: index.entries, ...rest }),
  )
}

/** Checks the content of an `oci-layout` file. */
export function checkMarker(bytes: Uint8Array, kind: FileKind, where: string): void {
  let version: unknown
  try {
    version = (JSON.parse(Buffer.from(bytes).toString()) as { imageLayoutVersion?: unknown })
      .imageLayoutVersion
  } catch {
    throw invalidFiles(kind, where, 'not JSON')
  }
  if (version !== '1.0.0')
    throw invalidFiles(kind, where, `layout version ${JSON.stringify(version)?.slice(0, 40)} is not 1.0.0`)
}

export function refName(entry: Descriptor): string | undefined {
  return entry.annotations?.[annotation.refName]
}

/** The entry with this reference name, or with none. */
export function named(entry: Descriptor, name: string | undefined): Descriptor {
  const { annotations = {}, ...rest } = entry
  const { [annotation.refName]: _, ...others } = annotations
  const all = name === undefined ? others : { ...others, [annotation.refName]: name }
  return Object.keys(all).length === 0 ? rest : { ...rest, annotations: all }
}

/** A manifest to list, and the names that point at it from now on. */
export interface IndexChange {
  readonly manifest: Descriptor
  readonly names: readonly string[]
}

/**
 * Applies changes: every manifest has one entry per name, or a single one without; who loses his last name
 * stays listed.
 */
export function changed(index: LayoutIndex, changes: readonly IndexChange[]): LayoutIndex {
  const entries = new Map<string, Descriptor>()
  const listed = new Map<Digest, Descriptor>()
  const byName = new Map<string, Descriptor>()
  for (const entry of index.entries) {
    if (!listed.has(entry.digest)) listed.set(entry.digest, named(entry, undefined))
    const name = refName(entry)
    if (name !== undefined) byName.set(name, entry)
  }
  for (const { manifest, names } of changes) {
    if (!listed.has(manifest.digest)) listed.set(manifest.digest, named(manifest, undefined))
    for (const name of names) byName.set(name, named(listed.get(manifest.digest) ?? manifest, name))
  }
  for (const [name, entry] of byName) entries.set(`${entry.digest} ${name}`, entry)
  const withName = new Set([...byName.values()].map((one) => one.digest))
  for (const [digest, entry] of listed) if (!withName.has(digest)) entries.set(digest, entry)
  return { rest: index.rest, entries: [...entries.values()] }
}

/**
 * `index.json` of one folder. Reads see the newest file; writes of this process that come together go into
 * one new file, and a lock file keeps other processes' writes from getting lost.
 */
export class IndexFile {
  readonly #folder: string
  readonly #path: string
  #seen: { readonly bytes: Buffer; readonly index: LayoutIndex } | undefined
  #waiting: IndexChange[] = []
  #next: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'index.json')
  }

  async read(): Promise<LayoutIndex> {
    let bytes: Buffer
    try {
      const found = await stat(this.#path)
      if (!found.isFile()) throw invalidFiles('LAYOUT', this.#path, 'not a file')
      if (found.size > indexLimit) throw invalidFiles('LAYOUT', this.#path, `more than ${indexLimit} bytes`)
      bytes = await readFile(this.#path)
    } catch (error) {
      if (isAbsence(error)) return emptyIndex
      throw readFailure('LAYOUT', this.#path, error)
    }
    if (this.#seen?.bytes.equals(bytes) === true) return this.#seen.index
    const index = parseIndex(bytes, 'LAYOUT', this.#path)
    this.#seen = { bytes, index }
    return index
  }

  /** Resolves when the change is on disk; changes asked for meanwhile share the next write. */
  change(change: IndexChange, call?: Call): Promise<void> {
    call?.signal?.throwIfAborted()
    this.#waiting.push(change)
    this.#next ??= this.#after(this.#last)
    return this.#next
  }

  #after(last: Promise<unknown>): Promise<void> {
    const write = last
      .catch(() => {})
      .then(() => {
        const changes = this.#waiting
        this.#waiting = []
        this.#next = undefined
        return this.#write(changes)
      })
    this.#last = write
    return write
  }

  async #write(changes: readonly IndexChange[]): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true })
      await withLock(join(this.#folder, '.index.lock'), (held) => this.#replace(changes, held))
    } catch (error) {
      throw writeFailure('LAYOUT', this.#path, error)
    }
  }

  async #replace(changes: readonly IndexChange[], held: () => Promise<boolean>): Promise<void> {
    const before = await this.read()
    const after = changed(before, changes)
    const bytes = serialiseIndex(after)
    if (this.#seen?.bytes.equals(bytes) === true) return
    const options = { kind: 'LAYOUT', folder: this.#folder } as const
    await this.#mark()
    if (!(await held())) return this.#write(changes)
    await replaceFile(this.#path, [bytes], options)
  }

  /** An `oci-layout` file makes the folder a layout; written before the index that needs it. */
  async #mark(): Promise<void> {
    const path = join(this.#folder, 'oci-layout')
    const present = await readFile(path).catch(() => undefined)
    if (present !== undefined) return checkMarker(present, 'LAYOUT', path)
    await replaceFile(path, [Buffer.from(layoutMarker)], { kind: 'LAYOUT', folder: this.#folder })
  }
}

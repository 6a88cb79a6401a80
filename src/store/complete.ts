import { mapConcurrent } from '../core/concurrent.ts'
import { hasCode, SlipwayError } from '../core/error.ts'
import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isManifestType } from '../oci/media-type.ts'
import { ArchivePool } from './archive-pool.ts'
import { BlobFolder } from './blob-folder.ts'
import type { FileKind } from './file-failure.ts'
import { invalidFiles } from './file-failure.ts'
import { layoutRegistry } from './layout.ts'
import { IndexFile, isPartial, refName } from './layout-index.ts'
import { collect, decodeManifest, manifestLimit, requiredChildren } from './rules.ts'
import type { Call } from './store.ts'

/** What was read of an archive or a folder of layouts. */
export interface Checked {
  readonly manifests: number
  readonly blobs: number
  /** Of all content, each once for each layout. */
  readonly bytes: number
  /** Blobs that an archive leaves out on purpose: an earlier one has them. */
  readonly elsewhere: ReadonlySet<Digest>
}

/** Blobs read at once: more only makes a disk seek. */
const atOnce = 4

/**
 * Reads an archive from end to end: every entry of its index, everything below it and every blob has to be
 * there with the size and digest that name it. Only an archive that says that it goes on from an earlier one
 * may lack blobs, but never a manifest.
 * @throws ARCHIVE_INCOMPLETE, ARCHIVE_INVALID, ARCHIVE_NOT_READABLE
 */
export async function checkArchive(path: string, options: Call = {}): Promise<Checked> {
  await using pool = await ArchivePool.open(path)
  return await check(
    {
      kind: 'ARCHIVE',
      where: path,
      entries: pool.index.entries,
      size: async (digest) => pool.size(digest),
      read: (content) => pool.read(content, options),
      all: pool.digests(),
      partial: isPartial(pool.index),
    },
    options,
  )
}

/**
 * The same for every layout below a folder.
 * @throws LAYOUT_INCOMPLETE, LAYOUT_INVALID, LAYOUT_NOT_READABLE
 */
export async function checkLayouts(folder: string, options: Call = {}): Promise<Checked> {
  await using registry = layoutRegistry(folder)
  const sum = { manifests: 0, blobs: 0, bytes: 0, elsewhere: new Set<Digest>() }
  for await (const repository of registry.repositories(options)) {
    const where = repository === '' ? folder : `${folder}/${repository}`
    const blobs = new BlobFolder(where, 'LAYOUT')
    const { entries } = await new IndexFile(where).read()
    const found = await check(
      {
        kind: 'LAYOUT',
        where,
        entries,
        size: (digest) => blobs.size(digest),
        read: (content) => blobs.read(content, options),
        all: [],
        partial: false,
      },
      options,
    )
    for (const key of ['manifests', 'blobs', 'bytes'] as const) sum[key] += found[key]
  }
  return sum
}

interface Subject {
  readonly kind: FileKind
  readonly where: string
  readonly entries: readonly Descriptor[]
  readonly size: (digest: Digest) => Promise<number | undefined>
  readonly read: (content: Descriptor) => AsyncIterable<Uint8Array>
  /** Content that is to be read even where nothing names it. */
  readonly all: Iterable<readonly [Digest, number]>
  /** Whether blobs may be missing. */
  readonly partial: boolean
}

async function check(subject: Subject, { signal }: Call): Promise<Checked> {
  const blobs = new Map<Digest, Descriptor>()
  const manifests = new Set<Digest>()
  const elsewhere = new Set<Digest>()
  let bytes = 0
  const open = subject.entries.map((entry) => ({ content: plain(entry), by: nameOf(entry) }))
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    signal?.throwIfAborted()
    const { content, by } = one
    if (manifests.has(content.digest) || blobs.has(content.digest)) continue
    const manifest = isManifestType(content.mediaType)
    const size = await subject.size(content.digest)
    if (size === undefined) {
      if (manifest || !subject.partial) throw incomplete(subject, content, by)
      elsewhere.add(content.digest)
      continue
    }
    if (size !== content.size)
      throw invalidFiles(
        subject.kind,
        subject.where,
        `${content.digest} has ${size} bytes, but ${by} says ${content.size}`,
      )
    if (!manifest) {
      blobs.set(content.digest, content)
      continue
    }
    if (size > manifestLimit)
      throw invalidFiles(subject.kind, subject.where, `manifest ${content.digest} has ${size} bytes`)
    const decoded = decodeManifest(await readWhole(subject, content), `${subject.where}@${content.digest}`)
    if (decoded === undefined)
      throw invalidFiles(subject.kind, subject.where, `${content.digest}, which ${by} names, is no manifest`)
    manifests.add(content.digest)
    bytes += size
    for (const child of requiredChildren(decoded.manifest)) open.push({ content: child, by: content.digest })
  }
  for (const [digest, size] of subject.all)
    if (!manifests.has(digest) && !blobs.has(digest))
      blobs.set(digest, { mediaType: 'application/octet-stream', digest, size })
  await mapConcurrent(blobs.values(), atOnce, async (blob) => {
    await readThrough(subject, blob)
    bytes += blob.size
  })
  return { manifests: manifests.size, blobs: blobs.size, bytes, elsewhere }
}

async function readWhole(subject: Subject, content: Descriptor): Promise<Uint8Array> {
  try {
    return await collect(subject.read(content))
  } catch (error) {
    throw tampered(subject, content, error)
  }
}

async function readThrough(subject: Subject, content: Descriptor): Promise<void> {
  try {
    for await (const _ of subject.read(content));
  } catch (error) {
    throw tampered(subject, content, error)
  }
}

function tampered(subject: Subject, { digest }: Descriptor, error: unknown): unknown {
  if (!hasCode(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) return error
  return invalidFiles(subject.kind, subject.where, `blob ${digest} holds other bytes than its name says`)
}

function incomplete({ kind, where }: Subject, { digest, mediaType }: Descriptor, by: string): SlipwayError {
  const what = isManifestType(mediaType) ? 'manifest' : 'blob'
  return new SlipwayError(
    kind === 'ARCHIVE' ? 'ARCHIVE_INCOMPLETE' : 'LAYOUT_INCOMPLETE',
    `${where}: ${what} ${digest}, which ${by} names, is missing`,
    { hint: 'Write it again where everything is, and bring it over whole.' },
  )
}

function nameOf(entry: Descriptor): string {
  return refName(entry) ?? `index.json (${entry.digest})`
}

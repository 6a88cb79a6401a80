import type { FileHandle } from 'node:fs/promises'
import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { type Digest, isDigest } from '../oci/digest.ts'
import { invalidFiles } from './file-failure.ts'

/** Where a file's bytes stand in the archive. */
export interface Span {
  readonly start: number
  readonly size: number
}

/** What of a layout an archive holds, by position; nothing is extracted. */
export interface Scanned {
  readonly marker: Span | undefined
  readonly index: Span | undefined
  readonly blobs: ReadonlyMap<Digest, Span>
}

const block = 512
/** Files of an archive; a blob each. */
const maxEntries = 200_000
/** Bytes of a long name or an extended header. */
const maxExtension = 1024 * 1024

/**
 * Reads every header of a tar once. Only regular files and folders belong into a layout: links, devices and
 * names that occur twice are refused, since another reader could see other content than this one.
 * @throws ARCHIVE_INVALID
 */
export async function scan(file: FileHandle, where: string): Promise<Scanned> {
  const { size: total } = await file.stat()
  const found = new Map<string, Span>()
  let extended: Extended = {}
  let entries = 0
  for (let at = 0; at < total; ) {
    const header = await headerAt(file, at, total, extended, where)
    if (header === undefined) break
    entries += 1
    if (entries > maxEntries) throw invalidFiles('ARCHIVE', where, `more than ${maxEntries} entries`)
    const size = header.size ?? 0
    const span = { start: at + block, size }
    const end = span.start + Math.ceil(size / block) * block
    if (!Number.isSafeInteger(end) || span.start + size > total)
      throw invalidFiles('ARCHIVE', where, 'it ends in the middle of a file')
    at = end
    if (isExtension(header.type)) {
      if (size > maxExtension) throw invalidFiles('ARCHIVE', where, `an extended header of ${size} bytes`)
      extended = extend(extended, header.type, await readSpan(file, span, where))
      continue
    }
    extended = {}
    place(found, header, span, where)
  }
  return {
    marker: found.get('oci-layout'),
    index: found.get('index.json'),
    blobs: new Map(
      [...found].flatMap(([path, span]) => (path.includes('/') ? [[digestIn(path), span]] : [])),
    ),
  }
}

/** A piece that was checked to lie inside the file. @throws ARCHIVE_INVALID when the file got shorter */
export async function readSpan(file: FileHandle, span: Span, where: string): Promise<Buffer> {
  const bytes = Buffer.alloc(span.size)
  for (let at = 0; at < span.size; ) {
    const { bytesRead } = await file.read(bytes, at, span.size - at, span.start + at)
    if (bytesRead === 0) throw invalidFiles('ARCHIVE', where, 'it ends too early')
    at += bytesRead
  }
  return bytes
}

type Extended = { path?: string; size?: number }

async function headerAt(
  file: FileHandle,
  at: number,
  total: number,
  extended: Extended,
  where: string,
): Promise<Header | undefined> {
  if (at + block > total) throw invalidFiles('ARCHIVE', where, 'it ends in the middle of a header')
  const bytes = await readSpan(file, { start: at, size: block }, where)
  const header = new Header(bytes, 0, extended)
  // The library puts the old header's prefix even before a path that an extended header gave as a whole.
  if (extended.path !== undefined && !isExtension(header.type)) header.path = extended.path
  if (header.nullBlock) return undefined
  if (!header.cksumValid) throw invalidFiles('ARCHIVE', where, fault(bytes, at))
  return header
}

function fault(bytes: Buffer, at: number): string {
  if (at > 0) return `a damaged header at byte ${at}`
  const magic = bytes.readUInt32BE(0)
  if (magic >>> 16 === 0x1f8b) return 'compressed with gzip; unpack it with gunzip first'
  if (magic === 0x28b52ffd) return 'compressed with zstd; unpack it with unzstd first'
  return 'not a tar archive'
}

function isExtension(type: string): boolean {
  return ['ExtendedHeader', 'OldExtendedHeader', 'GlobalExtendedHeader', 'NextFileHasLongPath'].includes(type)
}

function extend(before: Extended, type: string, bytes: Buffer): Extended {
  // What holds for all files says nothing about content.
  if (type === 'GlobalExtendedHeader') return before
  if (type === 'NextFileHasLongPath') return { ...before, path: bytes.toString('utf8').replace(/\0.*$/s, '') }
  const { path, size } = Pax.parse(bytes.toString('utf8'))
  return { ...before, ...(path !== undefined && { path }), ...(size !== undefined && { size }) }
}

function place(found: Map<string, Span>, header: Header, span: Span, where: string): void {
  const path = (header.path ?? '').replace(/^(?:\.\/)+/, '')
  if (header.type === 'Directory') return
  if (header.type !== 'File' && header.type !== 'OldFile' && header.type !== 'ContiguousFile')
    throw invalidFiles('ARCHIVE', where, `${JSON.stringify(path.slice(0, 200))} is no regular file`)
  if (path !== 'oci-layout' && path !== 'index.json' && !isDigest(digestIn(path))) return
  if (found.has(path)) throw invalidFiles('ARCHIVE', where, `${path} is there twice`)
  found.set(path, span)
}

function digestIn(path: string): Digest {
  const [, algorithm, encoded] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  return `${algorithm}:${encoded}` as Digest
}

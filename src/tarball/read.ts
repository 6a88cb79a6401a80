import { Header, type HeaderData } from 'tar/header'
import { Pax } from 'tar/pax'
import { badInput } from '../core/error.ts'
import { BlockReader } from './blocks.ts'
import { type ArchiveLimits, defaultArchiveLimits, unpacked } from './unpack.ts'

export type TarEntryType = 'file' | 'folder' | 'symlink' | 'hardlink'

/** One entry of an archive, as it says of itself: nothing here has been checked. */
export interface TarEntry {
  readonly type: TarEntryType
  readonly path: string
  /** Target of a link; empty for others. */
  readonly link: string
  /** Bytes of the body. */
  readonly size: number
  readonly executable: boolean
  /** The body, once, before the next entry is asked for; what is not read is skipped. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface ReadOptions {
  /** For messages: which archive. */
  readonly name: string
  readonly limits?: Partial<ArchiveLimits>
  readonly signal?: AbortSignal
}

const types: Readonly<Record<string, TarEntryType>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'folder',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
}

/** Bytes of a pax header or a long name. */
const mostMeta = 1024 * 1024

/**
 * The entries of a tar or tar.gz (POSIX ustar and pax, GNU long names), in constant memory.
 * @throws ARCHIVE_DAMAGED, ARCHIVE_TOO_LARGE, ARCHIVE_UNSAFE for devices, pipes and unknown types
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<TarEntry> {
  const { name, signal } = options
  const limits = { ...defaultArchiveLimits, ...options.limits }
  const blocks = new BlockReader(unpacked(source, name, limits), name)
  try {
    let global: HeaderData | undefined
    let local: HeaderData | undefined
    for (let count = 0; ; ) {
      signal?.throwIfAborted()
      const block = await blocks.block()
      if (block.every((byte) => byte === 0)) break
      const header = new Header(block, 0, local, global)
      if (!header.cksumValid) throw damaged(name, 'a header has a wrong checksum')
      const { size, path, type } = header
      if (size === undefined || !Number.isSafeInteger(size) || path === undefined || path === '')
        throw damaged(name, 'a header has no path or size')
      if (isMeta(type)) {
        if (size > mostMeta) throw damaged(name, `a header is larger than ${mostMeta} bytes`)
        const text = (await blocks.whole(size)).toString('utf8')
        if (type === 'GlobalExtendedHeader') global = Pax.parse(text, global, true)
        else if (type === 'NextFileHasLongLinkpath') local = { ...local, linkpath: untilNul(text) }
        else if (type === 'NextFileHasLongPath' || type === 'OldGnuLongPath')
          local = { ...local, path: untilNul(text) }
        else local = Pax.parse(text, local, false)
        continue
      }
      local = undefined
      const known = types[type]
      if (known === undefined)
        throw badInput('ARCHIVE_UNSAFE', `${name}: ${JSON.stringify(path.slice(0, 300))} is a ${type}`, {
          hint: 'Only files, folders and links are unpacked.',
        })
      if (++count > limits.files)
        throw badInput('ARCHIVE_TOO_LARGE', `${name} has more than ${limits.files} entries`)
      const body = known === 'file' ? blocks.body(size) : blocks.body(0)
      yield {
        type: known,
        path,
        link: header.linkpath ?? '',
        size: known === 'file' ? size : 0,
        executable: ((header.mode ?? 0) & 0o100) !== 0,
        body,
      }
      await blocks.skip()
    }
    // To its end, so that the source can check its digest and size.
    await blocks.drain()
  } finally {
    await blocks.close()
  }
}

function isMeta(type: string): boolean {
  return /ExtendedHeader$|^NextFileHasLong|^OldGnuLongPath$/.test(type)
}

function untilNul(text: string): string {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

export function damaged(name: string, what: string, cause?: unknown) {
  return badInput('ARCHIVE_DAMAGED', `${name} is not a whole tar archive: ${what}`, {
    hint: 'Fetch it again; if it stays so, it was packed wrongly.',
    ...(cause === undefined ? {} : { cause }),
  })
}

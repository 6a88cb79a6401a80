import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { badInput, SlipwayError } from '../core/error.ts'
import { linkFault } from '../tree/links.ts'
import { checkPath, comparePaths } from '../tree/path.ts'
import type { TreeFile } from '../tree/tree.ts'

const block = 512
const ending = Buffer.alloc(2 * block)

/**
 * Sorts entries by the bytes of their paths and checks that they can stand in one archive.
 * @throws PATH_UNSAFE, TREE_PATH_TWICE, TREE_LINK_ESCAPES
 */
export function arrange(files: readonly TreeFile[], where: string): TreeFile[] {
  const sorted = [...files].sort((a, b) => comparePaths(a.path, b.path))
  const links = new Map<string, string>()
  const paths = new Set<string>()
  for (const { path, link } of sorted) {
    checkPath(path, where)
    if (paths.has(path)) throw badInput('TREE_PATH_TWICE', `${where}: ${path} stands there twice`)
    paths.add(path)
    if (link !== undefined) links.set(path, link)
  }
  for (const [path, link] of links) {
    const fault = linkFault(path, links)
    if (fault !== undefined)
      throw badInput(
        'TREE_LINK_ESCAPES',
        `${where}: symbolic link ${path} → ${JSON.stringify(link)} ${fault}`,
        {
          hint: 'Link to something inside the folder with a relative path, or put the file itself there.',
        },
      )
  }
  return sorted
}

/**
 * The tar of arranged entries: ustar, with a pax header only where a path, link or size does not fit;
 * owner 0 without names, modes 644 and 755, every time `seconds` since 1970. Folders have no entries of
 * their own: git knows none, so an archive of a commit and one of its working tree stay equal, and readers
 * make parents as needed.
 * @throws TREE_FILE_CHANGED when a file is not as long as it said
 */
export async function* writeTar(entries: Iterable<TreeFile>, seconds: number): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield entryHeader(entry, seconds)
    if (entry.link !== undefined) continue
    let size = 0
    for await (const chunk of entry.open()) {
      size += chunk.byteLength
      if (size > entry.size) break
      yield chunk
    }
    if (size !== entry.size) throw changed(entry.path)
    const rest = padding(size)
    if (rest > 0) yield ending.subarray(0, rest)
  }
  yield ending
}

/** The same bytes at once, for files that are already in memory. */
export function writeTarSync(
  entries: Iterable<{ readonly entry: TreeFile; readonly bytes: Uint8Array }>,
  seconds: number,
): Buffer {
  const parts: Uint8Array[] = []
  for (const { entry, bytes } of entries) {
    parts.push(entryHeader(entry, seconds))
    if (entry.link !== undefined) continue
    if (bytes.byteLength !== entry.size) throw changed(entry.path)
    parts.push(bytes, ending.subarray(0, padding(entry.size)))
  }
  parts.push(ending)
  return Buffer.concat(parts)
}

function entryHeader(entry: TreeFile, seconds: number): Buffer {
  const mtime = new Date(seconds * 1000)
  const fields = {
    path: entry.path,
    mode: entry.executable || entry.link !== undefined ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: entry.link === undefined ? entry.size : 0,
    mtime,
    type: entry.link === undefined ? ('File' as const) : ('SymbolicLink' as const),
    linkpath: entry.link ?? '',
    uname: '',
    gname: '',
    devmaj: 0,
    devmin: 0,
  }
  const header = new Header(fields)
  const needsPax = header.encode()
  const bytes = header.block ?? Buffer.alloc(0)
  if (!needsPax) return bytes
  // Only what does not fit: a pax record for the rest would say the same thing twice.
  const pax = new Pax({
    path: entry.path,
    ...(entry.link === undefined ? {} : { linkpath: entry.link }),
    ...(fields.size > 0o77777777777 ? { size: fields.size } : {}),
    uid: 0,
    gid: 0,
    mtime,
  })
  return Buffer.concat([pax.encode(), bytes])
}

function padding(size: number): number {
  return (block - (size % block)) % block
}

function changed(path: string) {
  return new SlipwayError('TREE_FILE_CHANGED', `${path} changed while it was packed`, {
    hint: 'Run again once nothing writes to the folder.',
  })
}

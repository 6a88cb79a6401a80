import { constants, createWriteStream } from 'node:fs'
import { copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { badInput, refused } from '../core/error.ts'
import { linkFault } from '../tree/links.ts'
import { pathFault } from '../tree/path.ts'
import { type ReadOptions, readTar, type TarEntry } from './read.ts'
import { defaultArchiveLimits } from './unpack.ts'

export interface ExtractOptions extends ReadOptions {
  /** Whether a folder that is not empty gives way; it stays whole until the new one is. */
  readonly replace?: boolean
  /** Looks at what was unpacked before it takes its name; where this throws, there is nothing. */
  readonly check?: (folder: string) => Promise<void>
}

export interface Extracted {
  /** Files and links. */
  readonly files: number
  /** Bytes of all files. */
  readonly bytes: number
}

/**
 * Unpacks a tar or tar.gz into a folder, all or nothing: everything is written into a folder beside it that
 * takes its name at the end. Modes become 644 or 755, owners and times are the caller's. Symbolic links are
 * made last and only when none of them leads out; nothing is ever written through one.
 * @throws ARCHIVE_UNSAFE, ARCHIVE_DAMAGED, ARCHIVE_TOO_LARGE, FOLDER_NOT_EMPTY
 */
export async function extract(
  source: AsyncIterable<Uint8Array>,
  dir: string,
  options: ExtractOptions,
): Promise<Extracted> {
  const target = resolve(dir)
  if (options.replace !== true && (await isFilled(target))) throw notEmpty(target)
  await mkdir(dirname(target), { recursive: true })
  const beside = await mkdtemp(join(dirname(target), `.${basename(target)}.`))
  try {
    const fresh = join(beside, 'new')
    await mkdir(fresh, { mode: 0o755 })
    const extracted = await unpackInto(source, fresh, options)
    await options.check?.(fresh)
    await swap(fresh, target, join(beside, 'old'), options.replace === true)
    return extracted
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

async function unpackInto(
  source: AsyncIterable<Uint8Array>,
  root: string,
  options: ExtractOptions,
): Promise<Extracted> {
  const { name } = options
  const files = new Map<string, number>()
  const folders = new Set<string>()
  const links = new Map<string, string>()
  const most = options.limits?.bytes ?? defaultArchiveLimits.bytes
  let bytes = 0
  const add = (size: number) => {
    bytes += size
    if (bytes > most) throw badInput('ARCHIVE_TOO_LARGE', `${name} unpacks to more than ${most} bytes`)
  }
  for await (const entry of readTar(source, options)) {
    const path = normalPath(entry, name)
    if (path === '') continue
    if (files.has(path) || links.has(path) || (folders.has(path) && entry.type !== 'folder'))
      throw unsafe(name, path, 'stands there twice')
    await makeParents(root, path, { files, folders, links }, name, entry.type === 'folder')
    if (entry.type === 'symlink') links.set(path, entry.link)
    if (entry.type === 'file') {
      add(entry.size)
      const mode = entry.executable ? 0o755 : 0o644
      await pipeline(entry.body, createWriteStream(join(root, path), { flags: 'wx', mode }), {
        signal: options.signal,
      })
      files.set(path, entry.size)
    }
    if (entry.type === 'hardlink') {
      const of = normalLink(entry.link)
      const size = files.get(of)
      if (size === undefined)
        throw unsafe(name, path, 'is a hard link to something that is not in the archive')
      add(size)
      await copyFile(join(root, of), join(root, path), constants.COPYFILE_EXCL)
      files.set(path, size)
    }
  }
  for (const [path, link] of links) {
    const fault = linkFault(path, links)
    if (fault !== undefined) throw unsafe(name, path, `is a symbolic link that ${fault}`)
    if (folders.has(path)) throw unsafe(name, path, 'is both a link and a folder')
    await symlink(link, join(root, path))
  }
  return { files: files.size + links.size, bytes }
}

interface Known {
  readonly files: ReadonlyMap<string, number>
  readonly folders: Set<string>
  readonly links: ReadonlyMap<string, string>
}

/** Makes the folders above an entry (and itself, for a folder), none of which may be a file or a link. */
async function makeParents(
  root: string,
  path: string,
  known: Known,
  name: string,
  itself: boolean,
): Promise<void> {
  const parts = path.split('/')
  const deepest = itself ? parts.length : parts.length - 1
  const missing: string[] = []
  for (let depth = 1; depth <= deepest; depth++) {
    const folder = parts.slice(0, depth).join('/')
    if (known.files.has(folder) || known.links.has(folder))
      throw unsafe(name, path, `stands under ${folder}, which is not a folder`)
    if (!known.folders.has(folder)) missing.push(folder)
  }
  for (const folder of missing) {
    await mkdir(join(root, folder), { mode: 0o755 })
    known.folders.add(folder)
  }
}

/** Drops `./` and a folder's closing slash; an archive's own root becomes empty. */
function normalPath(entry: TarEntry, name: string): string {
  const path = normalLink(entry.type === 'folder' ? entry.path.replace(/\/+$/, '') : entry.path)
  if (path === '' || path === '.') {
    if (entry.type === 'folder') return ''
    throw unsafe(name, entry.path, 'has no name')
  }
  const fault = pathFault(path)
  if (fault !== undefined) throw unsafe(name, entry.path, fault)
  return path
}

function normalLink(path: string): string {
  return path.replace(/^(?:\.\/+)+/, '')
}

async function swap(fresh: string, target: string, aside: string, replace: boolean): Promise<void> {
  if (!(await isFilled(target))) {
    await rmdir(target).catch(() => {})
    await rename(fresh, target)
    return
  }
  if (!replace) throw notEmpty(target)
  await rename(target, aside)
  try {
    await rename(fresh, target)
  } catch (error) {
    await rename(aside, target)
    throw error
  }
}

/** Whether something stands there that is not an empty folder; a symbolic link always counts. */
async function isFilled(target: string): Promise<boolean> {
  const found = await lstat(target).catch(() => undefined)
  if (found === undefined) return false
  return !found.isDirectory() || (await readdir(target)).length > 0
}

function notEmpty(target: string) {
  return refused('FOLDER_NOT_EMPTY', `${target} exists and is not an empty folder`, {
    hint: 'Choose another folder, or allow replacing it.',
  })
}

function unsafe(name: string, path: string, what: string) {
  return badInput('ARCHIVE_UNSAFE', `${name}: entry ${JSON.stringify(path.slice(0, 300))} ${what}`, {
    hint: 'The archive is damaged or hostile; nothing was unpacked.',
  })
}

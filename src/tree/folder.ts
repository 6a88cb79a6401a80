import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../core/error.ts'
import { checkPath, pathFault } from './path.ts'
import type { Tree, TreeFile } from './tree.ts'

export interface FolderOptions {
  /** For messages; default: the folder's path. */
  readonly name?: string
  readonly signal?: AbortSignal
}

/**
 * A working folder as it is now. `.git` is left out at every depth, symbolic links are reported and never
 * followed. The folder itself may be a symbolic link.
 * @throws FOLDER_MISSING, FOLDER_UNREADABLE, TREE_SPECIAL_FILE, PATH_UNSAFE
 */
export function folderTree(dir: string, options: FolderOptions = {}): Tree {
  const name = options.name ?? dir
  return {
    name,
    files: () => walk(dir, '', name, options.signal),
    async file(path) {
      if (pathFault(path) !== undefined || path.split('/').includes('.git')) return undefined
      const parts = path.split('/')
      for (let depth = 1; depth < parts.length; depth++) {
        const parent = await statOf(join(dir, ...parts.slice(0, depth)))
        if (parent === undefined || !parent.isDirectory()) return undefined
      }
      const stat = await statOf(join(dir, path))
      return stat === undefined || stat.isDirectory() ? undefined : describe(dir, path, name)
    },
  }
}

async function* walk(
  dir: string,
  under: string,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TreeFile> {
  signal?.throwIfAborted()
  for (const entry of await list(join(dir, under), name)) {
    if (entry.name === '.git') continue
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    checkPath(path, name)
    if (entry.isDirectory()) yield* walk(dir, path, name, signal)
    else yield await describe(dir, path, name)
  }
}

async function list(dir: string, name: string) {
  try {
    return await readdir(dir, { withFileTypes: true })
  } catch (cause) {
    throw unreadable(dir, name, cause)
  }
}

async function describe(dir: string, path: string, name: string): Promise<TreeFile> {
  const file = join(dir, path)
  try {
    const stat = await lstat(file)
    if (stat.isSymbolicLink())
      return { path, executable: false, size: 0, link: await readlink(file), open: nothing }
    if (stat.isFile())
      return {
        path,
        executable: (stat.mode & 0o100) !== 0,
        size: stat.size,
        open: () => read(file, stat.size, path, name),
      }
  } catch (cause) {
    throw unreadable(file, name, cause)
  }
  throw badInput('TREE_SPECIAL_FILE', `${name}: ${path} is neither a file nor a symbolic link`, {
    hint: 'Remove the socket, pipe or device from the folder.',
  })
}

/** Exactly the bytes that were announced: a file that changes meanwhile must not shift what follows it. */
async function* read(file: string, size: number, path: string, name: string): AsyncGenerator<Uint8Array> {
  let seen = 0
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 64 * 1024 })) {
      const bytes = chunk as Buffer
      seen += bytes.byteLength
      if (seen > size) break
      yield bytes
    }
  } catch (cause) {
    throw unreadable(file, name, cause)
  }
  if (seen !== size)
    throw badInput('TREE_FILE_CHANGED', `${name}: ${path} changed while it was read`, {
      hint: 'Run again once nothing writes to the folder.',
    })
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function statOf(file: string) {
  return await lstat(file).catch(() => undefined)
}

function unreadable(file: string, name: string, cause: unknown) {
  const missing =
    (cause as NodeJS.ErrnoException).code === 'ENOENT' || (cause as NodeJS.ErrnoException).code === 'ENOTDIR'
  return badInput(
    missing ? 'FOLDER_MISSING' : 'FOLDER_UNREADABLE',
    missing ? `${name}: there is no folder or file ${file}` : `${name}: ${file} cannot be read`,
    { cause, hint: missing ? 'Check the path.' : 'Check who owns it and its permissions.' },
  )
}

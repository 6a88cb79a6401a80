import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { comparePaths } from '../tree/path.ts'

/** One file or link of an installed package, as it was when it was installed. */
export type InstalledFile =
  | { readonly path: string; readonly sha256: string; readonly mode: '644' | '755' }
  | { readonly path: string; readonly link: string }

/** What a folder holds that its receipt does not say. */
export interface Differences {
  /** Files that have other content, another mode, or are gone. */
  readonly changed: readonly string[]
  /** Files that nobody installed. */
  readonly added: readonly string[]
}

/** Files digested at once. */
const concurrency = 8

/** Every file and link below a folder, sorted; follows none. Pipes and the like count as links to nothing. */
export async function listFiles(folder: string, signal?: AbortSignal): Promise<InstalledFile[]> {
  const paths: string[] = []
  const walk = async (below: string) => {
    for (const one of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? one.name : `${below}/${one.name}`
      if (one.isDirectory()) await walk(path)
      else paths.push(path)
    }
  }
  await walk('')
  return await mapConcurrent(paths.sort(comparePaths), concurrency, async (path) => {
    const at = join(folder, path)
    const found = await lstat(at)
    if (found.isSymbolicLink()) return { path, link: await readlink(at) }
    if (!found.isFile()) return { path, link: '' }
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(at, { ...(signal && { signal }) })) hash.update(chunk)
    // Modes are the caller's umask's business but for this.
    return { path, sha256: hash.digest('hex'), mode: (found.mode & 0o100) === 0 ? '644' : '755' }
  })
}

export function compareFiles(
  recorded: readonly InstalledFile[],
  found: readonly InstalledFile[],
): Differences {
  const rest = new Map(found.map((one) => [one.path, one]))
  const changed: string[] = []
  for (const was of recorded) {
    const is = rest.get(was.path)
    rest.delete(was.path)
    if (is === undefined || !isSame(was, is)) changed.push(was.path)
  }
  return { changed, added: [...rest.keys()] }
}

function isSame(a: InstalledFile, b: InstalledFile): boolean {
  if ('link' in a || 'link' in b) return 'link' in a && 'link' in b && a.link === b.link
  return a.sha256 === b.sha256 && a.mode === b.mode
}

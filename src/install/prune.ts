import { readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sidecarOf } from './cached-file.ts'

export interface PruneOptions {
  /** Milliseconds since a package was last used, after which it goes. */
  readonly olderThan?: number
  /** Bytes that may stay. */
  readonly maxBytes?: number
}

export interface Pruned {
  /** Packages that went. */
  readonly removed: number
  /** Bytes of them. */
  readonly freed: number
  /** Bytes that stayed. */
  readonly kept: number
}

interface Entry {
  readonly path: string
  readonly size: number
  /** Milliseconds since 1970 when it was last used. */
  readonly used: number
}

/** Where packages stand in a cache, `*` for any folder; nothing else in it is touched. */
const places = [
  { folder: 'kcl', levels: 2, file: 'package.tar.gz' },
  { folder: 'extensions', levels: 3, file: 'artifact.tar.gz' },
]

/** See `PackageCache.prune`; `now` in milliseconds since 1970. */
export async function pruneCache(
  dir: string,
  { olderThan = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY }: PruneOptions,
  now: number,
): Promise<Pruned> {
  const entries = (await entriesOf(dir)).sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1))
  let kept = entries.reduce((sum, { size }) => sum + size, 0)
  let removed = 0
  let freed = 0
  for (const { path, size, used } of entries) {
    if (now - used <= olderThan && kept <= maxBytes) continue
    await rm(sidecarOf(path), { force: true })
    await rm(path, { force: true })
    // The folders of its version and its name, where nothing else is in them.
    await rmdir(dirname(path))
      .then(() => rmdir(dirname(dirname(path))))
      .catch(() => {})
    removed++
    freed += size
    kept -= size
  }
  return { removed, freed, kept }
}

async function entriesOf(dir: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const { folder, levels, file } of places) {
    let folders = [join(dir, folder)]
    for (let level = 0; level < levels; level++) folders = (await Promise.all(folders.map(foldersIn))).flat()
    for (const one of folders) {
      const path = join(one, file)
      const found = await stat(path).catch(() => undefined)
      if (found?.isFile()) entries.push({ path, size: found.size, used: found.mtimeMs })
    }
  }
  return entries
}

/** Real folders only: a link could lead anywhere. */
async function foldersIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return found.filter((one) => one.isDirectory()).map((one) => join(folder, one.name))
}

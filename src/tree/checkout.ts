import { createWriteStream } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { mapConcurrent } from '../core/concurrent.ts'
import { checkPath } from './path.ts'
import type { Tree, TreeFile } from './tree.ts'

/**
 * Writes a tree's files into a new folder, executable bits and links included, so that programs can work
 * on them. Links are made last, so that none of them can lead a file astray.
 * @throws PATH_UNSAFE and what the file system throws
 */
export async function checkOut(tree: Tree, dir: string, signal?: AbortSignal): Promise<void> {
  const files: TreeFile[] = []
  for await (const file of tree.files()) {
    checkPath(file.path, tree.name)
    files.push(file)
  }
  const folders = new Set(files.map((file) => dirname(join(dir, file.path))))
  for (const folder of [dir, ...folders]) await mkdir(folder, { recursive: true })
  await mapConcurrent(
    files.filter((file) => file.link === undefined),
    8,
    async (file) => {
      signal?.throwIfAborted()
      const mode = file.executable ? 0o755 : 0o644
      await pipeline(
        Readable.from(file.open()),
        createWriteStream(join(dir, file.path), { mode, flags: 'wx' }),
      )
    },
  )
  for (const file of files) if (file.link !== undefined) await symlink(file.link, join(dir, file.path))
}

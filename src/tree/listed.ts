import { comparePaths } from './path.ts'
import type { Tree, TreeFile } from './tree.ts'

/**
 * A tree listed once, from which folders are cut without listing it again: a repository of a hundred
 * packages is walked once, not a hundred times. Files that appear later are not seen.
 */
export async function listed(tree: Tree): Promise<Tree> {
  const files: TreeFile[] = []
  for await (const file of tree.files()) files.push(file)
  files.sort((a, b) => comparePaths(a.path, b.path))
  const byPath = new Map(files.map((file) => [file.path, file]))
  return {
    ...tree,
    async *files() {
      yield* files
    },
    file: async (path) => byPath.get(path),
    under: (prefix) => {
      const from = firstFrom(files, prefix)
      let to = from
      while (files[to]?.path.startsWith(prefix)) to++
      return files.slice(from, to)
    },
  }
}

/** Index of the first file whose path does not come before `prefix`. */
function firstFrom(files: readonly TreeFile[], prefix: string): number {
  let [low, high] = [0, files.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (comparePaths(files[middle]?.path ?? '', prefix) < 0) low = middle + 1
    else high = middle
  }
  return low
}

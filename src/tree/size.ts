import type { Tree } from './tree.ts'

/** Bytes of all files of some trees. */
export async function treeSize(trees: readonly Tree[]): Promise<number> {
  let bytes = 0
  for (const tree of trees) for await (const file of tree.files()) bytes += file.size
  return bytes
}

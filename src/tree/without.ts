import type { Tree } from './tree.ts'

/** A tree less some paths; one that ends in `/` stands for everything below it. */
export function without(tree: Tree, paths: readonly string[]): Tree {
  if (paths.length === 0) return tree
  const files = new Set(paths)
  const folders = paths.filter((path) => path.endsWith('/'))
  const out = (path: string) => files.has(path) || folders.some((folder) => path.startsWith(folder))
  return {
    ...tree,
    async *files() {
      for await (const file of tree.files()) if (!out(file.path)) yield file
    },
    file: async (path) => (out(path) ? undefined : await tree.file(path)),
  }
}

import type { Tree, TreeFile } from './tree.ts'

/** What stands under one folder of a tree, with paths relative to that folder. */
export function subtree(tree: Tree, folder: string): Tree {
  const prefix = folder === '' ? '' : `${folder.replace(/\/+$/, '')}/`
  if (prefix === '') return tree
  const { under: _, ...rest } = tree
  const moved = (file: TreeFile): TreeFile => ({ ...file, path: file.path.slice(prefix.length) })
  return {
    ...rest,
    name: `${tree.name}, ${folder}`,
    async *files() {
      if (tree.under !== undefined) {
        for (const file of tree.under(prefix)) yield moved(file)
        return
      }
      for await (const file of tree.files()) if (file.path.startsWith(prefix)) yield moved(file)
    },
    async file(path) {
      const file = await tree.file(prefix + path)
      return file === undefined ? undefined : moved(file)
    },
  }
}

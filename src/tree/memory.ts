import type { Tree, TreeFile } from './tree.ts'

/** What a file in memory is made of: text, bytes, an executable or a link. */
export type MemoryFile =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly executable: true }
  | { readonly link: string }

/** A tree made of values: for generated packages and tests. */
export function memoryTree(
  files: Readonly<Record<string, MemoryFile>>,
  about: Partial<Pick<Tree, 'name' | 'commit' | 'time'>> = {},
): Tree {
  const all = new Map(Object.entries(files).map(([path, file]) => [path, treeFile(path, file)]))
  return {
    name: 'memory',
    ...about,
    async *files() {
      yield* all.values()
    },
    file: async (path) => all.get(path),
  }
}

function treeFile(path: string, file: MemoryFile): TreeFile {
  if (typeof file === 'object' && 'link' in file)
    return { path, executable: false, size: 0, link: file.link, async *open() {} }
  const plain = typeof file === 'string' || file instanceof Uint8Array
  const content = plain ? file : file.content
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return {
    path,
    executable: !plain,
    size: bytes.byteLength,
    async *open() {
      yield bytes
    },
  }
}

import { badInput } from '../core/error.ts'
import type { Tree, TreeFile } from './tree.ts'

/** Bytes of a file that is read whole when nothing else is said. */
export const textLimit = 1024 * 1024

/**
 * A file's whole bytes. @throws FILE_TOO_LARGE beyond `limit` bytes
 */
export async function readBytes(file: TreeFile, where: string, limit: number): Promise<Buffer> {
  if (file.size > limit) throw tooLarge(file.path, where, limit)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of file.open()) {
    size += chunk.byteLength
    if (size > limit) throw tooLarge(file.path, where, limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 && Buffer.isBuffer(chunks[0]) ? chunks[0] : Buffer.concat(chunks)
}

/**
 * A regular file as text without its byte order mark; undefined when the tree has none of that path.
 * @throws FILE_TOO_LARGE, FILE_NOT_UTF8, FILE_IS_LINK
 */
export async function readText(tree: Tree, path: string, limit = textLimit): Promise<string | undefined> {
  const file = await tree.file(path)
  if (file === undefined) return undefined
  if (file.link !== undefined)
    throw badInput('FILE_IS_LINK', `${tree.name}: ${path} is a symbolic link`, {
      hint: 'Put the file itself there.',
    })
  const bytes = await readBytes(file, tree.name, limit)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw badInput('FILE_NOT_UTF8', `${tree.name}: ${path} is not UTF-8 text`, {
      cause,
      hint: 'Save it as UTF-8.',
    })
  }
}

function tooLarge(path: string, where: string, limit: number) {
  return badInput('FILE_TOO_LARGE', `${where}: ${path} is larger than ${limit} bytes`, {
    hint: 'Such a file is read whole; make it smaller.',
  })
}

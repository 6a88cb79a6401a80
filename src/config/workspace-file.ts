import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { badInput, messageOf } from '../core/error.ts'
import { largestYaml } from '../extension/yaml.ts'

/** A workspace file that was found. */
export interface WorkspaceFile {
  /** Absolute. */
  readonly path: string
  /** Relative to `-C` where it lies below. */
  readonly name: string
  /** The workspace: the folder that holds `config/`, or the file's own where it lies elsewhere. */
  readonly root: string
  readonly content: Uint8Array
}

/** Where the file is looked for, relative to `-C`: from the project, and from the workspace itself. */
const places: readonly string[] = ['workspace/config/provisioning.yaml', 'config/provisioning.yaml']

/**
 * The file itself, without reading what it says.
 * @throws WORKSPACE_MISSING for a named file that is not there, WORKSPACE_UNREADABLE
 */
export async function findWorkspace(directory: string, named?: string): Promise<WorkspaceFile | undefined> {
  for (const path of named === undefined ? places.map((place) => join(directory, place)) : [named]) {
    const content = await contentOf(path)
    if (content === undefined) continue
    const below = relative(directory, path)
    const folder = dirname(path)
    return {
      path,
      content,
      name: below.startsWith('..') ? path : below.split(sep).join('/'),
      root: basename(folder) === 'config' ? dirname(folder) : folder,
    }
  }
  if (named === undefined) return undefined
  throw badInput('WORKSPACE_MISSING', `${named} does not exist`, {
    hint: 'Check the path of the workspace file.',
  })
}

async function contentOf(path: string): Promise<Uint8Array | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new Error('it is not a file')
    if (found.size > largestYaml)
      throw new Error(`it has ${found.size} bytes; at most ${largestYaml} are read`)
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return undefined
    throw badInput('WORKSPACE_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

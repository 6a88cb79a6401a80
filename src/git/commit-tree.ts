import { badInput } from '../core/error.ts'
import { checkPath } from '../tree/path.ts'
import type { Tree, TreeFile } from '../tree/tree.ts'
import { missing, type Objects } from './objects.ts'

/** A commit by its full id. */
export interface Commit {
  readonly id: string
  /** Committer time. */
  readonly time: Date
  /** Object id of its root tree. */
  readonly tree: string
}

const pointerStart = 'version https://git-lfs.github.com/spec/v1\n'
/** Bytes of the largest symbolic link target and of the largest tree object read. */
const linkLimit = 4096
const treeLimit = 64 * 1024 * 1024

/** @throws GIT_COMMIT_INVALID */
export async function readCommit(objects: Objects, id: string): Promise<Commit> {
  const text = (await objects.read(id)).toString('utf8')
  const head = text.slice(0, text.indexOf('\n\n') < 0 ? text.length : text.indexOf('\n\n'))
  const tree = /^tree ([0-9a-f]{40,64})$/m.exec(head)?.[1]
  const seconds = /^committer .* (-?[0-9]+) [+-][0-9]{4}$/m.exec(head)?.[1]
  if (tree === undefined || seconds === undefined)
    throw badInput('GIT_COMMIT_INVALID', `Commit ${id} has no tree or committer time`)
  return { id, tree, time: new Date(Number(seconds) * 1000) }
}

/**
 * One folder of a commit, as git's objects have it: no line-end conversion, no filters. Files are listed
 * once, when first asked for.
 * @throws GIT_SUBMODULE, GIT_LFS_POINTER (when such a file is read), GIT_OBJECT_MISSING, PATH_UNSAFE
 */
export function commitTree(
  objects: Objects,
  root: string,
  commit: Commit,
  start: string,
  folder: string,
): Tree {
  const name = `${folder === '' ? root : folder} at ${commit.id.slice(0, 12)}`
  let listed: Promise<Map<string, TreeFile>> | undefined
  const list = () => {
    listed ??= listAll(objects, root, start, name)
    return listed
  }
  return {
    name,
    commit: commit.id,
    time: commit.time,
    async *files() {
      yield* (await list()).values()
    },
    file: async (path) => (await list()).get(path),
  }
}

/** The object id of a folder's tree; undefined when the commit has no such folder. */
export async function findFolder(
  objects: Objects,
  root: string,
  tree: string,
  folder: string,
): Promise<string | undefined> {
  let here = tree
  for (const part of folder.split('/')) {
    if (part === '' || part === '.') continue
    const next = (await readTree(objects, root, here)).find((entry) => entry.name === part)
    if (next === undefined || next.mode !== '40000') return undefined
    here = next.id
  }
  return here
}

async function listAll(
  objects: Objects,
  root: string,
  start: string,
  name: string,
): Promise<Map<string, TreeFile>> {
  const files = new Map<string, TreeFile>()
  const walk = async (tree: string, under: string): Promise<void> => {
    // All questions of one folder at once: the answers come back in one go.
    await Promise.all(
      (await readTree(objects, root, tree)).map(async (entry) => {
        const path = under === '' ? entry.name : `${under}/${entry.name}`
        checkPath(path, name)
        if (entry.mode === '40000') await walk(entry.id, path)
        else files.set(path, await describe(objects, root, entry, path, name))
      }),
    )
  }
  await walk(start, '')
  return files
}

async function describe(
  objects: Objects,
  root: string,
  entry: TreeEntry,
  path: string,
  name: string,
): Promise<TreeFile> {
  if (entry.mode === '160000')
    throw badInput('GIT_SUBMODULE', `${name}: ${path} is a submodule`, {
      hint: 'A package holds files only: copy them in, or release the submodule on its own.',
    })
  const info = await objects.info(entry.id)
  if (info === undefined) throw missing(entry.id, root)
  if (entry.mode === '120000') {
    if (info.size > linkLimit)
      throw badInput('TREE_LINK_ESCAPES', `${name}: the target of symbolic link ${path} is too long`)
    const link = (await objects.read(entry.id)).toString('utf8')
    return { path, executable: false, size: 0, link, async *open() {} }
  }
  return {
    path,
    executable: entry.mode === '100755',
    size: info.size,
    async *open() {
      let first = true
      for await (const chunk of objects.open(info)) {
        if (first && info.size < 1024 && startsWithPointer(chunk)) throw pointer(name, path)
        first = false
        yield chunk
      }
    },
  }
}

interface TreeEntry {
  /** Octal, without leading zeros. */
  readonly mode: string
  readonly name: string
  readonly id: string
}

/** Folders that commits have in common are read once. */
const known = new WeakMap<Objects, Map<string, Promise<readonly TreeEntry[]>>>()

function readTree(objects: Objects, root: string, id: string): Promise<readonly TreeEntry[]> {
  const trees = known.get(objects) ?? new Map<string, Promise<readonly TreeEntry[]>>()
  known.set(objects, trees)
  const entries = trees.get(id) ?? parseTree(objects, root, id)
  trees.set(id, entries)
  return entries
}

/** Reads a tree object: `mode SP name NUL id`, repeated. */
async function parseTree(objects: Objects, root: string, id: string): Promise<TreeEntry[]> {
  const info = await objects.info(id)
  if (info === undefined || info.type !== 'tree') throw missing(id, root)
  if (info.size > treeLimit)
    throw badInput('GIT_TREE_TOO_LARGE', `${root}: tree ${id} is larger than ${treeLimit} bytes`)
  const bytes = await objects.read(id)
  const idLength = id.length / 2
  const entries: TreeEntry[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const space = bytes.indexOf(0x20, at)
    const nul = bytes.indexOf(0, space)
    entries.push({
      mode: bytes.toString('latin1', at, space),
      name: bytes.toString('utf8', space + 1, nul),
      id: bytes.toString('hex', nul + 1, nul + 1 + idLength),
    })
    at = nul + 1 + idLength
  }
  return entries
}

function startsWithPointer(chunk: Uint8Array): boolean {
  return Buffer.from(chunk.subarray(0, pointerStart.length)).toString('latin1') === pointerStart
}

function pointer(name: string, path: string) {
  return badInput('GIT_LFS_POINTER', `${name}: ${path} is a Git LFS pointer, not the file itself`, {
    hint: 'Take the file out of LFS (git lfs migrate export), or package a checked-out folder instead of a commit.',
  })
}

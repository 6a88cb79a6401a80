import { lstat, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, refused } from '../core/error.ts'
import type { ExtensionKind } from '../extension/kinds.ts'
import { isAbsence } from '../store/blob-folder.ts'
import { errnoOf, readFailure, writeFailure } from '../store/file-failure.ts'

/** What can be installed: folders. */
export type InstallKind = ExtensionKind | 'kcl'

/** A package, as far as it says where its files and its receipt stand. */
export interface Installable {
  readonly kind: InstallKind
  readonly name: string
}

/** Where Slipway keeps what it needs to know of a root, relative to it. */
export const own = '.slipway'
export const receipts = `${own}/installed`
export const kclReceipts = `${receipts}/kcl`
/** Beside the targets, so that a folder gets there by being renamed. */
export const staging = `${own}/staging`

/** The folder that holds the packages of a kind, relative to a root. */
export function parentOf(kind: InstallKind): string {
  return kind === 'kcl' ? 'kcl' : `extensions/${kind}s`
}

/** The folder of one package, relative to a root. */
export function folderOf({ kind, name }: Installable): string {
  return `${parentOf(kind)}/${name}`
}

/** The receipt of one package, relative to a root: extensions of all kinds share one namespace. */
export function receiptOf({ kind, name }: Installable): string {
  return `${kind === 'kcl' ? kclReceipts : receipts}/${name}.json`
}

/** The folder itself, whatever links lead to it. @throws FOLDER_MISSING */
export async function openRoot(root: string): Promise<string> {
  try {
    const real = await realpath(root)
    if ((await lstat(real)).isDirectory()) return real
  } catch (error) {
    if (!isAbsence(error)) throw readFailure('INSTALL', root, error)
  }
  throw badInput('FOLDER_MISSING', `${root} is not a folder`, { hint: 'Name the folder to install into.' })
}

/**
 * Makes sure that a path below a root leads through folders of the same file system only, and makes them
 * where `make` says so. A link could lead whatever is written or removed there out of the root.
 * @throws INSTALL_UNSAFE, INSTALL_NOT_WRITABLE
 */
export async function checkFolder(root: string, path: string, make: boolean): Promise<void> {
  const { dev } = await lstat(root)
  let at = root
  for (const part of path.split('/')) {
    at = join(at, part)
    let found = await foundAt(at)
    if (found === undefined) {
      if (!make) return
      await mkdir(at, { mode: 0o755 }).catch((error) => {
        // Another install began at the same moment; what it made is looked at like anything else.
        if (errnoOf(error) !== 'EEXIST') throw writeFailure('INSTALL', at, error)
      })
      found = await foundAt(at)
    }
    if (found === undefined) throw unsafe(at, 'was removed as soon as it was made')
    if (!found.isDirectory())
      throw unsafe(at, found.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder')
    if (found.dev !== dev) throw unsafe(at, `is on another file system than ${root}`)
  }
}

async function foundAt(path: string) {
  return await lstat(path).catch((error) => {
    if (isAbsence(error)) return undefined
    throw readFailure('INSTALL', path, error)
  })
}

function unsafe(path: string, why: string) {
  return refused('INSTALL_UNSAFE', `${path} ${why}; nothing is installed through it`, {
    hint: 'Replace it by a folder, or install into another root.',
  })
}

import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, refused } from '../core/error.ts'
import { order } from '../core/waves.ts'
import { isName } from '../extension/name.ts'
import { isDigest } from '../oci/digest.ts'
import { isAbsence } from '../store/blob-folder.ts'
import { readFailure } from '../store/file-failure.ts'
import { versionOf } from '../version/version.ts'
import { compareFiles, type Differences, listFiles } from './files.ts'
import type { InstallItem } from './item.ts'
import { folderOf } from './places.ts'
import { isFor, type Receipt } from './receipt.ts'

/** An item that has to be fetched. */
export interface Planned {
  readonly item: InstallItem
  /** The version that is installed now. */
  readonly before: string | undefined
}

/** What an install will do. */
export interface InstallPlan {
  /** Each after what it depends on. */
  readonly install: readonly Planned[]
  /** Items that are there already, every file as it was installed. */
  readonly unchanged: readonly InstallItem[]
  /** Installed earlier, not among the items, and untouched since. */
  readonly remove: readonly Receipt[]
  /** The same, but with changes of somebody's own: they stay. */
  readonly kept: readonly Receipt[]
}

export interface PlanOptions {
  /** Whether folders that somebody changed, or that Slipway did not install, give way. */
  readonly replace: boolean
  readonly signal?: AbortSignal
}

/** Differences that are named in a message. */
const mostNamed = 5

/**
 * What has to be done so that exactly these items are installed.
 * @throws INSTALL_MODIFIED, INSTALL_OCCUPIED with every folder that must not be touched
 */
export async function planInstall(
  root: string,
  items: readonly InstallItem[],
  installed: readonly Receipt[],
  { replace, signal }: PlanOptions,
): Promise<InstallPlan> {
  const byId = new Map(installed.map((one) => [one.id, one]))
  const install: Planned[] = []
  const unchanged: InstallItem[] = []
  const faults: Fault[] = []
  for (const item of items) {
    const receipt = byId.get(item.id)
    const state = await stateOf(root, item, receipt, signal)
    if (state === 'unchanged') unchanged.push(item)
    else {
      install.push({ item, before: receipt?.version })
      if (state !== 'free') faults.push(state)
    }
  }
  if (!replace && faults.length > 0) throw refusal(faults)

  const folders = new Set(items.map(folderOf))
  const remove: Receipt[] = []
  const kept: Receipt[] = []
  for (const receipt of installed) {
    if (folders.has(folderOf(receipt))) continue
    const differences = await differencesOf(root, receipt, signal)
    const touched = differences !== undefined && describe(differences) !== ''
    if (touched && !replace) kept.push(receipt)
    else remove.push(receipt)
  }
  return { install, unchanged, remove, kept }
}

/**
 * Items in the order in which they are put in place: each after what it depends on.
 * @throws DEPENDENCY_CYCLE, INSTALL_ITEM_INVALID where a lock would lead a path elsewhere
 */
export function inOrder(items: readonly InstallItem[]): InstallItem[] {
  const byId = new Map<string, InstallItem>()
  const folders = new Set<string>()
  for (const item of items) {
    const fault =
      faultOf(item) ?? (byId.has(item.id) || folders.has(folderOf(item)) ? 'comes twice' : undefined)
    if (fault !== undefined)
      throw badInput('INSTALL_ITEM_INVALID', `${JSON.stringify(item.id.slice(0, 200))} ${fault}`, {
        hint: 'Write the lock anew with slipway deps resolve.',
      })
    byId.set(item.id, item)
    folders.add(folderOf(item))
  }
  const ids = order(byId.keys(), (id) => byId.get(id)?.dependsOn ?? [])
  return ids.flatMap((id) => byId.get(id) ?? [])
}

function faultOf({ name, version, layer }: InstallItem): string | undefined {
  if (!isName(name)) return `has a name that is none: ${JSON.stringify(name.slice(0, 200))}`
  if (versionOf(version) === undefined) return 'has no full semantic version'
  return isDigest(layer) ? undefined : 'has no digest'
}

interface Fault {
  readonly code: 'INSTALL_MODIFIED' | 'INSTALL_OCCUPIED'
  readonly message: string
}

/** Whether an item is there already, may be put in its place, or must not. */
async function stateOf(
  root: string,
  item: InstallItem,
  receipt: Receipt | undefined,
  signal: AbortSignal | undefined,
): Promise<'free' | 'unchanged' | Fault> {
  const folder = folderOf(item)
  const found = await kindOf(join(root, folder))
  if (found === 'nothing') return 'free'
  const occupied = (what: string): Fault => ({ code: 'INSTALL_OCCUPIED', message: `${folder} ${what}` })
  if (found === 'other') return occupied('is not a folder')
  if (!isFor(receipt, item)) return occupied('was not installed by Slipway')
  const differences = compareFiles(receipt.files, await listFiles(join(root, folder), signal))
  // Files beside those of the package do no harm until they would be lost.
  const same = receipt.layer === item.layer
  const described = describe(same ? { ...differences, added: [] } : differences)
  if (described === '') return same ? 'unchanged' : 'free'
  return {
    code: 'INSTALL_MODIFIED',
    message: `${folder} was changed since ${receipt.version} was installed: ${described}`,
  }
}

async function differencesOf(
  root: string,
  receipt: Receipt,
  signal: AbortSignal | undefined,
): Promise<Differences | undefined> {
  const folder = join(root, folderOf(receipt))
  const found = await kindOf(folder)
  if (found === 'other') return { changed: ['.'], added: [] }
  if (found === 'nothing') return undefined
  return compareFiles(receipt.files, await listFiles(folder, signal))
}

async function kindOf(path: string): Promise<'nothing' | 'folder' | 'other'> {
  try {
    if (!(await lstat(path)).isDirectory()) return 'other'
    return (await readdir(path)).length === 0 ? 'nothing' : 'folder'
  } catch (error) {
    if (isAbsence(error)) return 'nothing'
    throw readFailure('INSTALL', path, error)
  }
}

function describe({ changed, added }: Differences): string {
  const all = [
    ...changed.map((path) => `${path} is not as installed`),
    ...added.map((path) => `${path} is new`),
  ]
  const more = all.length > mostNamed ? `, and ${all.length - mostNamed} more` : ''
  // Names of files are anybody's, down to escape sequences.
  return `${all.slice(0, mostNamed).join(', ')}${more}`.replace(/[\x00-\x1f\x7f-\x9f]/g, '�')
}

function refusal(faults: readonly Fault[]) {
  const code = faults.some((one) => one.code === 'INSTALL_MODIFIED') ? 'INSTALL_MODIFIED' : 'INSTALL_OCCUPIED'
  return refused(code, faults.map(({ message }) => message).join('\n'), {
    hint: 'Save what is yours, then move the folder away, or allow replacing it.',
  })
}

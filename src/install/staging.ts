import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { Report } from '../core/report.ts'
import { isName } from '../extension/name.ts'
import { isAbsence, replaceFile } from '../store/blob-folder.ts'
import { folderOf, type Installable, receiptOf, staging } from './places.ts'
import { type Receipt, showReceipt } from './receipt.ts'

/** Called before each change on disk; throwing or dying there must leave nothing that `recover` cannot mend. */
export type Step = (name: string) => Promise<void> | void

/**
 * One change of one package: a folder of its own below `.slipway/staging`, whose content always tells how
 * far the change has come.
 * - `change.json`: which package
 * - `new`: the unpacked package until it takes its place
 * - `receipt.json`: its receipt until that takes its place
 * - `old`: what stood there before
 */
export interface Stage extends Installable {
  readonly dir: string
}

/** Ends the names of changes that only have to be removed. */
const done = '.done'

const schema = z.object({
  kind: z.enum(['provider', 'taskserv', 'cluster', 'kcl']),
  name: z.string().check(z.refine(isName)),
})

export async function openStage(root: string, { kind, name }: Installable): Promise<Stage> {
  const dir = join(root, staging, randomBytes(8).toString('hex'))
  await mkdir(dir)
  await write(dir, 'change.json', JSON.stringify({ kind, name }))
  return { dir, kind, name }
}

/** The package is unpacked in `new`: from now on it can take its place. */
export async function addReceipt(stage: Stage, receipt: Receipt): Promise<void> {
  await write(stage.dir, 'receipt.json', showReceipt(receipt))
}

/**
 * Puts an unpacked package in its place, and then its receipt. Where something stood, there is a moment
 * between two renames in which nothing does; whoever finds it so puts the old one back.
 */
export async function activate(root: string, stage: Stage, step: Step): Promise<void> {
  const target = join(root, folderOf(stage))
  if (await exists(target)) {
    await step('put the old folder aside')
    await rename(target, join(stage.dir, 'old'))
  }
  await step('put the new folder in place')
  await rename(join(stage.dir, 'new'), target)
  await step('put the receipt in place')
  await rename(join(stage.dir, 'receipt.json'), join(root, receiptOf(stage)))
  await step('remove what is left')
  await discard(stage.dir)
}

export async function remove(root: string, stage: Stage, step: Step): Promise<void> {
  const target = join(root, folderOf(stage))
  if (await exists(target)) {
    await step('put the removed folder aside')
    await rename(target, join(stage.dir, 'old'))
  }
  await step('remove its receipt')
  await rm(join(root, receiptOf(stage)), { force: true })
  await step('remove what is left')
  await discard(stage.dir)
}

/**
 * Ends every change that was begun and not ended, forward where the new folder is in its place and back
 * where it is not. A removed folder may leave its receipt: one without a folder counts for nothing. Only
 * while the root is locked.
 */
export async function recover(root: string, report: Report): Promise<void> {
  for (const one of await readdir(join(root, staging), { withFileTypes: true })) {
    const dir = join(root, staging, one.name)
    if (!one.isDirectory() || one.name.endsWith(done)) {
      await rm(dir, { recursive: true, force: true })
      continue
    }
    const [hasOld, hasNew, hasReceipt] = await Promise.all(
      ['old', 'new', 'receipt.json'].map((one) => exists(join(dir, one))),
    )
    const change = await readChange(dir)
    if (change === undefined && hasOld) {
      report.emit({
        type: 'warning',
        code: 'INSTALL_LEFTOVER',
        message: `${dir} holds a folder of an interrupted install, but nothing says of which package`,
        hint: 'Look at what is in it, and remove it.',
      })
      continue
    }
    if (change !== undefined) {
      const target = join(root, folderOf(change))
      if (hasNew && hasOld && !(await exists(target))) await rename(join(dir, 'old'), target)
      if (!hasNew && hasReceipt) await rename(join(dir, 'receipt.json'), join(root, receiptOf(change)))
    }
    await discard(dir)
  }
}

/** First the name goes, then the content: half a content would tell another story. */
async function discard(dir: string): Promise<void> {
  await rename(dir, `${dir}${done}`)
  await rm(`${dir}${done}`, { recursive: true, force: true })
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

async function readChange(dir: string): Promise<Installable | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(join(dir, 'change.json'), 'utf8'))).data
  } catch {
    return undefined
  }
}

/** Whole or not at all; not brought to the disk, since the package beside it is not either. */
async function write(dir: string, name: string, text: string): Promise<void> {
  const options = { kind: 'INSTALL', folder: dir, durable: false } as const
  await replaceFile(join(dir, name), [Buffer.from(text)], options)
}

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { Report } from '../core/report.ts'
import { isName } from '../extension/name.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { isAbsence } from '../store/blob-folder.ts'
import { readFailure } from '../store/file-failure.ts'
import type { InstalledFile } from './files.ts'
import { folderOf, type Installable, kclReceipts, receiptOf, receipts } from './places.ts'

/** What was installed where: `.slipway/installed/<name>.json`, for KCL packages `…/kcl/<name>.json`. */
export interface Receipt extends Installable {
  readonly format: 1
  readonly id: string
  readonly version: string
  readonly source: string
  readonly manifest?: Digest
  readonly layer: Digest
  readonly files: readonly InstalledFile[]
}

const digest = z.string().check(z.refine(isDigest))

const schema = z.object({
  format: z.literal(1),
  id: z.string(),
  kind: z.enum(['provider', 'taskserv', 'cluster', 'kcl']),
  name: z.string().check(z.refine(isName)),
  version: z.string(),
  source: z.string(),
  manifest: z.optional(digest),
  layer: digest,
  files: z.array(
    z.union([
      z.object({ path: z.string(), sha256: z.string(), mode: z.enum(['644', '755']) }),
      z.object({ path: z.string(), link: z.string() }),
    ]),
  ),
})

/**
 * What is installed below a root, sorted by id. A receipt that cannot be understood is told and left out:
 * its folder then counts as one that nobody installed.
 */
export async function readReceipts(root: string, report: Report): Promise<Receipt[]> {
  const found: Receipt[] = []
  for (const folder of [receipts, kclReceipts]) {
    const names = await readdir(join(root, folder)).catch((error): string[] => {
      if (isAbsence(error)) return []
      throw readFailure('INSTALL', join(root, folder), error)
    })
    for (const file of names.filter((one) => one.endsWith('.json'))) {
      const path = `${folder}/${file}`
      const receipt = parse(await readFile(join(root, path), 'utf8').catch(() => ''))
      if (receipt !== undefined && receiptOf(receipt) === path) found.push(receipt)
      else
        report.emit({
          type: 'warning',
          code: 'INSTALL_RECEIPT_DAMAGED',
          message: `${join(root, path)} is damaged: what it was for counts as not installed by Slipway`,
          hint: 'Remove it, and the folder it was for, and install again.',
        })
    }
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

export function showReceipt(receipt: Receipt): string {
  return `${JSON.stringify(receipt, null, 2)}\n`
}

/** Whether a receipt is for this very folder. */
export function isFor(receipt: Receipt | undefined, item: Installable): receipt is Receipt {
  return receipt !== undefined && folderOf(receipt) === folderOf(item)
}

function parse(text: string): Receipt | undefined {
  try {
    const { data } = schema.safeParse(JSON.parse(text))
    if (data === undefined) return undefined
    const { layer, manifest, ...rest } = data
    return {
      ...rest,
      ...(manifest === undefined ? {} : { manifest: manifest as Digest }),
      layer: layer as Digest,
    }
  } catch {
    return undefined
  }
}

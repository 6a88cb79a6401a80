import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { badInput } from '../core/error.ts'
import { replaceFile } from '../store/blob-folder.ts'
import { errnoOf, readFailure } from '../store/file-failure.ts'
import { largestPlan, type PlanDocument, readPlan, writePlan } from './document.ts'
import { readSightings, type Sightings, writeSightings } from './seen.ts'

/** @throws PLAN_INVALID, CLEANUP_NOT_READABLE */
export async function loadPlan(path: string): Promise<PlanDocument> {
  const text = await read(path)
  if (text !== undefined) return readPlan(text, path)
  throw badInput('PLAN_INVALID', `There is no plan ${path}`, {
    hint: 'Write one with slipway cleanup -f retention.yaml --plan plan.json.',
  })
}

/** Whole or not at all. @throws CLEANUP_NOT_WRITABLE, DISK_FULL */
export async function savePlan(path: string, plan: PlanDocument): Promise<void> {
  await write(path, writePlan(plan))
}

/** Empty where there is no file yet. @throws CLEANUP_STATE_INVALID, CLEANUP_NOT_READABLE */
export async function loadSightings(path: string): Promise<Sightings> {
  const text = await read(path)
  return text === undefined ? {} : readSightings(text, path)
}

/** @throws CLEANUP_NOT_WRITABLE, DISK_FULL */
export async function saveSightings(path: string, sightings: Sightings): Promise<void> {
  await write(path, writeSightings(sightings))
}

/** @throws CLEANUP_NOT_WRITABLE, DISK_FULL */
export async function saveJson(path: string, value: unknown): Promise<void> {
  await write(path, `${JSON.stringify(value, undefined, 2)}\n`)
}

async function write(path: string, text: string): Promise<void> {
  await replaceFile(path, [Buffer.from(text)], { kind: 'CLEANUP', folder: dirname(path) })
}

async function read(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > largestPlan)
      throw badInput('PLAN_INVALID', `${path} has more than ${largestPlan} bytes`, { hint: 'It is no plan.' })
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw readFailure('CLEANUP', path, error)
  }
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import { errnoOf, writeFailure } from '../store/file-failure.ts'
import { alone } from './alone.ts'
import { type Installed, placeOf, stageItem } from './fetch.ts'
import type { InstallItem } from './item.ts'
import type { InstallOptions } from './options.ts'
import { checkFolder, kclReceipts, openRoot, own, parentOf, staging } from './places.ts'
import { type InstallPlan, inOrder, planInstall } from './plan.ts'
import { type Receipt, readReceipts } from './receipt.ts'
import { activate, openStage, recover, remove } from './staging.ts'
import { begun, ended, readState, writeState } from './state.ts'

export interface InstallResult {
  /** In the order in which they were put in place. */
  readonly installed: readonly Installed[]
  /** Ids of what was there already. */
  readonly unchanged: readonly string[]
  readonly removed: readonly string[]
  /** Ids of what is no longer needed, but has changes of somebody's own. */
  readonly kept: readonly string[]
}

/**
 * Makes a root hold exactly these packages. Everything is checked first; then all packages are fetched,
 * verified and unpacked beside their places, several at once; then one after another is put in its place,
 * each after what it depends on, and what is no longer needed is removed. Each folder is the whole old one
 * or the whole new one, however a run ends, and the next run goes on from there. Nothing of a package is run.
 * @throws DEPENDENCY_CYCLE, INSTALL_ITEM_INVALID, INSTALL_UNSAFE, INSTALL_MODIFIED, INSTALL_OCCUPIED,
 * INSTALL_NOT_WRITABLE, DISK_FULL, LOCK_TIMED_OUT, DIGEST_MISMATCH, what `extract` and what `open()` throw
 */
export async function install(
  items: readonly InstallItem[],
  options: InstallOptions,
): Promise<InstallResult> {
  const { report, replace = false, dryRun = false, signal } = options
  const ordered = inOrder(items)
  const root = await openRoot(options.root)
  const places = [
    kclReceipts,
    staging,
    ...(['provider', 'taskserv', 'cluster', 'kcl'] as const).map(parentOf),
  ]
  for (const folder of places) await checkFolder(root, folder, false)
  const plan = async () =>
    planInstall(root, ordered, await readReceipts(root, report), { replace, ...(signal && { signal }) })
  if (dryRun) {
    const planned = await plan()
    const nothing = { files: 0, bytes: 0 }
    return {
      installed: planned.install.map((one) => ({ ...placeOf(one), ...nothing })),
      ...outcomeOf(planned),
    }
  }

  try {
    for (const folder of [kclReceipts, staging]) await checkFolder(root, folder, true)
    await writeFile(join(root, own, '.gitignore'), '*\n', { flag: 'wx' }).catch((error) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    return await alone(root, options, async (held) => {
      await recover(root, report)
      try {
        return await carryOut(root, await plan(), held, options)
      } catch (error) {
        // What was unpacked and not yet put in place; whoever has the lock now mends it otherwise.
        if (await held()) await recover(root, report).catch(() => {})
        throw error
      }
    })
  } catch (error) {
    throw writeFailure('INSTALL', root, error)
  }
}

async function carryOut(
  root: string,
  plan: InstallPlan,
  held: () => Promise<boolean>,
  options: InstallOptions,
): Promise<InstallResult> {
  const { report, lock, concurrency = 4, step = () => {} } = options
  for (const { id } of plan.kept)
    report.emit({
      type: 'warning',
      code: 'INSTALL_KEPT',
      message: `${id} is no longer needed, but was changed since it was installed: it stays`,
      hint: 'Save what is yours and remove its folder, or allow replacing it.',
    })
  for (const { item } of plan.install) await checkFolder(root, parentOf(item.kind), true)
  const state = await readState(root)
  await step('say what is being installed')
  await writeState(root, begun(state, lock))
  const staged = await mapConcurrent(plan.install, concurrency, (one) => stageItem(root, one, options))

  const guarded = async (change: () => Promise<void>) => {
    options.signal?.throwIfAborted()
    if (!(await held()))
      throw new SlipwayError('INSTALL_INTERFERED', `Another process took ${root} over during the install`, {
        hint: 'Run the install again.',
      })
    await change()
  }
  const takeAway = async (receipts: readonly Receipt[]) => {
    for (const receipt of receipts)
      await guarded(async () => remove(root, await openStage(root, receipt), step))
  }
  // An extension that became another kind has its receipt under the same name: the old folder goes first.
  const ids = new Set(plan.install.map(({ item }) => item.id))
  await takeAway(plan.remove.filter(({ id }) => ids.has(id)))
  for (const { stage } of staged) await guarded(() => activate(root, stage, step))
  await takeAway(plan.remove.filter(({ id }) => !ids.has(id)))
  await step('say what is installed')
  await writeState(root, ended(state, lock))
  return { installed: staged.map(({ done }) => done), ...outcomeOf(plan) }
}

function outcomeOf({ unchanged, remove, kept }: InstallPlan) {
  return {
    unchanged: unchanged.map(({ id }) => id),
    removed: remove.map(({ id }) => id),
    kept: kept.map(({ id }) => id),
  }
}

import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { withLock } from '../store/lock-file.ts'
import type { InstallOptions } from './options.ts'
import { own } from './places.ts'

/** Milliseconds between two signs of life, and without one after which a lock counts as left behind. */
const beat = 20_000
const stale = 120_000

/** Runs work while no other install changes this root; shows that it lives, since it can take long. */
export async function alone<T>(
  root: string,
  { clock = systemClock, wait, signal }: InstallOptions,
  work: (held: () => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const path = join(root, own, 'install.lock')
  const options = { clock, stale, ...(wait === undefined ? {} : { wait }), ...(signal && { signal }) }
  const alive = async (held: () => Promise<boolean>) => {
    const timer = setInterval(() => {
      const now = new Date()
      void utimes(path, now, now).catch(() => {})
    }, beat)
    try {
      return await work(held)
    } finally {
      clearInterval(timer)
    }
  }
  return await withLock(path, alive, options)
}

import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import { replaceFile } from '../store/blob-folder.ts'
import { errnoOf, readFailure } from '../store/file-failure.ts'
import type { Lock } from './lock.ts'
import { largestLock, readLock } from './read.ts'
import { writeLock } from './write.ts'

export const lockName = 'slipway.lock'

/**
 * The lock of a folder; undefined where there is none.
 * @throws LOCK_INVALID, LOCK_CONFLICT, LOCK_NEWER, LOCK_NOT_READABLE
 */
export async function loadLock(directory: string): Promise<Lock | undefined> {
  return await loadLockFile(join(directory, lockName))
}

/** The same for a lock of any name. */
export async function loadLockFile(path: string): Promise<Lock | undefined> {
  const name = basename(path)
  try {
    if ((await stat(path)).size > largestLock)
      throw badInput('LOCK_INVALID', `${name} has more than ${largestLock} bytes`, {
        hint: 'It is no lock: remove it and run slipway deps resolve.',
      })
    return readLock(await readFile(path), name)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw readFailure('LOCK', path, error)
  }
}

/**
 * Every digest that a lock file of any name holds. @throws LOCK_INVALID, LOCK_CONFLICT, LOCK_NEWER, LOCK_NOT_READABLE
 */
export async function lockedDigests(path: string): Promise<Digest[]> {
  try {
    const { packages } = readLock(await readFile(path), path)
    return packages.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]))
  } catch (error) {
    throw readFailure('LOCK', path, error)
  }
}

/**
 * Writes the lock, whole or not at all.
 * @returns whether anything changed
 * @throws LOCK_SOURCE_NOT_PORTABLE, LOCK_NOT_WRITABLE, DISK_FULL
 */
export async function saveLock(directory: string, lock: Lock): Promise<boolean> {
  const path = join(directory, lockName)
  const text = writeLock(lock)
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return false
  await replaceFile(path, [Buffer.from(text)], { kind: 'LOCK', folder: directory })
  return true
}

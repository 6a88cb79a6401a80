import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadLock, lockName, saveLock } from '../../src/lockfile/file.ts'
import { lockedId } from '../../src/lockfile/find.ts'
import { lockOf } from './locks.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const lock = lockOf({ kubernetes: '^1.28' }, { kubernetes: ['1.28.0', { etcd: '^3.5.0' }], etcd: ['3.5.16'] })

it('is read as it was written, and written again only when it changed', async () => {
  expect(await loadLock(folder)).toBeUndefined()
  expect(await saveLock(folder, lock)).toBe(true)
  expect(await loadLock(folder)).toEqual(lock)
  expect(await saveLock(folder, lock)).toBe(false)
  expect(await readdir(folder)).toEqual([lockName])
})

it('leaves nothing behind where it cannot be written', async () => {
  await mkdir(join(folder, lockName))
  await expect(saveLock(folder, lock)).rejects.toMatchObject({ code: 'LOCK_NOT_WRITABLE' })
  await expect(loadLock(folder)).rejects.toMatchObject({ code: 'LOCK_NOT_READABLE' })
  expect(await readdir(folder)).toEqual([lockName])
})

it('keeps the lock that is there when the new one is none', async () => {
  await saveLock(folder, lock)
  const before = await readFile(join(folder, lockName), 'utf8')
  const bad = { ...lock, packages: lock.packages.map((one) => ({ ...one, source: 'path:/etc' })) }
  await expect(saveLock(folder, bad)).rejects.toMatchObject({ code: 'LOCK_SOURCE_NOT_PORTABLE' })
  expect(await readFile(join(folder, lockName), 'utf8')).toBe(before)
})

it('names the place of what is wrong', async () => {
  await writeFile(join(folder, lockName), 'version: 1\nroots: []\n')
  await expect(loadLock(folder)).rejects.toMatchObject({ code: 'LOCK_INVALID', exit: 2 })
})

it('finds a package by the name a user gives, and guesses at a mistyped one', () => {
  expect(lockedId(lock, 'etcd')).toBe('etcd')
  expect(() => lockedId(lock, 'kubernets')).toThrow(
    expect.objectContaining({ code: 'PACKAGE_NOT_LOCKED', hint: 'Did you mean kubernetes?' }),
  )
  const kcl = lockOf({}, { 'kcl:network': ['1.0.0'] })
  expect(() => lockedId(kcl, 'network')).toThrow(
    expect.objectContaining({ hint: 'There is a KCL package of this name: kcl:network.' }),
  )
})

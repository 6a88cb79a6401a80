import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withLock } from '../../src/store/lock-file.ts'
import { temporaryFolder } from './folder.ts'

const token = 'a'.repeat(24)

async function leave(path: string, pid: number, age: number, host = hostname()): Promise<void> {
  await writeFile(path, JSON.stringify({ token, pid, host }))
  const then = new Date(Date.now() - age)
  await utimes(path, then, then)
}

function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

test('one holder at a time, and the file is gone afterwards', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  let holders = 0
  const work = async () => {
    holders += 1
    expect(holders).toBe(1)
    await sleep(1)
    holders -= 1
  }
  await Promise.all(Array.from({ length: 20 }, () => withLock(path, work)))
  expect(await readdir(folder.path)).toEqual([])
})

test('a failing holder gives the lock back', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  const failing = withLock(path, async () => {
    throw new Error('failed')
  })
  await expect(failing).rejects.toThrow('failed')
  expect(existsSync(path)).toBe(false)
})

test('of many that find the lock of a dead process exactly one takes it over at a time', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  await leave(path, deadProcess(), 5000)
  let holders = 0
  let ran = 0
  const work = async () => {
    holders += 1
    expect(holders).toBe(1)
    await sleep(1)
    holders -= 1
    ran += 1
  }
  await Promise.all(Array.from({ length: 20 }, () => withLock(path, work)))
  expect(ran).toBe(20)
  expect(await readdir(folder.path)).toEqual([])
})

test('a takeover that was itself killed half-way is taken over', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  const dead = deadProcess()
  await leave(path, dead, 5000)
  await writeFile(`${path}.${token}`, JSON.stringify({ token: 'b'.repeat(24), pid: dead, host: hostname() }))
  const then = new Date(Date.now() - 5000)
  await utimes(`${path}.${token}`, then, then)
  expect(await withLock(path, async (held) => held(), { wait: 2000 })).toBe(true)
  expect(await readdir(folder.path)).toEqual([])
})

test('the lock of a living process or of another machine is waited for, then named', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  for (const [pid, host] of [
    [process.pid, hostname()],
    [deadProcess(), 'elsewhere'],
  ] as const) {
    await leave(path, pid, 5000, host)
    await expect(withLock(path, async () => {}, { wait: 50 })).rejects.toMatchObject({
      code: 'LOCK_TIMED_OUT',
      message: expect.stringContaining(`process ${pid} on ${host}`),
    })
  }
})

test('any lock older than the limit is left behind, also one that is empty', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  await leave(path, process.pid, 61_000, 'elsewhere')
  expect(await withLock(path, async () => 'mine', { wait: 50 })).toBe('mine')
  await writeFile(path, '')
  const then = new Date(Date.now() - 61_000)
  await utimes(path, then, then)
  expect(await withLock(path, async () => 'mine', { wait: 50 })).toBe('mine')
})

test('who lost the lock is told and leaves the new holder alone', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  await withLock(path, async (held) => {
    expect(await held()).toBe(true)
    await leave(path, 1, 0)
    expect(await held()).toBe(false)
  })
  expect(existsSync(path)).toBe(true)
})

test('a lock whose owner was killed before writing a word is taken over while others still wait', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  await writeFile(path, '')
  expect(await withLock(path, async (held) => held(), { wait: 5000 })).toBe(true)
  expect(await readdir(folder.path)).toEqual([])
})

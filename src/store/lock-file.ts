import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../core/clock.ts'
import { SlipwayError } from '../core/error.ts'
import { errnoOf } from './file-failure.ts'

export interface LockOptions {
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Milliseconds to wait for another holder; default 30,000. */
  readonly wait?: number
  /** Milliseconds after which any lock counts as left behind; default 60,000: one is held for milliseconds. */
  readonly stale?: number
}

interface Holder {
  readonly token: string
  readonly pid: number | undefined
  readonly host: string | undefined
  /** Milliseconds since the lock was taken. */
  readonly age: number
}

/** A dead process's lock is not taken over at once: its number may mean another process in a container. */
const graceOfTheDead = 1000

/**
 * Runs work while this process alone holds the file. Between processes of any number of machines the file's
 * exclusive creation decides. A lock whose process is gone, or that is a minute old, is taken over: the right
 * to do so is itself an exclusively created file named after the one lock it is for, so that of several
 * waiters exactly one succeeds.
 *
 * `held()` tells whether the lock is still ours; ask right before making a change visible.
 * @throws LOCK_TIMED_OUT
 */
export async function withLock<T>(
  path: string,
  work: (held: () => Promise<boolean>) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { clock = systemClock, wait = 30_000, signal } = options
  const token = randomBytes(12).toString('hex')
  const until = clock.now() + wait
  for (let pause = 2; !(await claim(path, token, options)); pause = Math.min(pause * 2, 100)) {
    if (clock.now() >= until) throw timedOut(path, await holderOf(path, clock), wait)
    await clock.sleep(pause * (0.5 + clock.random()), signal)
  }
  const held = async () => (await holderOf(path, clock))?.token === token
  try {
    return await work(held)
  } finally {
    if (await held()) await rm(path, { force: true })
  }
}

async function claim(path: string, token: string, options: LockOptions): Promise<boolean> {
  if (await create(path, token)) return true
  const clock = options.clock ?? systemClock
  const holder = await holderOf(path, clock)
  if (holder === undefined || !isStale(holder, options.stale ?? 60_000)) return false
  const right = `${path}.${holder.token}`
  if (!(await claim(right, token, options))) return false
  try {
    // The right may have been claimed late, after somebody else used it and gave the lock back.
    if ((await holderOf(path, clock))?.token !== holder.token) return false
    const own = `${path}.new-${token}`
    await writeFile(own, content(token))
    await rename(own, path)
    return true
  } finally {
    await rm(right, { force: true })
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o644)
    await file.writeFile(content(token)).finally(() => file.close())
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

function content(token: string): string {
  return JSON.stringify({ token, pid: process.pid, host: hostname() })
}

/** Undefined when nobody holds it. A file without content belongs to who was killed between two calls. */
async function holderOf(path: string, clock: Clock): Promise<Holder | undefined> {
  try {
    const [text, { mtimeMs, ino }] = [await readFile(path, 'utf8'), await stat(path)]
    const age = clock.now() - mtimeMs
    const { token, pid, host } = parseHolder(text)
    return { token: token ?? `${ino}-${Math.trunc(mtimeMs)}`, pid, host, age }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function parseHolder(text: string): Partial<Pick<Holder, 'token' | 'pid' | 'host'>> {
  try {
    const { token, pid, host } = JSON.parse(text) as Record<string, unknown>
    // The token becomes part of a file's name.
    if (typeof token === 'string' && /^[0-9a-f]{24}$/.test(token) && typeof pid === 'number')
      return { token, pid, host: String(host) }
  } catch {
    // Cut off while being written.
  }
  return {}
}

function isStale(holder: Holder, limit: number): boolean {
  if (holder.age > limit) return true
  // Content follows creation at once: who has written none by now was killed in between.
  if (holder.pid === undefined) return holder.age > graceOfTheDead
  if (holder.host !== hostname()) return false
  return holder.age > graceOfTheDead && !isAlive(holder.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

function timedOut(path: string, holder: Holder | undefined, wait: number): SlipwayError {
  const who = holder?.pid === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new SlipwayError(
    'LOCK_TIMED_OUT',
    `${path} is held by ${who}; waited ${Math.round(wait / 1000)} s`,
    {
      hint: 'Wait for the other command to end and run this one again.',
    },
  )
}

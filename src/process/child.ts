import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { SlipwayError } from '../core/error.ts'
import type { Environment } from './environment.ts'

export interface ChildOptions {
  readonly cwd?: string
  /** The whole environment of the child; nothing is inherited. */
  readonly env: Environment
  /** Milliseconds until the process group is killed. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** Whether anything will be written to stdin; default: it is empty. */
  readonly stdin?: 'pipe' | 'empty'
}

/** A running child in a process group of its own. */
export interface Child {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /**
   * Resolves when the process has ended and its pipes are closed; never rejects with a status, only with
   * PROGRAM_MISSING, PROGRAM_FAILED_TO_START, PROGRAM_TIMED_OUT or the signal's reason.
   */
  readonly ended: Promise<Ended>
  /** Ends the whole group: SIGTERM, then SIGKILL after two seconds. */
  kill(): void
  /** Whether this process must stay for the child's sake; a child that still runs at its end is killed. */
  hold(wanted: boolean): void
}

export interface Ended {
  /** Exit status; 128 + signal number is not made up: `null` when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const grace = 2000
const running = new Set<ChildProcess>()

/**
 * Starts a program without a shell.
 * @throws through `ended` only
 */
export function start(program: string, args: readonly string[], options: ChildOptions): Child {
  options.signal?.throwIfAborted()
  if (running.size === 0) process.on('exit', killAll)
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env as NodeJS.ProcessEnv,
    stdio: 'pipe',
    // A group of its own, so that what it started ends with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  running.add(child)
  let reason: unknown
  let hardKill: NodeJS.Timeout | undefined
  const kill = () => {
    if (hardKill !== undefined || !running.has(child)) return
    signalGroup(child, 'SIGTERM')
    hardKill = setTimeout(() => signalGroup(child, 'SIGKILL'), grace)
  }
  const abort = () => {
    reason ??= options.signal?.reason
    kill()
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(() => {
          reason ??= timedOut(program, options.timeout ?? 0)
          kill()
        }, options.timeout)
  const ended = new Promise<Ended>((resolve, reject) => {
    const settle = (finish: () => void) => {
      running.delete(child)
      if (running.size === 0) process.off('exit', killAll)
      clearTimeout(timer)
      clearTimeout(hardKill)
      options.signal?.removeEventListener('abort', abort)
      finish()
    }
    child.once('error', (cause) => settle(() => reject(notStarted(program, cause, options.cwd))))
    // What it started must not outlive it: not beside credentials, and not holding its pipes open.
    child.once('exit', () => signalGroup(child, 'SIGKILL'))
    child.once('close', (code, signal) =>
      settle(() => (reason === undefined ? resolve({ code, signal }) : reject(reason))),
    )
  })
  // Whoever awaits it still gets the rejection; without this, a stream that fails first would crash us.
  ended.catch(() => {})
  child.stdin.on('error', () => {})
  if (options.stdin !== 'pipe') child.stdin.end()
  const { stdin, stdout, stderr } = child
  const hold = (wanted: boolean) => {
    // Pipes are sockets, which can be held and let go like the child itself.
    for (const one of [child, stdin, stdout, stderr] as unknown as NodeJS.RefCounted[])
      if (wanted) one.ref()
      else one.unref()
  }
  return { stdin, stdout, stderr, ended, kill, hold }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // The group is gone already.
  }
}

function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}

function timedOut(program: string, timeout: number) {
  return new SlipwayError('PROGRAM_TIMED_OUT', `${program} did not end within ${timeout / 1000} s`, {
    hint: 'Raise the time limit, or find out what it waits for.',
  })
}

function notStarted(program: string, cause: Error, cwd: string | undefined) {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  return new SlipwayError(
    missing ? 'PROGRAM_MISSING' : 'PROGRAM_FAILED_TO_START',
    missing
      ? `${program} is not installed, or ${cwd ?? 'the current folder'} does not exist`
      : `${program} could not be started: ${cause.message}`,
    { cause, hint: `Install ${program} and make sure that it is on PATH.` },
  )
}

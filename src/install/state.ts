import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { badInput } from '../core/error.ts'
import { isAbsence, replaceFile } from '../store/blob-folder.ts'
import { readFailure } from '../store/file-failure.ts'
import { openRoot, own } from './places.ts'

/** Which locks were installed into a root: `.slipway/install.lock-state`. */
export interface LockState {
  /** Text of the lock that is installed; undefined before the first install ended. */
  readonly current?: string
  /** Text of the one before. */
  readonly previous?: string
  /** Text of the one whose install began and did not end yet. */
  readonly installing?: string
}

const stateFile = `${own}/install.lock-state`

const schema = z.object({
  current: z.optional(z.string()),
  previous: z.optional(z.string()),
  installing: z.optional(z.string()),
})

/** Empty where nothing was installed, or where the file cannot be understood: then there is no way back. */
export async function readState(root: string): Promise<LockState> {
  const path = join(root, stateFile)
  try {
    const { data } = schema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return (data ?? {}) as LockState
  } catch (error) {
    if (isAbsence(error) || error instanceof SyntaxError) return {}
    throw readFailure('INSTALL', path, error)
  }
}

/** @throws DISK_FULL, INSTALL_NOT_WRITABLE */
export async function writeState(root: string, state: LockState): Promise<void> {
  const text = `${JSON.stringify(state, null, 2)}\n`
  await replaceFile(join(root, stateFile), [Buffer.from(text)], { kind: 'INSTALL', folder: join(root, own) })
}

/** The state once an install has begun. */
export function begun(state: LockState, lock: string): LockState {
  return state.current === lock ? withoutInstalling(state) : { ...state, installing: lock }
}

/** The state once it has ended; the same lock again is no step that could be taken back. */
export function ended(state: LockState, lock: string): LockState {
  if (state.current === lock) return withoutInstalling(state)
  return { ...(state.current === undefined ? {} : { previous: state.current }), current: lock }
}

/**
 * The text of the lock to go back to: the one before the one that is installed, or, where an install began
 * and did not end, the one that is. Installing it makes the way back lead forward again.
 * @throws INSTALL_NO_PREVIOUS
 */
export async function previousLock(root: string): Promise<string> {
  const { current, previous, installing } = await readState(await openRoot(root))
  const text = installing === undefined ? previous : current
  if (text === undefined)
    throw badInput('INSTALL_NO_PREVIOUS', `${root} has no earlier install to go back to`, {
      hint: 'Take an earlier slipway.lock from git and install that.',
    })
  return text
}

function withoutInstalling({ installing: _, ...state }: LockState): LockState {
  return state
}

import { messageOf, SlipwayError } from '../core/error.ts'

/** What the files belong to; the first part of error codes such as `LAYOUT_NOT_WRITABLE`. */
export type FileKind = 'LAYOUT' | 'ARCHIVE'

/** What can fail to be read or written; those that are no store have no `…_INVALID` of their own. */
export type FailureKind = 'LAYOUT' | 'ARCHIVE' | 'CACHE' | 'INSTALL' | 'LOCK' | 'CLEANUP'

const denied = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EEXIST']

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** DISK_FULL, or LAYOUT_NOT_WRITABLE and the like for what the system says while writing. */
export function writeFailure(kind: FailureKind, where: string, error: unknown): unknown {
  const code = errnoOf(error)
  if (code === undefined || error instanceof SlipwayError) return error
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new SlipwayError('DISK_FULL', `${where}: no space left to write (${code})`, {
      hint: 'Free some space and run the same command again: what was written completely is kept.',
      cause: error,
    })
  if (!denied.includes(code)) return error
  return new SlipwayError(`${kind}_NOT_WRITABLE`, `${where} cannot be written: ${messageOf(error)}`, {
    hint: 'Check that the path leads through folders only, is not mounted read-only, and that this user may write there.',
    cause: error,
  })
}

/** LAYOUT_NOT_READABLE and the like for what the system says while reading. */
export function readFailure(kind: FailureKind, where: string, error: unknown): unknown {
  const code = errnoOf(error)
  if (code === undefined || error instanceof SlipwayError) return error
  return new SlipwayError(`${kind}_NOT_READABLE`, `${where} cannot be read: ${messageOf(error)}`, {
    hint: 'Check the path and that this user may read there.',
    cause: error,
  })
}

/** LAYOUT_INVALID / ARCHIVE_INVALID: the files are there, but not what they should be. */
export function invalidFiles(kind: FileKind, where: string, what: string): SlipwayError {
  return new SlipwayError(`${kind}_INVALID`, `${where}: ${what}`, {
    hint: 'It is damaged or no OCI image layout; restore it or write to another place.',
  })
}

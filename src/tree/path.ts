import { badInput } from '../core/error.ts'

/**
 * Checks that a path can be written on every system and shown without surprises: relative, normal, no `..`,
 * no backslash, no control characters, at most 4096 bytes.
 * @throws PATH_UNSAFE
 */
export function checkPath(path: string, where: string): void {
  const fault = pathFault(path)
  if (fault === undefined) return
  throw badInput('PATH_UNSAFE', `${where}: path ${JSON.stringify(path.slice(0, 300))} ${fault}`, {
    hint: 'Rename the file so that it can be unpacked on every system.',
  })
}

/** Why a path cannot be used; undefined when it can. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (Buffer.byteLength(path) > 4096) return 'is longer than 4096 bytes'
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'holds a control character'
  if (path.includes('\\')) return 'holds a backslash'
  if (path.includes('\ufffd') || !path.isWellFormed()) return 'is not UTF-8'
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute'
  const parts = path.split('/')
  if (parts.includes('..')) return 'leaves the folder'
  if (parts.includes('') || parts.includes('.')) return 'is not normal'
  return undefined
}

/** Orders paths by their UTF-8 bytes, the same in every locale. */
export function comparePaths(a: string, b: string): number {
  return isAscii(a) && isAscii(b)
    ? a < b
      ? -1
      : a > b
        ? 1
        : 0
    : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function isAscii(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text)
}

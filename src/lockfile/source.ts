import { isAbsolute, relative, resolve, sep } from 'node:path'
import { refused } from '../core/error.ts'
import { parseAddress } from '../store/address.ts'
import { pathFault } from '../tree/path.ts'

/** Sources whose place is a path of this machine. */
const local = /^(layout|archive|path):/

/**
 * Why a text cannot stand as `source` in a lock; undefined where it can. Completes "source …". A lock comes
 * from whoever opens a pull request, so a path must be relative and normal, and an address without a user.
 */
export function sourceFault(source: string): string | undefined {
  if (source.length > 1000) return 'is longer than 1000 characters'
  if (/[\x00-\x20\x7f-\x9f]/.test(local.test(source) ? source.replaceAll(' ', '') : source))
    return 'holds a blank or a control character'
  if (local.test(source)) {
    const { path, repository } = splitLocal(source)
    const fault = relativeFault(path)
    if (fault !== undefined) return fault
    return source.startsWith('path:') ? undefined : addressFault(`layout:x${repository}`)
  }
  if (source.startsWith('oci:')) return addressFault(source)
  if (/^(git\+)?https?:/.test(source) || source.startsWith('git+ssh:')) return urlFault(source)
  return 'is none of oci://, layout:, archive:, path:, https:// and git+https://'
}

/**
 * The same source with a path relative to the lock's folder, so that the lock says the same on every
 * machine. Addresses of hosts stay as they are.
 * @param base absolute path of the folder the lock lies in
 * @throws LOCK_SOURCE_NOT_PORTABLE where a path shares nothing with the lock's but the root of the system
 */
export function relativeSource(source: string, base: string): string {
  if (!local.test(source)) return source
  const { scheme, path, repository } = splitLocal(source)
  const from = resolve(base)
  const to = resolve(from, path)
  const way = relative(from, to)
  const text = sep === '\\' ? way.replaceAll('\\', '/') : way
  const ups = text.split('/').filter((part) => part === '..').length
  const depth = from.split(sep).filter((part) => part !== '').length
  // As many steps up as there are folders: an absolute path in other words.
  if (isAbsolute(way) || (ups > 0 && ups >= depth))
    throw refused('LOCK_SOURCE_NOT_PORTABLE', `${scheme}:${to} means nothing on another machine`, {
      hint: `Put it below or beside ${from}, where the lock can name it by a relative path, or use a registry.`,
    })
  return `${scheme}:${text === '' ? '.' : text}${repository}`
}

/** The same source with an absolute path, to open it. */
export function absoluteSource(source: string, base: string): string {
  if (!local.test(source)) return source
  const { scheme, path, repository } = splitLocal(source)
  return `${scheme}:${resolve(base, path)}${repository}`
}

/** `repository` keeps its `#`. */
function splitLocal(source: string): { scheme: string; path: string; repository: string } {
  const colon = source.indexOf(':')
  const scheme = source.slice(0, colon)
  const rest = source.slice(colon + 1)
  const sharp = scheme === 'path' ? -1 : rest.lastIndexOf('#')
  return sharp < 0
    ? { scheme, path: rest, repository: '' }
    : { scheme, path: rest.slice(0, sharp), repository: rest.slice(sharp) }
}

/** `..` may only lead: `../beside`, never `a/../../b`. */
function relativeFault(path: string): string | undefined {
  if (path === '.') return undefined
  const fault = pathFault(path.replace(/^(\.\.\/)+/, '').replace(/^\.\.$/, 'x'))
  if (fault === 'leaves the folder') return 'is not a normal path'
  return fault === 'is absolute' ? 'has an absolute path' : fault && `has a path that ${fault}`
}

function addressFault(text: string): string | undefined {
  try {
    const { tag, digest } = parseAddress(text)
    return tag === undefined && digest === undefined ? undefined : 'names a tag or digest'
  } catch {
    return 'is not an address'
  }
}

function urlFault(text: string): string | undefined {
  const url = URL.parse(text.replace(/^git\+/, ''))
  if (url === null || url.hostname === '') return 'is not a URL'
  // ssh needs a user; what must not be published is a password.
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    return 'holds a user or password'
  return undefined
}

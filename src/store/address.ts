import { resolve } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import { parseDigest } from '../oci/digest.ts'
import { parseRepository, parseTag, type Tag } from '../oci/reference.ts'

/** Where a registry is: a host, a folder of layouts, or one archive file. */
export type Place =
  | { readonly scheme: 'oci'; readonly host: string }
  | { readonly scheme: 'layout'; readonly path: string }
  | { readonly scheme: 'archive'; readonly path: string }

/** A target or source: a place, and for a host the prefix under which repositories stand. */
export type Target = Place & { readonly prefix: string }

/** One artifact, or one repository where tag and digest are missing. */
export type Address = Place & {
  /** Empty where the place itself is one repository. */
  readonly repository: string
  readonly tag?: Tag
  readonly digest?: Digest
}

const hint = 'Write oci://HOST[:PORT]/PREFIX, layout:DIR or archive:FILE.'

/** Reads `oci://HOST[:PORT]/PREFIX`, `layout:DIR` or `archive:FILE`. @throws ADDRESS_INVALID */
export function parseTarget(text: string): Target {
  const [place, rest] = parsePlace(text)
  if (place.scheme !== 'oci') {
    if (rest !== '') throw invalid(text, 'a target names no repository or tag')
    return { ...place, prefix: '' }
  }
  if (/[:@]/.test(rest)) throw invalid(text, 'a target has a prefix, but no tag or digest')
  return { ...place, prefix: rest === '' ? '' : parseRepository(rest) }
}

/**
 * Reads `oci://HOST/REPOSITORY[:TAG][@DIGEST]`, `layout:DIR[#REPOSITORY][:TAG][@DIGEST]` or
 * `archive:FILE[#REPOSITORY][:TAG][@DIGEST]`. @throws ADDRESS_INVALID
 */
export function parseAddress(text: string): Address {
  const [place, rest] = parsePlace(text)
  const at = rest.indexOf('@')
  const named = at < 0 ? rest : rest.slice(0, at)
  const colon = named.indexOf(':')
  const repository = colon < 0 ? named : named.slice(0, colon)
  if (repository === '' && place.scheme === 'oci') throw invalid(text, 'the repository is missing')
  return {
    ...place,
    repository: repository === '' ? '' : parseRepository(repository),
    ...(colon < 0 ? {} : { tag: parseTag(named.slice(colon + 1)) }),
    ...(at < 0 ? {} : { digest: parseDigest(rest.slice(at + 1)) }),
  }
}

/** Bytes of an address that names a repository: more is nobody's. */
const longestAddress = 512

/** Whether a text is `oci://HOST/REPOSITORY`, without user, tag and digest. */
export function isRepositoryAddress(text: string): boolean {
  if (text.length > longestAddress || !text.startsWith('oci://')) return false
  try {
    const address = parseAddress(text)
    return showAddress(address) === text && address.tag === undefined && address.digest === undefined
  } catch {
    return false
  }
}

/** The same with a relative path made absolute: on a command line it starts from the current folder. */
export function located<P extends Place>(place: P, base: string): P {
  return place.scheme === 'oci' ? place : { ...place, path: resolve(base, place.path) }
}

/** The same place as text, as errors and summaries show it. */
export function showPlace(place: Place): string {
  return place.scheme === 'oci' ? `oci://${place.host}` : `${place.scheme}:${place.path}`
}

export function showTarget(target: Target): string {
  return target.prefix === '' ? showPlace(target) : `${showPlace(target)}/${target.prefix}`
}

export function showAddress(address: Address): string {
  const joint = address.scheme === 'oci' ? '/' : '#'
  const repository = address.repository === '' ? '' : `${joint}${address.repository}`
  const tag = address.tag === undefined ? '' : `:${address.tag}`
  const digest = address.digest === undefined ? '' : `@${address.digest}`
  return `${showPlace(address)}${repository}${tag}${digest}`
}

/** A repository's full path at a target: its prefix, the kind's prefix and the repository's own name. */
export function under(target: Target, ...parts: readonly string[]): string {
  return parseRepository([target.prefix, ...parts].filter((part) => part !== '').join('/'))
}

function parsePlace(text: string): [Place, rest: string] {
  const colon = text.indexOf(':')
  const scheme = text.slice(0, Math.max(colon, 0))
  const after = text.slice(colon + 1)
  if (scheme === 'oci') {
    const match = /^\/\/([^/]+)(?:\/(.*))?$/s.exec(after)
    const [, host = '', rest = ''] = match ?? []
    if (!isHost(host)) throw invalid(text, `${JSON.stringify(host)} is not a host`)
    // Hosts are the same in any case (RFC 3986, section 3.2.2): credentials and rules must not tell them apart.
    return [{ scheme, host: host.toLowerCase() }, rest.replace(/\/$/, '')]
  }
  if (scheme === 'layout' || scheme === 'archive') {
    const { path, rest } = splitPath(after)
    if (path === '') throw invalid(text, `${scheme === 'layout' ? 'the folder' : 'the file'} is missing`)
    if (path.includes('\0')) throw invalid(text, 'the path holds a NUL')
    return [{ scheme, path }, rest]
  }
  throw invalid(text, 'the scheme is missing')
}

/** A path ends at `#`; without one, at the last `:` that a tag or digest can follow. */
function splitPath(text: string): { path: string; rest: string } {
  const sharp = text.lastIndexOf('#')
  if (sharp >= 0) return { path: text.slice(0, sharp), rest: text.slice(sharp + 1) }
  const slash = text.lastIndexOf('/')
  const digest = text.lastIndexOf('@')
  if (digest > slash && /^@[a-z0-9]+:[0-9a-f]+$/.test(text.slice(digest)))
    return { path: text.slice(0, digest), rest: text.slice(digest) }
  const colon = text.lastIndexOf(':')
  if (colon > slash) return { path: text.slice(0, colon), rest: text.slice(colon) }
  return { path: text, rest: '' }
}

function isHost(host: string): boolean {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::(\d{1,5}))?$/.exec(host)
  return match !== null && (match[1] === undefined || Number(match[1]) <= 65_535)
}

function invalid(text: string, why: string) {
  const shown = JSON.stringify(withoutUser(text).slice(0, 300))
  return badInput('ADDRESS_INVALID', `${shown} is not an address: ${withoutUser(why)}`, {
    hint:
      text.includes('@') && text.startsWith('oci:')
        ? `${hint} Credentials do not stand in addresses: use slipway login.`
        : hint,
  })
}

/** A mistaken `user:password@` must not come into a log. */
export function withoutUser(text: string): string {
  return text.replace(/(^|\/\/|")[^/@"]*@/g, '$1…@')
}

import { badInput } from '../core/error.ts'
import { type Digest, parseDigest } from './digest.ts'

declare const brand: unique symbol
/** Only the tag: `1.28.0`, never with repository. Checked by `parseTag`. */
export type Tag = string & { readonly [brand]: 'Tag' }

/** Full address inside a registry: repository with tag, digest or both. */
export interface Reference {
  readonly repository: string
  readonly tag?: Tag
  readonly digest?: Digest
}

const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

/** Distribution spec v1.1, "Pulling manifests". @throws TAG_INVALID */
export function parseTag(text: string): Tag {
  if (!isTag(text))
    throw badInput('TAG_INVALID', `${JSON.stringify(text.slice(0, 200))} cannot be a tag in a registry`, {
      hint: 'A tag has at most 128 letters, digits, ".", "_" and "-", and starts with a letter, digit or "_".',
    })
  return text
}

export function isTag(text: unknown): text is Tag {
  return typeof text === 'string' && tagPattern.test(text)
}

/** Distribution spec v1.1, `<name>`; at most 255 characters. @throws REPOSITORY_INVALID */
export function parseRepository(text: string): string {
  if (!isRepository(text))
    throw badInput('REPOSITORY_INVALID', `${JSON.stringify(text.slice(0, 300))} cannot be a repository`, {
      hint: 'Use lower-case letters and digits, separated by ".", "_", "-" or "/".',
    })
  return text
}

export function isRepository(text: string): boolean {
  return text.length <= 255 && repositoryPattern.test(text)
}

/** Reads `repository[:tag][@digest]`. @throws REPOSITORY_INVALID, TAG_INVALID, DIGEST_INVALID */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@')
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  return {
    repository: parseRepository(hasTag ? named.slice(0, colon) : named),
    ...(hasTag ? { tag: parseTag(named.slice(colon + 1)) } : {}),
    ...(at < 0 ? {} : { digest: parseDigest(text.slice(at + 1)) }),
  }
}

export function showReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${reference.repository}${tag}${digest}`
}

/** The tag that stands in for the referrers API (distribution spec, "Referrers Tag Schema"). */
export function referrersTag(subject: Digest): Tag {
  const [algorithm = '', encoded = ''] = subject.split(':')
  return parseTag(`${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`)
}

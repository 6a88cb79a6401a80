import type { Kind, Layouts } from '../extension/kinds.ts'
import { isName, nameForm } from '../extension/name.ts'
import type { PackagePlace } from '../extension/place.ts'
import { withoutUser } from '../store/address.ts'
import { setOf, type VersionSet } from '../version/version-set.ts'

/** One entry, read. */
export interface Wanted {
  readonly name: string
  readonly set: VersionSet
  /** The range as written; `*` where there is none. */
  readonly text: string
  readonly source: PackagePlace
}

/** What the meaning of an entry depends on. */
export interface SourceOptions {
  readonly kind: Kind
  readonly layouts: Layouts
  /** What an entry without a scheme is. */
  readonly sourceType: 'oci' | 'gitea' | 'local'
  /** Where an entry that is only a name is found. */
  readonly registry?: { readonly host: string; readonly namespace: string } | undefined
  /** Relative paths start here; absolute. */
  readonly root: string
  /** What `~` stands for; absolute. */
  readonly home: string
  /** What `gitea://` without a host stands for. */
  readonly giteaUrl?: string | undefined
}

export type SourceCode =
  | 'WORKSPACE_SOURCE_INVALID'
  | 'WORKSPACE_REGISTRY_MISSING'
  | 'WORKSPACE_GITEA_URL_MISSING'

/** Why an entry cannot be read; becomes a finding at the entry's place. */
export class SourceFault extends Error {
  readonly code: SourceCode
  readonly hint: string | undefined

  constructor(message: string, hint?: string, code: SourceCode = 'WORKSPACE_SOURCE_INVALID') {
    super(message)
    this.code = code
    this.hint = hint
  }
}

/** The range after `:`; `*` where there is none. @throws RANGE_INVALID */
export function versionsOf(range: string | undefined): { readonly set: VersionSet; readonly text: string } {
  const text = range?.trim() ?? '*'
  if (text === 'latest')
    throw new SourceFault('wants latest, which is no version', 'Write * for any version.')
  return { set: setOf(text), text }
}

/** What stands before and after the first `:` behind the last `/`. */
export function splitRange(text: string): { readonly named: string; readonly range: string | undefined } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  if (colon < 0) return { named: text, range: undefined }
  return { named: text.slice(0, colon), range: text.slice(colon + 1) }
}

export function splitFragment(text: string): {
  readonly base: string
  readonly fragment: string | undefined
} {
  const sharp = text.indexOf('#')
  if (sharp < 0) return { base: text, fragment: undefined }
  return { base: text.slice(0, sharp), fragment: text.slice(sharp + 1) }
}

export function checkName(name: string, { kind, layouts }: SourceOptions): string {
  if (kind === 'core') return layouts.core.name ?? 'core'
  if (name === 'core')
    throw new SourceFault('is named core, like the provisioning system itself', 'Rename the extension.')
  if (!isName(name))
    throw new SourceFault(
      `has ${JSON.stringify(withoutUser(name).slice(0, 100))} where the name stands`,
      `A name has ${nameForm}.`,
    )
  return name
}

export function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

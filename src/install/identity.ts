import { isExtensionKind, type Kind } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { annotation } from '../oci/annotations.ts'
import type { Annotations } from '../oci/descriptor.ts'
import { versionOf } from '../version/version.ts'

/** Which package a manifest says that it is. */
export interface Identity {
  readonly kind: Kind
  readonly name: string
  readonly version: string
}

/** Undefined for what is no package of ours or kpm's, and for one whose description nobody can trust. */
export function identityOf(annotations: Annotations = {}): Identity | undefined {
  const own = (key: string) => (Object.hasOwn(annotations, key) ? annotations[key] : undefined)
  const [name, version] = [own(annotation.kclName), own(annotation.kclVersion)]
  if (name !== undefined && version !== undefined) return checked({ kind: 'kcl', name, version })
  const { type, ...said } = parsed(own(annotation.manifest)) ?? {}
  if (typeof said.name !== 'string' || typeof said.version !== 'string') return undefined
  if (typeof type !== 'string' || !isExtensionKind(type as Kind)) return undefined
  return checked({ kind: type as Kind, name: said.name, version: said.version })
}

function checked(identity: Identity): Identity | undefined {
  const { name, version } = identity
  return isName(name) && versionOf(version) !== undefined ? identity : undefined
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

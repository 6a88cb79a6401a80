import { badInput } from '../core/error.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import type { Platform } from './platform.ts'

/** Image spec v1.1, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly annotations?: Annotations
  readonly artifactType?: string
  readonly platform?: Platform
  readonly urls?: readonly string[]
  /** Base64 of the content itself. */
  readonly data?: string
}

export type Annotations = Readonly<Record<string, string>>

export function descriptorOf(type: string, bytes: Uint8Array): Descriptor {
  return { mediaType: type, digest: digestOf(bytes), size: bytes.byteLength }
}

/** The part that identifies content: mediaType, digest and size, nothing that decorates it. */
export function plain(descriptor: Descriptor): Descriptor {
  return { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size }
}

/**
 * Checks a descriptor that came from outside.
 * @throws DESCRIPTOR_INVALID
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  const fault = descriptorFault(value)
  if (fault !== undefined)
    throw badInput('DESCRIPTOR_INVALID', `${where}: ${fault}`, {
      hint: 'The manifest is damaged or hostile; rebuild or re-push it.',
    })
  return value as Descriptor
}

function descriptorFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'descriptor is not an object'
  const { mediaType, digest, size, annotations } = value as Record<string, unknown>
  if (typeof mediaType !== 'string' || mediaType === '') return 'descriptor has no mediaType'
  if (!isDigest(digest)) return 'descriptor has no valid digest'
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return `${digest} has no valid size`
  if (annotations !== undefined && !isAnnotations(annotations))
    return `${digest} has annotations that are not strings`
  return undefined
}

export function isAnnotations(value: unknown): value is Annotations {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'string')
  )
}

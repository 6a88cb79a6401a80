import { badInput } from '../core/error.ts'
import {
  type Annotations,
  type Descriptor,
  descriptorOf,
  isAnnotations,
  parseDescriptor,
} from './descriptor.ts'
import { isIndexType, isManifestType, mediaType } from './media-type.ts'

/** Image spec v1.1, manifest.md. */
export interface ImageManifest {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

/** Image spec v1.1, image-index.md. */
export interface ImageIndex {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: Annotations
}

export type Manifest = ImageManifest | ImageIndex

/** A document and its exact bytes never part: digests cover bytes, not meaning. */
export interface Encoded<M extends Manifest = Manifest> {
  readonly manifest: M
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** Serialises once; keys keep the order they were given in. */
export function encode<M extends Manifest>(manifest: M): Encoded<M> {
  const bytes = new TextEncoder().encode(JSON.stringify(manifest))
  return { manifest, bytes, descriptor: describe(manifest, bytes) }
}

/**
 * Reads a manifest's bytes as they came from a store. Unknown fields are kept; every descriptor is checked.
 * `contentType` decides where the document itself names no mediaType (allowed by the spec).
 * @throws MANIFEST_INVALID, DESCRIPTOR_INVALID
 */
export function decode(bytes: Uint8Array, contentType: string | undefined, where: string): Encoded {
  const document = parseObject(bytes, where)
  const declared = typeof document.mediaType === 'string' ? document.mediaType : undefined
  const type =
    declared ?? (contentType !== undefined && isManifestType(contentType) ? contentType : guess(document))
  if (type === undefined || !isManifestType(type))
    throw invalid(where, `media type ${JSON.stringify(type ?? contentType ?? 'none')} is not a manifest's`)
  const key = isIndexType(type) ? 'manifests' : 'layers'
  const list = document[key]
  if (!Array.isArray(list)) throw invalid(where, `"${key}" is not a list`)
  for (const [index, one] of list.entries()) parseDescriptor(one, `${where}, ${key}[${index}]`)
  if (!isIndexType(type)) parseDescriptor(document.config, `${where}, config`)
  if (document.subject !== undefined) parseDescriptor(document.subject, `${where}, subject`)
  if (document.annotations !== undefined && !isAnnotations(document.annotations))
    throw invalid(where, '"annotations" is not a map of strings')
  const manifest = { ...document, mediaType: type } as unknown as Manifest
  return { manifest, bytes, descriptor: describe(manifest, bytes) }
}

export function isIndex(manifest: Manifest): manifest is ImageIndex {
  return isIndexType(manifest.mediaType)
}

/** What a manifest points down to: its config and layers, or its manifests. The subject is not a child. */
export function children(manifest: Manifest): readonly Descriptor[] {
  return isIndex(manifest) ? manifest.manifests : [manifest.config, ...manifest.layers]
}

/** The archive with a package's files; undefined for what is no package: an index, or layers of other number or type. */
export function packageLayer(manifest: Manifest): Descriptor | undefined {
  const [layer, ...more] = isIndex(manifest) ? [] : manifest.layers
  const archives: readonly string[] = [mediaType.layerTarGzip, mediaType.layerTar]
  return layer !== undefined && more.length === 0 && archives.includes(layer.mediaType) ? layer : undefined
}

/** Its artifactType, or the config's mediaType where there is none (distribution spec, "Listing Referrers"). */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  return manifest.artifactType ?? (isIndex(manifest) ? undefined : manifest.config.mediaType)
}

/** The entry `referrers()` lists for this manifest: artifactType and annotations pulled up. */
export function referrerDescriptor(referrer: Encoded): Descriptor {
  const artifactType = artifactTypeOf(referrer.manifest)
  return {
    ...referrer.descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(referrer.manifest.annotations === undefined ? {} : { annotations: referrer.manifest.annotations }),
  }
}

function describe(manifest: Manifest, bytes: Uint8Array): Descriptor {
  return descriptorOf(manifest.mediaType, bytes)
}

function guess(document: Record<string, unknown>): string | undefined {
  if (Array.isArray(document.manifests)) return mediaType.index
  if (Array.isArray(document.layers) && document.config !== undefined) return mediaType.manifest
  return undefined
}

function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw badInput('MANIFEST_INVALID', `${where} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(where, 'not an object')
  return value as Record<string, unknown>
}

function invalid(where: string, what: string) {
  return badInput('MANIFEST_INVALID', `${where}: ${what}`, {
    hint: 'Slipway reads OCI and Docker schema 2 manifests and indexes.',
  })
}

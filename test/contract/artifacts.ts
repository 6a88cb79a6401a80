import { createHash } from 'node:crypto'
import { type Descriptor, descriptorOf } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { type Encoded, encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { type Content, contentOf, type Store } from '../../src/store/store.ts'

export interface Blob {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/** A blob whose bytes follow from its text. */
export function blobOf(text: string, type: string = mediaType.layerTarGzip): Blob {
  const bytes = new TextEncoder().encode(text)
  return { descriptor: descriptorOf(type, bytes), bytes }
}

export const emptyConfig = blobOf('{}', mediaType.empty)

export function manifestOf(
  layers: readonly Blob[],
  more: { subject?: Descriptor; artifactType?: string; annotations?: Record<string, string> } = {},
): Encoded {
  return encode({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    artifactType: 'application/vnd.example.thing',
    config: emptyConfig.descriptor,
    layers: layers.map((layer) => layer.descriptor),
    ...more,
  })
}

export function indexOf(manifests: readonly Encoded[], more: { subject?: Descriptor } = {}): Encoded {
  return encode({
    schemaVersion: 2,
    mediaType: mediaType.index,
    manifests: manifests.map((one) => one.descriptor),
    ...more,
  })
}

export async function pushBlob(store: Store, blob: Blob): Promise<void> {
  await store.push(blob.descriptor, contentOf(blob.bytes))
}

/** Pushes an artifact of one layer. */
export async function artifact(
  store: Store,
  text: string,
  more: Parameters<typeof manifestOf>[1] = {},
): Promise<Encoded> {
  const layer = blobOf(text)
  const manifest = manifestOf([layer], more)
  await pushBlob(store, emptyConfig)
  await pushBlob(store, layer)
  await store.put(manifest)
  return manifest
}

/** Content that counts how often it is opened and how much of it is read. */
export function counted(bytes: Uint8Array): Content & { opened: number; read: number } {
  const content = {
    opened: 0,
    read: 0,
    async *open(offset = 0) {
      content.opened += 1
      for await (const chunk of contentOf(bytes).open(offset)) {
        content.read += chunk.byteLength
        yield chunk
      }
    },
  }
  return content
}

/** Content of any size that is never in memory as a whole. */
export function large(size: number): { descriptor: Descriptor; content: Content } {
  const piece = Buffer.alloc(65_536, 'slipway ')
  async function* open(offset = 0) {
    for (let at = offset; at < size; at += piece.byteLength)
      yield piece.subarray(at % 8, Math.min((at % 8) + size - at, piece.byteLength))
  }
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += piece.byteLength)
    hash.update(piece.subarray(0, Math.min(size - at, piece.byteLength)))
  const digest = `sha256:${hash.digest('hex')}` as Digest
  return { descriptor: { mediaType: mediaType.layerTar, digest, size }, content: { open } }
}

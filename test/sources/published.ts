import { annotation } from '../../src/oci/annotations.ts'
import type { Annotations } from '../../src/oci/descriptor.ts'
import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { manifestConfigType } from '../../src/package/pack.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { contentOf, type Registry } from '../../src/store/store.ts'
import { memoryTree } from '../../src/tree/memory.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

export interface Published {
  /** `manifest.yaml`. */
  readonly manifest: Readonly<Record<string, unknown>>
  readonly repository?: string
  readonly tag?: string
  /** Where the manifest stands; default: in the annotation and in the config. */
  readonly told?: 'annotation' | 'config' | 'nowhere'
  readonly annotations?: Annotations
  readonly layer?: Uint8Array
  /** Changes the OCI manifest at last. */
  readonly change?: (manifest: ImageManifest) => ImageManifest
}

/** Publishes a version as a release would, as far as a solver sees it. */
export async function published(registry: Registry, one: Published): Promise<Encoded> {
  const { name, version } = one.manifest
  const { told = 'annotation', change = (manifest) => manifest } = one
  const store = registry.repository(one.repository ?? `extensions/${String(name)}`)
  const text = JSON.stringify(one.manifest)
  const config = bytesOf(told === 'nowhere' ? '{}' : text)
  const layer = one.layer ?? bytesOf(`files of ${String(name)} ${String(version)}`)
  const configDescriptor = descriptorOf(told === 'nowhere' ? mediaType.empty : manifestConfigType, config)
  const layerDescriptor = descriptorOf(mediaType.layerTarGzip, layer)
  await store.push(configDescriptor, contentOf(config))
  await store.push(layerDescriptor, contentOf(layer))
  const encoded = encode(
    change({
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      config: configDescriptor,
      layers: [layerDescriptor],
      annotations: { ...(told === 'annotation' ? { [annotation.manifest]: text } : {}), ...one.annotations },
    }),
  )
  await store.put(encoded)
  await store.tag(encoded, [parseTag(one.tag ?? String(version))])
  return encoded
}

/** Publishes version 1.0.0 of a KCL package as kpm does. */
export async function publishedKcl(registry: Registry, repository: string, mod: string): Promise<void> {
  const store = registry.repository(repository)
  const tree = memoryTree({ 'kcl.mod': mod, 'main.k': 'a = 1\n' })
  const { encoded } = await packKcl({ name: repository, tree }, store)
  await store.tag(encoded, [parseTag('1.0.0')])
}

/** A taskserv with these dependencies. */
export const taskserv = (
  name: string,
  version: string,
  dependencies: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {},
) => ({ name, type: 'taskserv', version, dependencies, ...more })

import { descriptorOf } from '../../src/oci/descriptor.ts'
import { type Encoded, encode, type ImageManifest } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { contentOf, type Store } from '../../src/store/store.ts'

/** Puts a small artifact without a tag; `text` decides its layer, `commit` its outer manifest only. */
export async function artifact(store: Store, text: string, commit = 'a'): Promise<Encoded<ImageManifest>> {
  const bytes = new TextEncoder().encode(text)
  const layer = descriptorOf(mediaType.layerTarGzip, bytes)
  const config = descriptorOf('application/vnd.slipway.manifest.v1+json', new TextEncoder().encode('{}'))
  const encoded = encode<ImageManifest>({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    artifactType: 'application/vnd.slipway.taskserv.v1',
    config,
    layers: [layer],
    annotations: { 'org.opencontainers.image.revision': commit },
  })
  await store.push(layer, contentOf(bytes))
  await store.push(config, contentOf(new TextEncoder().encode('{}')))
  await store.put(encoded)
  return encoded
}

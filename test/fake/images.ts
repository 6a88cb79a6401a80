import type { FakeRegistry } from './registry.ts'
import { sha256 } from './state.ts'

const type = 'application/vnd.oci.image.manifest.v1+json'

/** Puts one image a tag into a repository; tags that share a name share the image. */
export function putImages(
  fake: FakeRegistry,
  repository: string,
  tags: Readonly<Record<string, string>>,
): void {
  const store = fake.state.repository(repository)
  const config = Buffer.from('{}')
  store.blobs.set(sha256(config), config)
  for (const [tag, name] of Object.entries(tags)) {
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256(config), size: 2 },
        layers: [],
        annotations: { name },
      }),
    )
    store.manifests.set(sha256(manifest), { type, bytes: manifest })
    store.tags.set(tag, sha256(manifest))
  }
}

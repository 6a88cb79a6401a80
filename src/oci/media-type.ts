/** Media types of the OCI image spec v1.1 and the Docker types registries still serve. */
export const mediaType = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  layerTarGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerTar: 'application/vnd.oci.image.layer.v1.tar',
} as const

/** What an Accept header for any manifest lists. */
export const manifestTypes: readonly string[] = [
  mediaType.manifest,
  mediaType.index,
  mediaType.dockerManifest,
  mediaType.dockerIndex,
]

export function isManifestType(type: string): boolean {
  return manifestTypes.includes(type)
}

export function isIndexType(type: string): boolean {
  return type === mediaType.index || type === mediaType.dockerIndex
}

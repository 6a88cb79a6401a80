/** Annotation keys: the image spec's predefined ones (annotations.md) and our own. */
export const annotation = {
  title: 'org.opencontainers.image.title',
  version: 'org.opencontainers.image.version',
  description: 'org.opencontainers.image.description',
  authors: 'org.opencontainers.image.authors',
  licenses: 'org.opencontainers.image.licenses',
  url: 'org.opencontainers.image.url',
  source: 'org.opencontainers.image.source',
  created: 'org.opencontainers.image.created',
  revision: 'org.opencontainers.image.revision',
  refName: 'org.opencontainers.image.ref.name',
  /** The whole manifest.yaml as minified JSON, so that one request tells the dependencies. */
  manifest: 'dev.slipway.manifest',
  /** Name, version and dependencies of a KCL package as minified JSON, for the same reason. */
  kcl: 'dev.slipway.kcl',
  /** What kpm writes on the manifest of a KCL package. */
  kclName: 'org.kcllang.package.name',
  kclVersion: 'org.kcllang.package.version',
  kclDescription: 'org.kcllang.package.description',
  kclSum: 'org.kcllang.package.sum',
} as const

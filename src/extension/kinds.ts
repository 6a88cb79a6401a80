/** What a package is; decides its git tag, repository, artifactType and registry tag. */
export type Kind = 'provider' | 'taskserv' | 'cluster' | 'kcl' | 'core' | 'platform'

/** Kinds that are folders with a `manifest.yaml` and scripts. */
export const extensionKinds = ['provider', 'taskserv', 'cluster'] as const
export type ExtensionKind = (typeof extensionKinds)[number]

/** How one kind is laid out; every field can be changed in `slipway.yaml`. */
export interface KindLayout {
  /** Folder under the repository's root that holds the packages: `taskservs`. Empty for core and platform. */
  readonly folder: string
  /** Git tag with `{folder}`, `{name}` and `{version}`. */
  readonly gitTag: string
  /** Repository under the target's prefix, with `{name}`. */
  readonly repository: string
  /** Registry tag with `{version}`. */
  readonly registryTag: string
  /** Put between a target's prefix and the repository; usually empty. */
  readonly prefix: string
}

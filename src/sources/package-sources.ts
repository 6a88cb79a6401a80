import { join } from 'node:path'
import type { Report } from '../core/report.ts'
import { defaultLayouts, type ExtensionKind, extensionKinds, type Layouts } from '../extension/kinds.ts'
import type { Place, Target } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { folderTree } from '../tree/folder.ts'
import type { PackageId } from '../version/package-id.ts'
import { type FolderPackage, folderSource } from './folder-source.ts'
import { type ManifestCache, manifestCache } from './manifest-cache.ts'
import { packageFolder } from './package-folder.ts'
import { type RegistrySourceOptions, registrySource } from './registry-source.ts'
import type { PackageSource } from './source.ts'

/** Where one package is, as a workspace says it. */
export type PackagePlace =
  | { readonly type: 'oci'; readonly host: string; readonly repository: string }
  | { readonly type: 'layout' | 'archive'; readonly path: string; readonly repository: string }
  | { readonly type: 'folder'; readonly path: string }

export interface PlacesOptions {
  /** Absolute path of the repository or project. */
  readonly directory: string
  readonly layouts: Layouts
  readonly sources: readonly Target[]
  /** Whether somebody named the sources, or they are the default. */
  readonly sourcesGiven: boolean
  readonly workspace?: {
    readonly modules: readonly {
      readonly id: PackageId
      readonly kind: ExtensionKind
      readonly name: string
      readonly source: PackagePlace
    }[]
    /** Where what the modules need is found. */
    readonly extensions?: { readonly host: string; readonly namespace: string }
    readonly registry?: { readonly host: string; readonly namespaces: { readonly kcl?: string } }
  }
  readonly offline: boolean
  readonly cacheDirectory: string
  readonly concurrency: number
}

export interface Surroundings {
  readonly report: Report
  open(place: Place): Promise<Registry>
}

export interface PackageSources {
  /** Where a package may be, the place that counts first. */
  of(id: PackageId): readonly PackageSource[]
  /** The packages of the repository itself; none where a workspace says what is wanted. */
  readonly folders: readonly FolderPackage[]
}

/**
 * Every place of a run. Reads the repository's manifests, but opens nothing.
 * @throws FINDINGS for manifests that are broken
 */
export async function packageSources(
  options: PlacesOptions,
  { report, open }: Surroundings,
): Promise<PackageSources> {
  const { workspace, layouts, directory } = options
  const cache = manifestCache(join(options.cacheDirectory, 'manifests'), report)
  const made = new Map<string, PackageSource>()
  const at = (target: Target, own: Layouts): PackageSource => {
    const key = JSON.stringify([target, own === layouts])
    const known = made.get(key) ?? registrySource({ ...shared(options, cache, open), target, layouts: own })
    made.set(key, known)
    return known
  }
  if (workspace === undefined) {
    const folder = folderSource({ folder: directory, tree: folderTree(directory), layouts })
    const all = [folder, ...options.sources.map((target) => at(target, layouts))]
    return { of: () => all, folders: await folder.packages() }
  }
  const modules = new Map(workspace.modules.map((one) => [one.id, moduleSource(one)]))
  const extensions = workspaceTargets(workspace, layouts).map(({ target, layouts: own }) => at(target, own))
  const named = extensions.length === 0 || options.sourcesGiven ? options.sources : []
  const others = [...extensions, ...named.map((target) => at(target, layouts))]
  return {
    of(id) {
      const own = modules.get(id)
      return own === undefined ? others : [own]
    },
    folders: [],
  }

  function moduleSource({
    kind,
    name,
    source,
  }: NonNullable<PlacesOptions['workspace']>['modules'][number]) {
    if (source.type === 'folder') return packageFolder(source.path, kind, name)
    const { repository } = source
    const place: Place =
      source.type === 'oci'
        ? { scheme: 'oci', host: source.host }
        : { scheme: source.type, path: source.path }
    // A module's address names its repository in full, whatever templates say.
    const own = { ...layouts }
    for (const one of extensionKinds) own[one] = { ...layouts[one], repository, prefix: '' }
    return registrySource({ ...shared(options, cache, open), target: { ...place, prefix: '' }, layouts: own })
  }
}

function shared(
  { offline, concurrency }: PlacesOptions,
  cache: ManifestCache,
  open: Surroundings['open'],
): Omit<RegistrySourceOptions, 'target' | 'layouts'> {
  return { open, cache, offline, concurrency }
}

/** The registries a workspace names, with its own namespaces in place of prefixes. */
function workspaceTargets(
  { extensions, registry }: NonNullable<PlacesOptions['workspace']>,
  layouts: Layouts,
): { readonly target: Target; readonly layouts: Layouts }[] {
  const kcl = registry?.namespaces.kcl
  const own = { ...layouts, kcl: { ...layouts.kcl, prefix: kcl ?? layouts.kcl.prefix } }
  if (extensions !== undefined)
    for (const kind of extensionKinds) own[kind] = { ...defaultLayouts[kind], prefix: extensions.namespace }
  const hosts = new Set([extensions?.host, registry?.host].filter((host) => host !== undefined))
  return [...hosts].map((host) => ({ target: { scheme: 'oci', host, prefix: '' }, layouts: own }))
}

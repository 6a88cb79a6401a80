import { join } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import { defaultLayouts, type ExtensionKind, extensionKinds, type Layouts } from '../extension/kinds.ts'
import type { Transport } from '../http/transport.ts'
import type { Digest } from '../oci/digest.ts'
import type { Environment } from '../process/environment.ts'
import { type Place, showPlace, type Target } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { folderTree } from '../tree/folder.ts'
import type { PackageId } from '../version/package-id.ts'
import { type FolderPackage, folderSource } from './folder-source.ts'
import { type GitRemote, gitRemote } from './git-remote.ts'
import { gitSource } from './git-source.ts'
import { manifestCache } from './manifest-cache.ts'
import { packageFolder } from './package-folder.ts'
import { registrySource } from './registry-source.ts'
import type { PackageSource } from './source.ts'
import { tarballSource } from './tarball-source.ts'

/** Where one package is, as a workspace says it. */
export type PackagePlace =
  | { readonly type: 'oci'; readonly host: string; readonly repository: string }
  | { readonly type: 'layout' | 'archive'; readonly path: string; readonly repository: string }
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'tarball'; readonly url: string; readonly digest: Digest }
  | { readonly type: 'git'; readonly url: string; readonly tag: string }

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
  readonly environment: Environment
  open(place: Place): Promise<Registry>
  transport(): Promise<Transport>
  scratch(): Promise<string>
}

/** Disposing ends what asked git. */
export interface PackageSources extends AsyncDisposable {
  /** Where a package may be, the place that counts first. */
  of(id: PackageId): readonly PackageSource[]
  /** The packages of the repository itself; none where a workspace says what is wanted. */
  readonly folders: readonly FolderPackage[]
}

type Module = NonNullable<PlacesOptions['workspace']>['modules'][number]

/**
 * Every place of a run. Reads the repository's manifests, but asks no host.
 * @throws FINDINGS for manifests that are broken
 */
export async function packageSources(
  options: PlacesOptions,
  surroundings: Surroundings,
): Promise<PackageSources> {
  const { workspace, layouts, directory, offline } = options
  const { report, open, environment, scratch } = surroundings
  const cache = manifestCache(join(options.cacheDirectory, 'manifests'), report)
  const common = { open, cache, offline, concurrency: options.concurrency }
  const remotes = new Map<string, GitRemote>()
  const dispose = async () => {
    for (const remote of remotes.values()) await remote[Symbol.asyncDispose]()
  }
  if (workspace === undefined) {
    const folder = folderSource({ folder: directory, tree: folderTree(directory), layouts })
    const all = [folder, ...options.sources.map((target) => registrySource({ ...common, target, layouts }))]
    return { of: () => all, folders: await folder.packages(), [Symbol.asyncDispose]: dispose }
  }
  const modules = new Map<PackageId, PackageSource>()
  for (const one of workspace.modules) modules.set(one.id, await moduleSource(one))
  const own = workspaceTargets(workspace, layouts).map((place) => registrySource({ ...common, ...place }))
  // Where a workspace names its registries, the default layout of a repository is none of them.
  const named = own.length === 0 || options.sourcesGiven ? options.sources : []
  const others = [...own, ...named.map((target) => registrySource({ ...common, target, layouts }))]
  return {
    of(id) {
      const module = modules.get(id)
      return module === undefined ? others : [module]
    },
    folders: [],
    [Symbol.asyncDispose]: dispose,
  }

  async function moduleSource({ id, kind, name, source }: Module): Promise<PackageSource> {
    switch (source.type) {
      case 'folder':
        return packageFolder(source.path, kind, name)
      case 'tarball':
        return tarballSource({ ...source, id, scratch, offline, transport: await surroundings.transport() })
      case 'git': {
        const known = remotes.get(source.url) ?? gitRemote({ url: source.url, environment, scratch, offline })
        remotes.set(source.url, known)
        return gitSource({ remote: known, kind, name, tag: source.tag, layouts })
      }
      default:
        return registrySource({ ...common, ...moduleTarget(source, layouts) })
    }
  }
}

/** A module's address names its repository in full, whatever templates say. */
function moduleTarget(
  source: Extract<PackagePlace, { readonly repository: string }>,
  layouts: Layouts,
): { readonly target: Target; readonly layouts: Layouts } {
  const { repository } = source
  const place: Place =
    source.type === 'oci' ? { scheme: 'oci', host: source.host } : { scheme: source.type, path: source.path }
  if (repository === '')
    throw badInput('SOURCE_UNSUPPORTED', `${showPlace(place)} does not say which repository`, {
      hint: 'Write layout:DIR#REPOSITORY.',
    })
  const own = { ...layouts }
  for (const kind of extensionKinds) own[kind] = { ...layouts[kind], repository, prefix: '' }
  return { target: { ...place, prefix: '' }, layouts: own }
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

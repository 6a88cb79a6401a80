import { join } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import { type ExtensionKind, extensionKinds, type Layouts } from '../extension/kinds.ts'
import type { PackagePlace } from '../extension/place.ts'
import type { Transport } from '../http/transport.ts'
import type { Environment } from '../process/environment.ts'
import { type Place, showPlace, type Target } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { folderTree } from '../tree/folder.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import { addressedSources, namedAddresses } from './addressed.ts'
import { type FolderPackage, folderSource } from './folder-source.ts'
import { type GitRemote, gitRemote } from './git-remote.ts'
import { gitSource } from './git-source.ts'
import { manifestCache } from './manifest-cache.ts'
import { packageFolder } from './package-folder.ts'
import { registrySource } from './registry-source.ts'
import type { PackageSource } from './source.ts'
import { tarballSource } from './tarball-source.ts'

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
  /** Packages whose requirements are replaced, by id: they may get other versions than their folder has. */
  readonly overrides: Readonly<Record<string, string>>
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
  /** The repository of KCL packages at `oci://HOST/REPOSITORY`; for what none of the places has. */
  at(address: string): PackageSource
  /** Addresses that the repository's own packages name in `kcl.mod`, by package, sorted. */
  readonly named: ReadonlyMap<PackageId, readonly string[]>
  /** Whether a package is sought at an address, with an absolute path; that of a module is its own business. */
  seeks(id: PackageId, address: string): boolean
  /** The packages of the repository itself; with a workspace those of its modules that are folders. */
  readonly folders: readonly FolderPackage[]
}

/** An extension that a workspace wants. */
export type Module = NonNullable<PlacesOptions['workspace']>['modules'][number]

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
  const at = addressedSources(layouts, common)
  const remotes = new Map<string, GitRemote>()
  const dispose = async () => {
    for (const remote of remotes.values()) await remote[Symbol.asyncDispose]()
  }
  if (workspace === undefined) {
    const folder = folderSource({ folder: directory, tree: folderTree(directory), layouts })
    const folders = await folder.packages()
    // Only an override could make any other version of them the right one: no need to ask for it.
    const own = new Set(folders.map(({ candidate: { id } }) => id))
    const alone = [folder]
    const all = [folder, ...options.sources.map((target) => registrySource({ ...common, target, layouts }))]
    const of = (id: PackageId) => (own.has(id) && !Object.hasOwn(options.overrides, id) ? alone : all)
    const named = namedAddresses(folders)
    return {
      of,
      at,
      named,
      seeks: (id, address) =>
        holds(of(id), id, address) ||
        named.get(id)?.includes(address) === true ||
        folders.some(({ candidate }) => candidate.id === id && candidate.source === address),
      folders,
      [Symbol.asyncDispose]: dispose,
    }
  }
  const modules = new Map<PackageId, PackageSource>()
  const folders: FolderPackage[] = []
  for (const one of workspace.modules) modules.set(one.id, await moduleSource(one))
  const own = workspaceTargets(workspace, layouts)
  // Where a workspace names its registries, the default layout of a repository is none of them.
  const targets = own.length === 0 || options.sourcesGiven ? options.sources : []
  const given = targets.map((target) => registrySource({ ...common, target, layouts }))
  const others = new Map(
    [true, false].map((kcl) => {
      const places = own.filter((one) => one.kcl === kcl)
      // What is said on the command line or in slipway.yaml counts before a workspace, here as everywhere.
      return [kcl, [...given, ...places.map((place) => registrySource({ ...common, ...place }))]]
    }),
  )
  const of = (id: PackageId) => {
    const module = modules.get(id)
    return module === undefined ? (others.get(isKcl(id)) ?? []) : [module]
  }
  const named = namedAddresses(folders)
  return {
    of,
    at,
    named,
    seeks: (id, address) =>
      modules.has(id) || holds(of(id), id, address) || named.get(id)?.includes(address) === true,
    folders,
    [Symbol.asyncDispose]: dispose,
  }

  async function moduleSource({ id, kind, name, source }: Module): Promise<PackageSource> {
    switch (source.type) {
      case 'folder': {
        const folder = packageFolder(source.path, kind, name)
        folders.push(await folder.package())
        return folder
      }
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

function holds(sources: readonly PackageSource[], id: PackageId, address: string): boolean {
  return sources.some((source) => source.holds?.(id, address) === true)
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

/**
 * The registries a workspace names: its namespaces stand before what templates make, as for an entry that is
 * only a name.
 */
function workspaceTargets(
  { extensions, registry }: NonNullable<PlacesOptions['workspace']>,
  layouts: Layouts,
): { readonly target: Target; readonly layouts: Layouts; readonly kcl: boolean }[] {
  const kclHost = registry?.host ?? extensions?.host
  const kcl = { ...layouts.kcl, prefix: registry?.namespaces.kcl ?? layouts.kcl.prefix }
  return [
    ...(extensions === undefined
      ? []
      : [{ target: registryAt(extensions.host, extensions.namespace), layouts, kcl: false }]),
    ...(kclHost === undefined
      ? []
      : [{ target: registryAt(kclHost, ''), layouts: { ...layouts, kcl }, kcl: true }]),
  ]
}

function registryAt(host: string, prefix: string): Target {
  return { scheme: 'oci', host, prefix }
}

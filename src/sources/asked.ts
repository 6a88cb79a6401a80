import { badInput } from '../core/error.ts'
import type { Layouts } from '../extension/kinds.ts'
import type { PackagePlace } from '../extension/place.ts'
import { type Requirements, rootTexts } from '../lockfile/requirements.ts'
import type { Root } from '../solver/solution.ts'
import type { Target } from '../store/address.ts'
import { core } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import { exactly } from '../version/version-set.ts'
import { type CoreCandidate, coreCandidate } from './core-version.ts'
import type { FolderPackage } from './folder-source.ts'
import {
  type PackageSources,
  type PlacesOptions,
  packageSources,
  type Surroundings,
} from './package-sources.ts'
import { type ProviderOptions, providerOf, type SourceProvider } from './provider.ts'
import { tellAddresses } from './told.ts'

/** What is to be solved, and from where. */
export interface AskOptions {
  /** Absolute path of the repository or project (`-C`); the lock lies there. */
  readonly directory: string
  readonly layouts: Layouts
  /** Where published packages are found. */
  readonly sources: readonly Target[]
  /** Whether somebody named the sources, or they are the default. */
  readonly sourcesGiven: boolean
  /** Its modules are what is asked for; without one, all packages below the directory are. */
  readonly workspace?: NonNullable<PlacesOptions['workspace']> & {
    readonly modules: readonly Root[]
    readonly core?: { readonly version?: string; readonly origin: string; readonly source: PackagePlace }
  }
  /** The provisioning core as configured, before the workspace's own; and who configured it. */
  readonly core?: { readonly text: string; readonly origin: string }
  /** `os/architecture[/variant]` that every package must be available for. */
  readonly platform?: string
  /** The lowest versions that fit instead of the highest. */
  readonly lowest: boolean
  /** Names of packages whose prereleases may be chosen; `*` for all. */
  readonly prereleases: readonly string[]
  /** Name to the range that replaces every requirement on it. */
  readonly overrides: Readonly<Record<string, string>>
  readonly offline: boolean
  /** Absolute; what is read from registries is kept here. */
  readonly cacheDirectory: string
  /** Requests in flight. */
  readonly concurrency: number
}

export interface Asked extends AsyncDisposable {
  readonly roots: readonly Root[]
  readonly requirements: Requirements
  readonly core: CoreCandidate | undefined
  readonly folders: readonly FolderPackage[]
  readonly sources: PackageSources
  provider(options: Pick<ProviderOptions, 'locked' | 'onUnconstrainedCore' | 'onUnavailable'>): SourceProvider
}

/** What is asked for and where it may be found. Reads files, but asks no registry. */
export async function ask(
  options: AskOptions,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Promise<Asked> {
  const { workspace } = options
  const configured = coreOf(options)
  const sources = await packageSources(options, surroundings)
  const folders = sources.folders.filter(({ candidate: { id } }) => id !== core)
  const chosenCore = configured ?? coreAmong(sources.folders)
  const coreRoot: Root[] =
    chosenCore === undefined
      ? []
      : [
          {
            id: core,
            set: exactly(chosenCore.version),
            text: chosenCore.version.version,
            origin: chosenCore.origin,
          },
        ]
  const modules: readonly Root[] =
    workspace === undefined
      ? folders.map(({ candidate: { id, version }, file }) => ({
          id,
          set: exactly(version),
          text: version.version,
          origin: file,
        }))
      : workspace.modules
  if (modules.length === 0)
    throw badInput('NOTHING_TO_SOLVE', `There is no package and no workspace file in ${options.directory}`, {
      hint: 'Is -C right? Packages lie in providers/, taskservs/ and clusters/, a workspace file in workspace/config/.',
    })
  const roots = [...modules, ...coreRoot]
  return {
    roots,
    core: chosenCore,
    folders,
    sources,
    requirements: {
      roots: rootTexts(roots),
      options: optionTexts(options),
      folders: Object.fromEntries(
        folders.map(({ candidate: { id, requires } }) => [
          id,
          Object.fromEntries(
            requires
              // What nothing constrains is no part of the solution.
              .filter((one) => one.id !== core || chosenCore !== undefined)
              .map((one) => [one.id, one.text]),
          ),
        ]),
      ),
    },
    [Symbol.asyncDispose]: () => sources[Symbol.asyncDispose](),
    provider: (own) =>
      providerOf({
        ...own,
        sourcesOf: (id) => sources.of(id),
        sourceAt: (address) => sources.at(address),
        named: sources.named,
        onAddresses: (id, addresses) => tellAddresses(id, addresses, surroundings),
        core: chosenCore === undefined ? [] : [chosenCore.version],
        signal: surroundings.signal,
        concurrency: options.concurrency,
        ...(options.platform === undefined ? {} : { platform: options.platform }),
      }),
  }
}

/** --core-version, then slipway.yaml, then the workspace; the first two come as one setting. */
function coreOf({ core: configured, workspace }: AskOptions) {
  if (configured !== undefined)
    return { ...coreCandidate(configured.text, configured.origin), origin: configured.origin }
  if (workspace?.core?.version === undefined) return undefined
  const { version, origin, source } = workspace.core
  const place = source.type === 'oci' ? { source: `oci://${source.host}/${source.repository}` } : {}
  return { version: parseVersion(version), origin, ...place }
}

/** A repository of the provisioning system itself has it at the version of its own manifest. */
function coreAmong(folders: readonly FolderPackage[]) {
  const found = folders.find(({ candidate: { id } }) => id === core)
  return found === undefined ? undefined : { version: found.candidate.version, origin: found.file }
}

function optionTexts({ platform, lowest, prereleases, overrides }: AskOptions): Record<string, string> {
  const replaced = Object.entries(overrides)
    .map(([name, range]) => `${name}=${range}`)
    .sort()
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(lowest ? { lowest: 'true' } : {}),
    ...(prereleases.length === 0 ? {} : { prereleases: [...prereleases].sort().join(', ') }),
    ...(replaced.length === 0 ? {} : { overrides: replaced.join(', ') }),
  }
}

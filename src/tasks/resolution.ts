import type { Workspace } from '../config/workspace.ts'
import { badInput, refused } from '../core/error.ts'
import { waves } from '../core/waves.ts'
import type { Layouts } from '../extension/kinds.ts'
import { didYouMean } from '../extension/nearest.ts'
import { loadLock, lockName } from '../lockfile/file.ts'
import type { Lock, LockedPackage } from '../lockfile/lock.ts'
import {
  explainMismatch,
  type Requirements,
  requirementsDigest,
  rootTexts,
} from '../lockfile/requirements.ts'
import { relativeSource } from '../lockfile/source.ts'
import { needsOf } from '../lockfile/tree.ts'
import type { Root, SolveCounts } from '../solver/solution.ts'
import { strayPackages } from '../sources/addressed.ts'
import { withDigests } from '../sources/archives.ts'
import { type CoreCandidate, coreCandidate } from '../sources/core-version.ts'
import type { FolderPackage } from '../sources/folder-source.ts'
import { moduleDrift } from '../sources/module-drift.ts'
import { newest } from '../sources/newest.ts'
import { type PackageSources, packageSources } from '../sources/package-sources.ts'
import { PassedOver } from '../sources/passed-over.ts'
import {
  type ProviderCounts,
  type ProviderOptions,
  providerOf,
  type SourceProvider,
} from '../sources/provider.ts'
import { resolve } from '../sources/resolve.ts'
import type { Target } from '../store/address.ts'
import { core, isKcl, type PackageId } from '../version/package-id.ts'
import { compareVersions, parseVersion, type Version, versionOf } from '../version/version.ts'
import { exactly, setOf } from '../version/version-set.ts'
import type { Context } from './context.ts'

/** What is to be solved, and from where. */
export interface ResolutionOptions {
  /** Absolute path of the repository or project (`-C`); the lock lies there. */
  readonly directory: string
  readonly layouts: Layouts
  /** Where published packages are found. */
  readonly sources: readonly Target[]
  /** Whether somebody named the sources, or they are the default. */
  readonly sourcesGiven: boolean
  /** Its modules are what is asked for; without one, all packages below the directory are. */
  readonly workspace?: Workspace
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

/** Differences that are told of a lock that is out of date. */
const mostLines = 20

/** Which locked versions need not stay, and what else is to be found out. */
export interface Unlocking {
  readonly unlock?: 'all' | readonly PackageId[]
  /** The very version one package is to get. */
  readonly precise?: { readonly id: PackageId; readonly version: Version }
  /** Whether `newest` is asked for. */
  readonly newest?: boolean
}

export type ResolutionCounts = SolveCounts & Omit<ProviderCounts, 'lists' | 'candidates'>

export interface Resolution {
  readonly lock: Lock
  /** The lock that was there. */
  readonly before: Lock | undefined
  readonly counts: ResolutionCounts
  /** Of the packages in the lock the highest releases that could be chosen but for their ranges. */
  readonly newest: ReadonlyMap<PackageId, Version>
}

/**
 * Solves what is asked for. Nothing is written.
 * @throws UNSATISFIABLE with the explanation as its message, DEPENDENCY_CYCLE, CORE_INVALID, LOCK_INVALID,
 *   FINDINGS for manifests, and what sources throw
 */
export async function resolveDependencies(
  options: ResolutionOptions & Unlocking,
  context: Context,
): Promise<Resolution> {
  const before = await loadLock(options.directory)
  await using asked = await ask(options, context)
  const kept = locked(before, options)
  const unconstrained = new Map<string, string>()
  const passedOver = new PassedOver()
  await using provider = asked.provider({
    locked: kept,
    onUnconstrainedCore: (id, text, { version }) => unconstrained.set(`${id} ${version}`, text),
    onUnavailable: (id, version, why) => passedOver.add(id, version, why),
  })
  const overrides = new Map(
    Object.entries(options.overrides).map(([name, text]) => [name as PackageId, setOf(text)]),
  )
  const { precise } = options
  const any = options.prereleases.includes('*')
  const { packages: chosen, counts } = await resolve(provider, {
    roots:
      precise === undefined
        ? asked.roots
        : [
            ...asked.roots,
            {
              id: precise.id,
              set: exactly(precise.version),
              text: precise.version.version,
              origin: '--precise',
            },
          ],
    preferred: precise === undefined ? kept : new Map([...kept, [precise.id, precise.version]]),
    overrides,
    // KCL's own client takes the lowest version that all requirements allow.
    lowest: (id) => options.lowest || isKcl(id),
    prereleases: (id) => any || options.prereleases.includes(id),
    signal: context.signal,
  })
  const packages = await withDigests(chosen, { ...options, signal: context.signal }, context)
  tellUnchecked(
    packages.flatMap(({ id, version }) => {
      const text = unconstrained.get(`${id} ${version}`)
      return text === undefined ? [] : [{ id, text }]
    }),
    context,
  )
  tellElsewhere(packages, context)
  passedOver.tell(context.report, packages)
  tellUnused(options, packages, context)
  const published = packages.filter(({ id, source }) => id !== core && source?.startsWith('path:') === false)
  const ids = published.map(({ id }) => id)
  const found = await newest(provider, options.newest === true ? ids : [], options.concurrency)
  const lock = {
    roots: asked.requirements.roots,
    options: asked.requirements.options,
    requirements: requirementsDigest(asked.requirements),
    packages: packages.map((one) => {
      const source = one.id === core ? asked.core?.source : one.source
      return {
        ...one,
        ...(source === undefined ? {} : { source: relativeSource(source, options.directory) }),
      }
    }),
  }
  waves(
    lock.packages.map((one) => one.id),
    needsOf(lock),
  )
  const { requests, hits } = provider.counts()
  return { lock, before, newest: found, counts: { ...counts, requests, hits } }
}

/**
 * The lock where it is what is asked for now, else a solution that is not written.
 * @throws as resolveDependencies
 */
export async function currentLock(options: ResolutionOptions, context: Context): Promise<Lock> {
  const { lock, mismatch } = await lockAndMismatch(options, context)
  if (lock !== undefined && mismatch.length === 0) return lock
  context.report.emit({
    type: 'info',
    message:
      lock === undefined ? `There is no ${lockName}: solving.` : `${lockName} is out of date: solving.`,
  })
  return (await resolveDependencies(options, context)).lock
}

/**
 * The lock as it stands, for those who must not solve.
 * @throws LOCK_MISSING, LOCK_OUT_OF_DATE naming what changed
 */
export async function frozenLock(options: ResolutionOptions, context: Context): Promise<Lock> {
  const { lock, mismatch } = await lockAndMismatch(options, context)
  const hint = 'Run slipway deps resolve and commit slipway.lock.'
  if (lock === undefined)
    throw refused('LOCK_MISSING', `There is no ${lockName} in ${options.directory}`, { hint })
  if (mismatch.length === 0) return lock
  const shown = mismatch.slice(0, mostLines).map((line) => `\n  ${line}`)
  const more = mismatch.length > mostLines ? [`\n  and ${mismatch.length - mostLines} more`] : []
  throw refused(
    'LOCK_OUT_OF_DATE',
    `${lockName} is not what is required now:${[...shown, ...more].join('')}`,
    {
      hint: `${hint.slice(0, -1)}, or undo the change.`,
    },
  )
}

async function lockAndMismatch(
  options: ResolutionOptions,
  context: Context,
): Promise<{ readonly lock: Lock | undefined; readonly mismatch: readonly string[] }> {
  const lock = await loadLock(options.directory)
  if (lock === undefined) return { lock, mismatch: [] }
  await using asked = await ask(options, context)
  const { requirements, roots, folders } = asked
  const drift =
    options.workspace === undefined
      ? []
      : moduleDrift(lock, options.workspace.modules, folders, options.directory)
  const mismatch = [...explainMismatch(lock, requirements, roots), ...drift]
  // A lock comes with a pull request: what it takes from elsewhere would be installed without having been sought.
  return { lock, mismatch: mismatch.length > 0 ? mismatch : await strays(lock, asked, options.directory) }
}

/** Packages that are locked at places where nobody looks for them. */
async function strays(lock: Lock, asked: Asked, directory: string): Promise<string[]> {
  const found = await strayPackages(lock, directory, asked.sources)
  return found
    .filter(({ id }) => id !== core)
    .map(
      ({ id, source }) =>
        `${id} is at ${source} in the lock, which is none of the places where it is sought (--source, slipway.yaml, the workspace${isKcl(id) ? ', kcl.mod of what needs it' : ''})`,
    )
}

interface Asked extends AsyncDisposable {
  readonly roots: readonly Root[]
  readonly requirements: Requirements
  readonly core: CoreCandidate | undefined
  readonly folders: readonly FolderPackage[]
  readonly sources: PackageSources
  provider(options: Pick<ProviderOptions, 'locked' | 'onUnconstrainedCore' | 'onUnavailable'>): SourceProvider
}

/** What is asked for and where it may be found. Reads files, but asks no registry. */
async function ask(options: ResolutionOptions, context: Context): Promise<Asked> {
  const { workspace } = options
  const configured = coreOf(options)
  const sources = await packageSources(options, context)
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
        onAddresses: (id, addresses) => tellAddresses(id, addresses, context),
        core: chosenCore === undefined ? [] : [chosenCore.version],
        signal: context.signal,
        concurrency: options.concurrency,
        ...(options.platform === undefined ? {} : { platform: options.platform }),
      }),
  }
}

const lowestVersion = parseVersion('0.0.0')

/** Says once what was left out because nobody knows which core there is. */
function tellUnchecked(
  needs: readonly { readonly id: PackageId; readonly text: string }[],
  { report }: Context,
): void {
  // Who names the core among its dependencies may write any range.
  const least = ({ text }: { readonly text: string }) => versionOf(text.replace(/^>=/, '')) ?? lowestVersion
  const [first] = [...needs].sort((a, b) => compareVersions(least(b), least(a)))
  if (first === undefined) return
  const { id, text } = first
  const who =
    needs.length === 1
      ? `${id} requires provisioning ${text}`
      : `${needs.length} packages require a version of provisioning, the highest ${id} with ${text}`
  report.emit({
    type: 'warning',
    code: 'CORE_UNKNOWN',
    message: `${who}, and nothing says which one there is: not checked`,
    hint: 'Give --core-version, or core in slipway.yaml.',
  })
}

/** Says which KCL packages are needed, but not solved for, because no source has them. */
function tellElsewhere(packages: readonly LockedPackage[], { report }: Context): void {
  const ids = new Set<string>(packages.map((one) => one.id))
  const needed = new Set(packages.flatMap((one) => Object.keys(one.dependencies)))
  const elsewhere = [...needed].filter((id) => id.startsWith('kcl:') && !ids.has(id)).sort()
  if (elsewhere.length === 0) return
  report.emit({
    type: 'warning',
    code: 'KCL_ELSEWHERE',
    message: `No source has ${elsewhere.slice(0, 10).join(', ')}${elsewhere.length > 10 ? ` and ${elsewhere.length - 10} more` : ''}: left to KCL’s own client`,
    hint: 'To lock and install them too, name a source that has them.',
  })
}

/** Says that packages name several places for one, and which of them counts. */
function tellAddresses(id: PackageId, [taken, ...others]: readonly string[], { report }: Context): void {
  const more = others.length > 3 ? ` and ${others.length - 3} more` : ''
  report.emit({
    type: 'warning',
    code: 'KCL_SOURCE_AMBIGUOUS',
    message: `${id} is taken from ${taken}; others that need it name ${others.slice(0, 3).join(', ')}${more}`,
    hint: 'What this repository’s own kcl.mod files name counts first, then the first in order of the alphabet; a source that has the package counts before both.',
  })
}

/** Says which overrides and prereleases are about no package of the solution: a name may be misspelt. */
function tellUnused(
  { overrides, prereleases }: ResolutionOptions,
  packages: readonly { readonly id: PackageId }[],
  { report }: Context,
): void {
  const ids = packages.map((one) => one.id)
  const named = [...Object.keys(overrides), ...prereleases].filter((name) => name !== '*')
  for (const name of new Set(named)) {
    if (ids.some((id) => id === name)) continue
    const what = Object.hasOwn(overrides, name) ? 'The override' : 'Allowing prereleases'
    report.emit({
      type: 'warning',
      code: 'OPTION_UNUSED',
      message: `${what} of ${JSON.stringify(name.slice(0, 100))} changes nothing: it is no package of the solution`,
      hint: didYouMean(name, ids) ?? 'Leave it out, or check the name; that of a KCL package is kcl:NAME.',
    })
  }
}

/** --core-version, then slipway.yaml, then the workspace; the first two come as one setting. */
function coreOf({ core: configured, workspace }: ResolutionOptions) {
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

function optionTexts({
  platform,
  lowest,
  prereleases,
  overrides,
}: ResolutionOptions): Record<string, string> {
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

function locked(
  lock: Lock | undefined,
  { unlock, lowest }: ResolutionOptions & Unlocking,
): Map<PackageId, Version> {
  if (lock === undefined || unlock === 'all') return new Map()
  // What was chosen from the other end is no better than any other version.
  if ((lock.options.lowest === 'true') !== lowest) return new Map()
  return new Map(
    lock.packages
      .filter(({ id }) => id !== core && unlock?.includes(id) !== true)
      .map(({ id, version }) => [id, parseVersion(version)]),
  )
}

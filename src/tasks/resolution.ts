import type { Workspace } from '../config/workspace.ts'
import { refused } from '../core/error.ts'
import { waves } from '../core/waves.ts'
import { loadLock, lockName } from '../lockfile/file.ts'
import type { Lock } from '../lockfile/lock.ts'
import { explainMismatch, requirementsDigest } from '../lockfile/requirements.ts'
import { relativeSource } from '../lockfile/source.ts'
import { needsOf } from '../lockfile/tree.ts'
import type { SolveCounts } from '../solver/solution.ts'
import { strayPackages } from '../sources/addressed.ts'
import { withDigests } from '../sources/archives.ts'
import { type Asked, type AskOptions, ask } from '../sources/asked.ts'
import { moduleDrift } from '../sources/module-drift.ts'
import { newest } from '../sources/newest.ts'
import { PassedOver } from '../sources/passed-over.ts'
import type { ProviderCounts } from '../sources/provider.ts'
import { resolve } from '../sources/resolve.ts'
import { tellElsewhere, tellUnchecked, tellUnused } from '../sources/told.ts'
import { core, isKcl, type PackageId } from '../version/package-id.ts'
import { parseVersion, type Version } from '../version/version.ts'
import { exactly, setOf } from '../version/version-set.ts'
import type { Context } from './context.ts'

/** What is to be solved, and from where. */
export interface ResolutionOptions extends AskOptions {
  /** Its modules are what is asked for; without one, all packages below the directory are. */
  readonly workspace?: Workspace
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

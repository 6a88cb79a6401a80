import { hasCode, refused, SlipwayError } from '../core/error.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import type { Fact } from '../solver/facts.ts'
import type { Incompatibility } from '../solver/incompatibility.ts'
import type { Solution, SolveCounts, SolveOptions } from '../solver/solution.ts'
import { solve } from '../solver/solve.ts'
import { core, type PackageId } from '../version/package-id.ts'
import type { SourceProvider } from './provider.ts'

export interface Resolved {
  /** Sorted by id; sources as the provider's candidates have them. */
  readonly packages: readonly LockedPackage[]
  readonly counts: SolveCounts
}

/**
 * Solves, and says of each chosen version where it is.
 * @throws UNSATISFIABLE with the explanation as its message, KCL_SOURCE_UNSETTLED, and what the provider throws
 */
export async function resolve(provider: SourceProvider, options: SolveOptions): Promise<Resolved> {
  const { versions, requires, counts } = await settled(provider, options)
  const packages = [...versions].map(([id, version]): LockedPackage => {
    const candidate = provider.chosen(id, version)
    // KCL packages that no source has were not solved for, but are still what the package needs.
    const needs = candidate?.requires.filter((one) => one.id !== core || versions.has(core))
    const dependencies = Object.fromEntries(
      (needs ?? requires.get(id) ?? []).map((one) => [one.id, one.text]),
    )
    // Only the core can be a version that no source has.
    if (candidate === undefined)
      return { id, kind: 'core', version: version.version, dependencies, platforms: [] }
    const { kind, source, manifest, layer, platforms } = candidate
    return {
      id,
      kind,
      version: version.version,
      source,
      ...(manifest === undefined ? {} : { manifest }),
      ...(layer === undefined ? {} : { layer: layer.digest }),
      dependencies,
      platforms,
    }
  })
  return { packages: packages.sort((a, b) => (a.id < b.id ? -1 : 1)), counts }
}

/**
 * The solution whose own packages say where the packages are that no source has. A package from such an address
 * may name others, so that it can take several rounds; each starts with what all before have read.
 */
async function settled(provider: SourceProvider, options: SolveOptions): Promise<Solution> {
  const tried = new Set<string>()
  for (;;) {
    const result = await solve(provider, options)
    if ('failure' in result) throw await unsatisfiable(result.failure, provider, options)
    const addresses = await provider.settle(result.solution.versions)
    if (addresses === undefined) return result.solution
    const key = JSON.stringify([...addresses].sort())
    if (tried.has(key) || tried.size >= mostRounds) throw unsettled([...addresses.keys()])
    tried.add(key)
  }
}

/** Addresses that lead to packages with further addresses, one after another. */
const mostRounds = 50

function unsettled(ids: readonly PackageId[]): SlipwayError {
  const shown = ids.slice(0, 10).join(', ')
  return refused(
    'KCL_SOURCE_UNSETTLED',
    `Which packages are needed depends on where ${shown} come from, and that on which packages are needed`,
    { hint: 'Name a source that has these packages, or their addresses in a kcl.mod of this repository.' },
  )
}

async function unsatisfiable(
  failure: Incompatibility,
  provider: SourceProvider,
  options: SolveOptions,
): Promise<SlipwayError> {
  // Most runs need no explanation.
  const { explainFailure } = await import('../solver/explain-failure.ts')
  const { text, hints, facts } = await explainFailure(failure, provider, options)
  const hint = hints.length === 0 ? {} : { hint: hints.join('\n') }
  return Object.assign(new SlipwayError('UNSATISFIABLE', text, hint), { facts })
}

/** What an UNSATISFIABLE follows from; undefined for any other error. */
export function factsOfError(error: unknown): readonly Fact[] | undefined {
  return hasCode(error, 'UNSATISFIABLE') && 'facts' in error ? (error.facts as readonly Fact[]) : undefined
}

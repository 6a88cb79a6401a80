import { SlipwayError } from '../core/error.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import { explainFailure } from '../solver/explain-failure.ts'
import type { Provider } from '../solver/provider.ts'
import type { SolveCounts, SolveOptions } from '../solver/solution.ts'
import { solve } from '../solver/solve.ts'
import { core, type PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import type { Candidate } from './source.ts'

/** A provider that still knows the candidates behind the versions it told of. */
export interface CandidateProvider extends Provider {
  chosen(id: PackageId, version: Version): Candidate | undefined
  /** Names that are known somewhere, for "did you mean". */
  nearest?(id: PackageId): Promise<readonly string[]>
}

export interface Resolved {
  /** Sorted by id. */
  readonly packages: readonly LockedPackage[]
  readonly counts: SolveCounts
}

/**
 * Solves, and says of each chosen version where it is.
 * @param known versions of packages that no source has, such as a core that is only a version
 * @throws UNSATISFIABLE with the explanation as its message, and what the provider throws
 */
export async function resolve(provider: CandidateProvider, options: SolveOptions): Promise<Resolved> {
  const result = await solve(provider, options)
  if ('failure' in result) throw await unsatisfiable(result.failure, provider, options)
  const { versions, requires, counts } = result.solution
  const packages = [...versions].map(([id, version]): LockedPackage => {
    const candidate = provider.chosen(id, version)
    return {
      id,
      kind: candidate?.kind ?? (id === core ? 'core' : 'taskserv'),
      version: version.version,
      ...(candidate === undefined ? {} : { source: candidate.source }),
      ...(candidate?.manifest === undefined ? {} : { manifest: candidate.manifest }),
      ...(candidate?.layer === undefined ? {} : { layer: candidate.layer.digest }),
      dependencies: Object.fromEntries((requires.get(id) ?? []).map((one) => [one.id, one.text])),
      platforms: candidate?.platforms ?? [],
    }
  })
  return { packages: packages.sort((a, b) => (a.id < b.id ? -1 : 1)), counts }
}

import { core, type PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { type Explanation, explain } from './explain.ts'
import { factsOf } from './facts.ts'
import type { Incompatibility } from './incompatibility.ts'
import type { Provider } from './provider.ts'
import { factsProvider, reduce, rootsOf } from './reduce.ts'
import type { SolveOptions } from './solution.ts'
import { solve } from './solve.ts'

/** What an explanation may ask besides the versions that the search has asked for already. */
export interface Known extends Pick<Provider, 'versions'> {
  /** Names that exist and resemble one that does not. */
  nearest(id: PackageId): Promise<readonly string[]>
}

/**
 * The shortest explanation of a failure: its facts are reduced to those that contradict each other, solved
 * again alone, and put into words.
 */
export async function explainFailure(
  failure: Incompatibility,
  known: Known,
  { roots, overrides }: Pick<SolveOptions, 'roots' | 'overrides'>,
): Promise<Explanation> {
  const facts = await reduce(factsOf(failure))
  const again = await solve(factsProvider(facts), { roots: rootsOf(facts), eager: true })
  const versions = new Map<PackageId, readonly Version[]>()
  const nearest = new Map<PackageId, readonly string[]>()
  for (const fact of factsOf(failure)) {
    const id = fact.kind === 'root' ? fact.requirement.id : fact.id
    for (const one of fact.kind === 'dependency' ? [id, fact.requires.id] : [id])
      if (!versions.has(one)) versions.set(one, [...(await known.versions(one))].sort(compareVersions))
    if (id !== core && versions.get(id)?.length === 0) nearest.set(id, await known.nearest(id))
  }
  return explain('failure' in again ? again.failure : failure, {
    roots,
    versions: (id) => versions.get(id) ?? [],
    nearest: (id) => nearest.get(id) ?? [],
    ...(overrides === undefined ? {} : { overrides }),
  })
}

import { mapConcurrent } from '../core/concurrent.ts'
import type { Provider } from '../solver/provider.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, isPrerelease, type Version } from '../version/version.ts'

/** Versions of one package that are asked for. */
const mostAsked = 5

/**
 * The highest release of each package that could be chosen if no range stood in its way: neither retracted, nor for
 * other platforms, nor damaged. Packages are left out whose five highest releases are all of these.
 * @throws what the sources throw
 */
export async function newest(
  provider: Pick<Provider, 'versions' | 'dependencies'>,
  ids: readonly PackageId[],
  concurrency: number,
): Promise<Map<PackageId, Version>> {
  const found = await mapConcurrent(ids, concurrency, async (id): Promise<[PackageId, Version][]> => {
    const releases = (await provider.versions(id)).filter((one) => !isPrerelease(one))
    for (const version of releases.sort((a, b) => compareVersions(b, a)).slice(0, mostAsked))
      if ('requires' in (await provider.dependencies(id, version))) return [[id, version]]
    return []
  })
  return new Map(found.flat())
}

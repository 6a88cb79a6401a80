import { PackageCache } from '../install/cache.ts'
import type { Pruned, PruneOptions } from '../install/prune.ts'
import type { Context } from './context.ts'

/** Removes packages from the local cache; one that is needed again is fetched again. */
export async function cachePrune(
  options: PruneOptions & { readonly cacheDirectory: string },
  { report, clock }: Context,
): Promise<Pruned> {
  const { cacheDirectory, ...limits } = options
  return await new PackageCache(cacheDirectory, report, clock).prune(limits)
}

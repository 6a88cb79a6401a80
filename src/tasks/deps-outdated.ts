import { core, type PackageId } from '../version/package-id.ts'
import { compareVersions, versionOf } from '../version/version.ts'
import type { Context } from './context.ts'
import { type ResolutionOptions, resolveDependencies } from './resolution.ts'

export interface OutdatedPackage {
  readonly id: PackageId
  /** In the lock; undefined where there is none, or the package is new. */
  readonly locked?: string
  /** What `slipway deps update` would choose. */
  readonly wanted: string
  /**
   * The highest release that could be chosen if no requirement stood in its way: neither retracted nor for other
   * platforms. Undefined where that is none of the five highest.
   */
  readonly latest?: string
}

export interface DepsOutdatedResult {
  /** Those for which the three differ. */
  readonly outdated: readonly OutdatedPackage[]
  readonly checked: number
}

/** Which locked versions are behind what fits, and behind what exists. @throws UNSATISFIABLE */
export async function depsOutdated(
  options: ResolutionOptions,
  context: Context,
): Promise<DepsOutdatedResult> {
  const { lock, before, newest } = await resolveDependencies(
    { ...options, unlock: 'all', newest: true },
    context,
  )
  // A folder of the repository has one version, its own; and so has the core.
  const packages = lock.packages.filter(
    ({ id, source }) => id !== core && source !== undefined && !source.startsWith('path:'),
  )
  const all = packages.map(({ id, version }): OutdatedPackage => {
    const latest = newest.get(id)
    const locked = before?.packages.find((one) => one.id === id)?.version
    return {
      id,
      wanted: version,
      ...(locked === undefined ? {} : { locked }),
      ...(latest === undefined ? {} : { latest: latest.version }),
    }
  })
  return { outdated: all.filter((one) => behind(one)), checked: all.length }
}

function behind({ locked, wanted, latest }: OutdatedPackage): boolean {
  const [newest, chosen] = [versionOf(latest ?? ''), versionOf(wanted)]
  const newer = newest !== undefined && chosen !== undefined && compareVersions(newest, chosen) > 0
  return locked !== wanted || newer
}

import { defaultLayouts, type Layouts } from '../extension/kinds.ts'
import type { Lock, LockedPackage } from '../lockfile/lock.ts'
import { absoluteSource } from '../lockfile/source.ts'
import { parseAddress } from '../store/address.ts'
import type { Call } from '../store/store.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import type { FolderPackage } from './folder-source.ts'
import type { PackageSources } from './package-sources.ts'
import { type RegistrySourceOptions, registrySource } from './registry-source.ts'
import type { Candidate, PackageSource } from './source.ts'

/** Sources of KCL packages by the address that a dependency names, `oci://HOST/REPOSITORY`; each is made once. */
export function addressedSources(
  layouts: Layouts,
  common: Omit<RegistrySourceOptions, 'target' | 'layouts'>,
): (address: string) => PackageSource {
  const known = new Map<string, PackageSource>()
  return (address) => {
    const made = known.get(address) ?? addressed(address)
    known.set(address, made)
    return made
  }

  /** Whatever this repository's templates say: kpm's tags are versions, and the address is the whole repository. */
  function addressed(address: string): PackageSource {
    const { repository, ...place } = parseAddress(address)
    const kcl = { ...defaultLayouts.kcl, repository, prefix: '' }
    return registrySource({ ...common, target: { ...place, prefix: '' }, layouts: { ...layouts, kcl } })
  }
}

/** The addresses that packages of this repository name, by package, sorted. */
export function namedAddresses(folders: readonly FolderPackage[]): Map<PackageId, readonly string[]> {
  const named = new Map<PackageId, Set<string>>()
  for (const { candidate } of folders)
    for (const { id, at } of candidate.requires)
      if (at !== undefined) named.set(id, (named.get(id) ?? new Set()).add(at))
  return new Map([...named].map(([id, all]) => [id, [...all].sort()]))
}

/**
 * What a lock takes from where it is not sought. An address in a published package counts as such a place too,
 * but only where the very package that is locked says so, and nobody but the registry is asked for that: in the
 * lock of a pull request anything can stand. Asks nothing where every package is at a place that is known.
 */
export async function strayPackages(
  lock: Lock,
  directory: string,
  sources: Pick<PackageSources, 'of' | 'at' | 'named' | 'seeks'>,
  call: Call = {},
): Promise<LockedPackage[]> {
  const strays = new Map<PackageId, LockedPackage>()
  const trusted: { readonly one: LockedPackage; readonly from: readonly PackageSource[] }[] = []
  for (const one of lock.packages) {
    if (one.source === undefined) continue
    const address = absoluteSource(one.source, directory)
    if (!sources.seeks(one.id, address)) strays.set(one.id, one)
    else if (sources.named.get(one.id)?.includes(address)) trusted.push({ one, from: [sources.at(address)] })
    else {
      const from = sources.of(one.id).filter((source) => source.holds?.(one.id, address) !== false)
      trusted.push({ one, from })
    }
  }
  // Grows while it is read: what is found to be named may name others.
  for (const { one, from } of trusted) {
    const needed = Object.keys(one.dependencies).flatMap((id) => strays.get(id as PackageId) ?? [])
    if (!needed.some(({ id }) => isKcl(id))) continue
    const candidate = await lockedCandidate(one, from, directory, call)
    for (const stray of needed) {
      const named = candidate?.requires.some(({ id, at }) => id === stray.id && at === stray.source)
      if (named !== true || stray.source === undefined || !isKcl(stray.id)) continue
      strays.delete(stray.id)
      trusted.push({ one: stray, from: [sources.at(stray.source)] })
    }
  }
  return [...strays.values()]
}

/** What a locked package says of itself; undefined where there is another one by now, or none can be read. */
async function lockedCandidate(
  { id, version, source = '', manifest }: LockedPackage,
  from: readonly PackageSource[],
  directory: string,
  call: Call,
): Promise<Candidate | undefined> {
  for (const each of from) {
    const found = await each.candidate(id, parseVersion(version), call)
    if (found === undefined || 'unavailable' in found) continue
    if (found.source === absoluteSource(source, directory) && found.manifest === manifest) return found
  }
  return undefined
}

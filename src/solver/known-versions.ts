import type { PackageId } from '../version/package-id.ts'
import { core, isKcl, nameOf } from '../version/package-id.ts'
import { showSet } from '../version/show-set.ts'
import { isPrerelease, type Version } from '../version/version.ts'
import { includes, type VersionSet } from '../version/version-set.ts'

/** Stretches of versions that are named one by one. */
const shown = 3

/** `etcd`, `the KCL package k8s`, `provisioning` for the core. */
export function displayName(id: PackageId): string {
  if (id === core) return 'provisioning'
  return isKcl(id) ? `the KCL package ${nameOf(id)}` : id
}

/**
 * Versions by what exists rather than by the bounds of a set: `every version of etcd`, `etcd >=3.6.0`,
 * `etcd 3.4.0 or >=3.6.0`. Where none of them exists, the set as it is.
 * @param versions all that exist, the lowest first
 */
export function describe(id: PackageId, set: VersionSet, versions: readonly Version[]): string {
  const name = displayName(id)
  const within = versions.filter((version) => includes(set, version))
  if (within.length === 0) return `${name} ${showSet(set)}`
  if (within.length === versions.length && versions.length > 1) return `every version of ${name}`
  // Prereleases that nobody asked for would tear every stretch apart.
  const among = within.some(isPrerelease) ? versions : versions.filter((version) => !isPrerelease(version))
  if (within.length === among.length && among.length > 1) return `every release of ${name}`
  const parts = stretches(set, among)
  const more = parts.length > shown + 1 ? [`${parts.length - shown} other ranges`] : []
  const named = more.length === 0 ? parts : parts.slice(0, shown)
  return `${name} ${[...named, ...more].join(' or ')}`
}

function stretches(set: VersionSet, versions: readonly Version[]): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < versions.length; at++) {
    if (!includes(set, versions[at] as Version)) continue
    const from = at
    while (at + 1 < versions.length && includes(set, versions[at + 1] as Version)) at += 1
    const [first, last] = [versions[from]?.version, versions[at]?.version]
    if (from === at) parts.push(`${first}`)
    else if (at === versions.length - 1) parts.push(`>=${first}`)
    else if (from === 0) parts.push(`<=${last}`)
    else parts.push(`>=${first} <=${last}`)
  }
  return parts
}

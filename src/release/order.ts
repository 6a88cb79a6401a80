import { waves } from '../core/waves.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { includes, type VersionSet } from '../version/version-set.ts'

/** Something to publish, as far as its place in the order is concerned. */
export interface Ordered {
  /** With the tag the label by which a cycle names it; no two of a run have the same. */
  readonly repository: string
  readonly tag: string
  /** Undefined for what tells no name and version: it neither waits nor is waited for. */
  readonly package?: OrderedPackage | undefined
}

export interface OrderedPackage {
  readonly id: PackageId
  readonly version: Version
  readonly requires: readonly Required[]
}

/** One package that another one needs, and which versions of it. */
export interface Required {
  readonly id: PackageId
  readonly set: VersionSet
}

/** In which order artifacts are published. Numbers are places in the list that was ordered. */
export interface Order {
  /** Those of one wave need only those of earlier waves. */
  readonly waves: readonly (readonly number[])[]
  /** What each one needs of the others: every version that its ranges admit. */
  readonly needs: readonly (readonly number[])[]
  /** What each one comes after: what it needs, and the next lower version of its package. */
  readonly after: readonly (readonly number[])[]
}

/** A version of a package that is not among those to publish. */
export interface Elsewhere {
  readonly id: PackageId
  readonly version: Version
}

/**
 * What each one needs and will not get: a version that should have come with it and cannot, where no other
 * that its range admits comes or is there already.
 * @param failed versions that cannot be published
 * @param present versions that are at every target already
 */
export function lackedBy<Failed extends Elsewhere>(
  all: readonly Ordered[],
  failed: readonly Failed[],
  present: readonly Elsewhere[],
): (Failed | undefined)[] {
  const coming = all.flatMap((one) => one.package ?? [])
  return all.map((one) => {
    for (const { id, set } of one.package?.requires ?? []) {
      const admits = (other: Elsewhere) => other.id === id && includes(set, other.version)
      const lacked = failed.find(admits)
      if (lacked !== undefined && !coming.some(admits) && !present.some(admits)) return lacked
    }
    return undefined
  })
}

/**
 * Orders by the dependencies within the set: whatever a range admits comes before what asks for it, and a
 * package's lower versions before its higher ones.
 * @throws DEPENDENCY_CYCLE
 */
export function orderOf(all: readonly Ordered[]): Order {
  const versions = versionsById(all)
  const needs = all.map((one, index) => {
    const found = (one.package?.requires ?? []).flatMap(({ id, set }) =>
      (versions.get(id) ?? []).filter((other) => includes(set, other.version)).map((other) => other.index),
    )
    return [...new Set(found)].filter((other) => other !== index)
  })
  const after = needs.map((needed) => [...needed])
  for (const list of versions.values())
    for (const [place, { index }] of list.entries()) {
      const lower = list[place - 1]
      if (lower !== undefined) after[index]?.push(lower.index)
    }
  const labels = all.map((one) => `${one.repository}:${one.tag}`)
  const at = new Map(labels.map((label, index) => [label, index]))
  const placed = waves(labels, (label) => (after[at.get(label) ?? -1] ?? []).map((one) => labels[one] ?? ''))
  return { needs, after, waves: placed.map((wave) => wave.map((label) => at.get(label) ?? -1)) }
}

/** Each package's versions, lowest first. */
function versionsById(all: readonly Ordered[]) {
  const found = new Map<PackageId, { readonly index: number; readonly version: Version }[]>()
  for (const [index, one] of all.entries()) {
    if (one.package === undefined) continue
    const { id, version } = one.package
    const list = found.get(id)
    if (list === undefined) found.set(id, [{ index, version }])
    else list.push({ index, version })
  }
  for (const list of found.values()) list.sort((a, b) => compareVersions(a.version, b.version))
  return found
}

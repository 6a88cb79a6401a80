import { requirementOf } from './dependency.ts'
import type { KclMod } from './mod.ts'

/**
 * What a solver needs to know of a kcl.mod: package name to range. What git and paths name is left out, and so
 * is what names no version.
 */
export function kclRanges(mod: KclMod): Readonly<Record<string, string>> {
  const ranges = new Map<string, string>()
  for (const one of mod.dependencies) {
    const requirement = requirementOf(one)
    if (requirement === undefined) continue
    const before = ranges.get(one.name)
    // A package may stand there under two aliases: both count.
    ranges.set(one.name, before === undefined ? requirement.text : `${before} ${requirement.text}`)
  }
  return Object.fromEntries([...ranges].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Where a kcl.mod says that packages are: package name to `oci://HOST/REPOSITORY`. Of several addresses for one
 * package the first in their order.
 */
export function kclSources(mod: KclMod): Readonly<Record<string, string>> {
  const addresses = new Map<string, string>()
  for (const one of mod.dependencies) {
    const { at } = requirementOf(one) ?? {}
    const before = addresses.get(one.name)
    if (at !== undefined && (before === undefined || at < before)) addresses.set(one.name, at)
  }
  return Object.fromEntries([...addresses].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The annotation `dev.slipway.kcl` of an extension: minified JSON `{name, version, dependencies, sources}` of
 * its kcl.mod, so that a solver needs no more than the manifest. Undefined where nothing takes part in solving.
 */
export function kclAnnotation(mod: KclMod): string | undefined {
  const dependencies = kclRanges(mod)
  if (Object.keys(dependencies).length === 0) return undefined
  const sources = kclSources(mod)
  return JSON.stringify({
    name: mod.name ?? '',
    version: mod.version ?? '',
    dependencies,
    ...(Object.keys(sources).length === 0 ? {} : { sources }),
  })
}

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
 * The annotation `dev.slipway.kcl` of an extension: minified JSON `{name, version, dependencies}` of its
 * kcl.mod, so that a solver needs no more than the manifest. Undefined where nothing takes part in solving.
 */
export function kclAnnotation(mod: KclMod): string | undefined {
  const dependencies = kclRanges(mod)
  if (Object.keys(dependencies).length === 0) return undefined
  return JSON.stringify({ name: mod.name ?? '', version: mod.version ?? '', dependencies })
}

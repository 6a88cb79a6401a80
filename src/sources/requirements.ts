import type { ExtensionManifest } from '../extension/manifest.ts'
import type { Requirement } from '../solver/provider.ts'
import { core, extensionId, kclId } from '../version/package-id.ts'
import { versionOf } from '../version/version.ts'
import { atLeast, setOf } from '../version/version-set.ts'

/** What a manifest asks of other extensions and of the core. */
export function extensionRequirements(
  manifest: Pick<ExtensionManifest, 'dependencies' | 'min_provisioning_version'>,
): Requirement[] {
  const requires = Object.entries(manifest.dependencies ?? {}).map(([name, text]) => ({
    id: extensionId(name),
    set: setOf(text),
    text,
  }))
  const least = versionOf(manifest.min_provisioning_version ?? '')
  // A minimum, not a range: prereleases after it meet it too.
  if (least !== undefined) requires.push({ id: core, set: atLeast(least), text: `>=${least.version}` })
  return requires
}

/**
 * What KCL packages are asked for: a bare version is a minimum, as kpm means it; anything else is a range.
 * @param sources name to `oci://HOST/REPOSITORY`
 * @throws RANGE_INVALID
 */
export function kclRequirements(
  dependencies: Readonly<Record<string, string>>,
  sources: Readonly<Record<string, string>> = {},
): Requirement[] {
  return Object.entries(dependencies).map(([name, text]) => {
    const at = Object.hasOwn(sources, name) ? sources[name] : undefined
    const place = at === undefined ? {} : { at }
    const least = versionOf(text.replace(/^>=\s*/, ''))
    if (least === undefined) return { id: kclId(name), set: setOf(text), text, ...place }
    return { id: kclId(name), set: atLeast(least), text: `>=${least.version}`, ...place }
  })
}

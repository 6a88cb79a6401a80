import type { Finding } from '../core/finding.ts'
import type { CheckedPackage } from '../extension/check.ts'
import type { Dependency, GraphNode } from '../release/graph.ts'
import type { Requirement } from '../solver/provider.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import { versionOf } from '../version/version.ts'
import { extensionRequirements } from './requirements.ts'
import type { Candidate } from './source.ts'

/** Errors that keep a package from being released, but leave no doubt of what it is and needs. */
const onlyForReleasing = /^(STRUCTURE_|KCL_PATH_|KCL_LINK$|KCL_MOD_EXCLUDED$)/

/** What keeps anybody from knowing what a package is and needs. */
export function faultsOf({ findings }: CheckedPackage): Finding[] {
  return findings.filter((one) => one.level === 'error' && !onlyForReleasing.test(one.code))
}

/**
 * The candidate that a package's own files make it; undefined where they have faults, or no version, as a core
 * that is a plain folder.
 * @param kcl what its `kcl.mod` asks for
 */
export function describedBy(
  id: PackageId,
  checked: CheckedPackage,
  kcl: readonly Dependency[],
  source: string,
): Candidate | undefined {
  const { manifest, document } = checked
  const version = typeof document?.version === 'string' ? versionOf(document.version) : undefined
  if (version === undefined || faultsOf(checked).length > 0) return undefined
  return {
    id,
    kind: checked.package.kind,
    version,
    source,
    requires: [...(manifest === undefined ? [] : extensionRequirements(manifest)), ...packagesIn(kcl)],
    platforms: manifest?.platforms ?? [],
    retracted: manifest?.retracted ?? {},
  }
}

/** The KCL package that is published of an extension: a package of its own, with a version of its own. */
export function schemaOf({ id, version, dependencies }: GraphNode, source: string): Candidate | undefined {
  if (version === undefined) return undefined
  return {
    id,
    kind: 'kcl',
    version,
    source,
    requires: packagesIn(dependencies),
    platforms: [],
    retracted: {},
  }
}

function packagesIn(kcl: readonly Dependency[]): Requirement[] {
  return kcl.flatMap(({ to, set, range, at }) =>
    set === undefined || !isKcl(to)
      ? []
      : [{ id: to, set, text: range, ...(at === undefined ? {} : { at }) }],
  )
}

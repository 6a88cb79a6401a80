import type { Report } from '../core/report.ts'
import { didYouMean } from '../extension/nearest.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, parseVersion, versionOf } from '../version/version.ts'

const lowestVersion = parseVersion('0.0.0')

/** Says once what was left out because nobody knows which core there is. */
export function tellUnchecked(
  needs: readonly { readonly id: PackageId; readonly text: string }[],
  { report }: { readonly report: Report },
): void {
  // Who names the core among its dependencies may write any range.
  const least = ({ text }: { readonly text: string }) => versionOf(text.replace(/^>=/, '')) ?? lowestVersion
  const [first] = [...needs].sort((a, b) => compareVersions(least(b), least(a)))
  if (first === undefined) return
  const { id, text } = first
  const who =
    needs.length === 1
      ? `${id} requires provisioning ${text}`
      : `${needs.length} packages require a version of provisioning, the highest ${id} with ${text}`
  report.emit({
    type: 'warning',
    code: 'CORE_UNKNOWN',
    message: `${who}, and nothing says which one there is: not checked`,
    hint: 'Give --core-version, or core in slipway.yaml.',
  })
}

/** Says which KCL packages are needed, but not solved for, because no source has them. */
export function tellElsewhere(
  packages: readonly LockedPackage[],
  { report }: { readonly report: Report },
): void {
  const ids = new Set<string>(packages.map((one) => one.id))
  const needed = new Set(packages.flatMap((one) => Object.keys(one.dependencies)))
  const elsewhere = [...needed].filter((id) => id.startsWith('kcl:') && !ids.has(id)).sort()
  if (elsewhere.length === 0) return
  report.emit({
    type: 'warning',
    code: 'KCL_ELSEWHERE',
    message: `No source has ${elsewhere.slice(0, 10).join(', ')}${elsewhere.length > 10 ? ` and ${elsewhere.length - 10} more` : ''}: left to KCL’s own client`,
    hint: 'To lock and install them too, name a source that has them.',
  })
}

/** Says that packages name several places for one, and which of them counts. */
export function tellAddresses(
  id: PackageId,
  [taken, ...others]: readonly string[],
  { report }: { readonly report: Report },
): void {
  const more = others.length > 3 ? ` and ${others.length - 3} more` : ''
  report.emit({
    type: 'warning',
    code: 'KCL_SOURCE_AMBIGUOUS',
    message: `${id} is taken from ${taken}; others that need it name ${others.slice(0, 3).join(', ')}${more}`,
    hint: 'What this repository’s own kcl.mod files name counts first, then the first in order of the alphabet; a source that has the package counts before both.',
  })
}

/** Says which overrides and prereleases are about no package of the solution: a name may be misspelt. */
export function tellUnused(
  {
    overrides,
    prereleases,
  }: { readonly overrides: Readonly<Record<string, string>>; readonly prereleases: readonly string[] },
  packages: readonly { readonly id: PackageId }[],
  { report }: { readonly report: Report },
): void {
  const ids = packages.map((one) => one.id)
  const named = [...Object.keys(overrides), ...prereleases].filter((name) => name !== '*')
  for (const name of new Set(named)) {
    if (ids.some((id) => id === name)) continue
    const what = Object.hasOwn(overrides, name) ? 'The override' : 'Allowing prereleases'
    report.emit({
      type: 'warning',
      code: 'OPTION_UNUSED',
      message: `${what} of ${JSON.stringify(name.slice(0, 100))} changes nothing: it is no package of the solution`,
      hint: didYouMean(name, ids) ?? 'Leave it out, or check the name; that of a KCL package is kcl:NAME.',
    })
  }
}

import type { Report } from '../core/report.ts'
import type { Unavailable } from '../solver/provider.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'

/** Packages that are told one by one. */
const mostTold = 20

/**
 * Versions that nobody could use because what their source holds is damaged. A solution without them is a good
 * one, but nobody should get an older version without a word.
 */
export class PassedOver {
  readonly #found = new Map<PackageId, Map<string, { readonly version: Version; readonly reason: string }>>()

  add(id: PackageId, version: Version, { cause, reason }: Unavailable): void {
    if (cause !== 'unreadable') return
    const versions = this.#found.get(id) ?? new Map()
    this.#found.set(id, versions.set(version.version, { version, reason }))
  }

  /** One warning for each package, about the highest of its damaged versions. */
  tell(report: Report): void {
    const all = [...this.#found].sort(([a], [b]) => (a < b ? -1 : 1))
    const warn = (message: string, what: string) =>
      report.emit({
        type: 'warning',
        code: 'VERSION_UNREADABLE',
        message,
        hint: `Find out who published ${what}, and publish it again under a new version.`,
      })
    for (const [id, versions] of all.slice(0, mostTold)) {
      const [first, ...rest] = [...versions.values()].sort((a, b) => compareVersions(b.version, a.version))
      if (first === undefined) continue
      const { version, reason } = first
      const more = rest.length === 0 ? '' : `; so were ${rest.length} more of its versions`
      warn(`${id} ${version.version} ${reason}: it was passed over${more}`, id)
    }
    if (all.length > mostTold)
      warn(`${all.length - mostTold} more packages have versions that were passed over`, 'them')
  }
}

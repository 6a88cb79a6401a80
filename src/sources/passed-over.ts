import type { Report } from '../core/report.ts'
import type { Unavailable } from '../solver/provider.ts'
import type { PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'

/** Packages that are told one by one. */
const mostTold = 20

/** Versions by package. */
type Found = Map<PackageId, Map<string, { readonly version: Version; readonly reason: string }>>

/**
 * Versions that were not used though nobody took them back: what their source holds is damaged, or nobody may ask it.
 * A solution without them is a good one, but nobody should get an older version without a word.
 */
export class PassedOver {
  readonly #damaged: Found = new Map()
  readonly #unasked: Found = new Map()

  add(id: PackageId, version: Version, { cause, reason }: Unavailable): void {
    const found = cause === 'unreadable' ? this.#damaged : cause === 'offline' ? this.#unasked : undefined
    if (found === undefined) return
    const versions = found.get(id) ?? new Map()
    found.set(id, versions.set(version.version, { version, reason }))
  }

  /**
   * One warning for each package, about the highest of its damaged versions, and one about what --offline left out.
   * @param chosen the solution
   */
  tell(report: Report, chosen: readonly { readonly id: PackageId; readonly version: string }[]): void {
    this.#tellDamaged(report)
    this.#tellUnasked(report, chosen)
  }

  #tellUnasked(
    report: Report,
    chosen: readonly { readonly id: PackageId; readonly version: string }[],
  ): void {
    const all = chosen.flatMap(({ id, version }) => {
      const [first] = descending(this.#unasked.get(id))
      return first === undefined ? [] : [`${id} ${first.version.version} (${version} was taken)`]
    })
    if (all.length === 0) return
    const more = all.length > mostTold ? ` and ${all.length - mostTold} more` : ''
    report.emit({
      type: 'warning',
      code: 'OFFLINE_PASSED_OVER',
      message: `Passed over, because they were not fetched before and --offline asks nothing: ${all.slice(0, mostTold).join(', ')}${more}`,
      hint: 'Run it without --offline to take what is best now.',
    })
  }

  #tellDamaged(report: Report): void {
    const all = [...this.#damaged].sort(([a], [b]) => (a < b ? -1 : 1))
    const warn = (message: string, what: string) =>
      report.emit({
        type: 'warning',
        code: 'VERSION_UNREADABLE',
        message,
        hint: `Find out who published ${what}, and publish it again under a new version.`,
      })
    for (const [id, versions] of all.slice(0, mostTold)) {
      const [first, ...rest] = descending(versions)
      if (first === undefined) continue
      const { version, reason } = first
      const more = rest.length === 0 ? '' : `; so were ${rest.length} more of its versions`
      warn(`${id} ${version.version} ${reason}: it was passed over${more}`, id)
    }
    if (all.length > mostTold)
      warn(`${all.length - mostTold} more packages have versions that were passed over`, 'them')
  }
}

/** The highest version first. */
function descending(versions: NonNullable<ReturnType<Found['get']>> = new Map()) {
  return [...versions.values()].sort((a, b) => compareVersions(b.version, a.version))
}

import type { PackageId } from '../version/package-id.ts'

/** From so many conflicts on, a package is chosen before others, again at every doubling. */
const hot = 8

/** Times that a package can be put behind others: in a cycle, it would go on for ever. */
const latest = 32

/** Which package is chosen next. */
export class Order {
  readonly #heat: ReadonlyMap<PackageId, number>
  readonly #locked: { has(id: PackageId): boolean }
  readonly #lateness = new Map<PackageId, number>()

  /**
   * @param heat how often each package was part of a conflict
   * @param locked what should stay as it is
   */
  constructor(heat: ReadonlyMap<PackageId, number>, locked: { has(id: PackageId): boolean } = new Set()) {
    this.#heat = heat
    this.#locked = locked
  }

  /** Those of which one is to be chosen before all others. */
  foremost<T extends { readonly id: PackageId }>(open: readonly T[]): readonly T[] {
    const first = Math.min(...open.map(({ id }) => this.#late(id)))
    return open.filter(({ id }) => this.#late(id) === first)
  }

  /**
   * The one that conflicts most; then those that are new or to be updated, so that locked ones move where
   * they must; then the one with the fewest candidates; then by id.
   */
  first<T extends { readonly id: PackageId }>(open: readonly T[], count: (one: T) => number): T | undefined {
    let best: { readonly one: T; readonly rank: readonly number[] } | undefined
    for (const one of open) {
      const rank = [-this.#warmth(one.id), Number(this.#locked.has(one.id)), count(one)]
      if (best === undefined || compareRanks(rank, best.rank, one.id < best.one.id) < 0) best = { one, rank }
    }
    return best?.one
  }

  /** Notes that a package must wait for one that requires it; false where it has waited often enough. */
  wait(id: PackageId, requiring: PackageId, again = false): boolean {
    const own = this.#late(id)
    const late = Math.max(own + Number(again), this.#late(requiring) + 1)
    if (late > latest) return false
    this.#lateness.set(id, late)
    return true
  }

  #late(id: PackageId): number {
    return this.#lateness.get(id) ?? 0
  }

  #warmth(id: PackageId): number {
    return Math.max(-1, Math.floor(Math.log2((this.#heat.get(id) ?? 0) / hot)))
  }
}

function compareRanks(a: readonly number[], b: readonly number[], before: boolean): number {
  const at = a.findIndex((rank, place) => rank !== b[place])
  return at < 0 ? (before ? -1 : 1) : (a[at] as number) - (b[at] as number)
}

import type { PackageId } from '../version/package-id.ts'

/** From so many conflicts on, a package is chosen before others, again at every doubling. */
const hot = 8

/** Times that a package can be put behind others: in a cycle, it would go on for ever. */
const latest = 32

/** Which package is chosen next. */
export class Order {
  readonly #heat: ReadonlyMap<PackageId, number>
  readonly #lateness = new Map<PackageId, number>()

  /** @param heat how often each package was part of a conflict */
  constructor(heat: ReadonlyMap<PackageId, number>) {
    this.#heat = heat
  }

  /** Those of which one is to be chosen before all others. */
  foremost<T extends { readonly id: PackageId }>(open: readonly T[]): readonly T[] {
    const first = Math.min(...open.map(({ id }) => this.#late(id)))
    return open.filter(({ id }) => this.#late(id) === first)
  }

  /** The one that conflicts most, then the one with the fewest candidates, then by id. */
  first<T extends { readonly id: PackageId }>(open: readonly T[], count: (one: T) => number): T | undefined {
    let best: { readonly one: T; readonly heat: number; readonly count: number } | undefined
    for (const one of open) {
      const rank = { one, heat: this.#warmth(one.id), count: count(one) }
      const ahead =
        best === undefined
          ? -1
          : best.heat - rank.heat || rank.count - best.count || (one.id < best.one.id ? -1 : 1)
      if (ahead < 0) best = rank
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

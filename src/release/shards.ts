import { hasCode } from '../core/error.ts'
import { shards, waves } from '../core/waves.ts'
import type { Order } from './order.ts'

/** Wave jobs of the workflow, each a matrix. */
export const slotCount = 6
/** Entries that a runner takes in one matrix. */
const largestMatrix = 256

/** Git tags that one job of a matrix releases. */
export interface Shard {
  /** Differs from every other one's of the plan: `2-17`. */
  readonly shard: string
  /** In the order in which they may be released one after another. */
  readonly gitTags: readonly string[]
}

/**
 * Git tags in waves. A tag may stand for several artifacts, which cannot be torn apart: where tags would wait
 * for each other in a circle although their artifacts do not, all of them are one wave of one shard.
 * @param gitTags the tag of each artifact in the order
 */
export function tagWaves(order: Order, gitTags: readonly string[]): { waves: string[][]; whole: boolean } {
  const before = new Map<string, Set<string>>()
  for (const [index, tag] of gitTags.entries()) {
    const others = before.get(tag) ?? new Set()
    for (const one of order.after[index] ?? []) others.add(gitTags[one] ?? tag)
    others.delete(tag)
    before.set(tag, others)
  }
  try {
    return { waves: waves(before.keys(), (tag) => before.get(tag) ?? []), whole: false }
  } catch (error) {
    if (!hasCode(error, 'DEPENDENCY_CYCLE')) throw error
    return { waves: [[...new Set(order.waves.flat().map((index) => gitTags[index] ?? ''))]], whole: true }
  }
}

/**
 * The waves for a fixed number of jobs. What is deeper than they are goes into the last one as a single entry,
 * which releases it in order.
 * @param whole whether the one wave must stay in one entry
 */
export function slotsOf(all: readonly (readonly string[])[], whole: boolean): Shard[][] {
  const deep = all.length > slotCount
  return Array.from({ length: slotCount }, (_, slot) => {
    const last = slot === slotCount - 1 && deep
    const tags = last ? all.slice(slot).flat() : (all[slot] ?? [])
    const size = last || whole ? Math.max(tags.length, 1) : Math.ceil(tags.length / largestMatrix)
    return shards(tags, size).map((gitTags, at) => ({ shard: `${slot}-${at}`, gitTags }))
  })
}

import { refused, type SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call } from './store.ts'

/**
 * artifactType of the manifest that takes a tag away from another where a tag cannot go alone. One that is met
 * is left from an interrupted run.
 */
export const untaggedType = 'application/vnd.slipway.untagged.v1'

/** What a backend can tell and do, beyond what every registry can. */
export interface Abilities {
  /**
   * Whether a tag can go while its content stays. `perhaps`: only trying tells; where it fails nothing has
   * changed.
   */
  readonly untag: boolean | 'perhaps'
  readonly delete: boolean
  /** Whether `entries` lists what has no tag, too. */
  readonly listUntagged: boolean
  /** Whether referrers are among the entries, so that nobody has to ask for them manifest by manifest. */
  readonly listReferrers: boolean
  readonly pushedAt: boolean
  readonly pulledAt: boolean
  /** Days in which what was deleted can be had back; 0: never. */
  readonly restoreDays: number
}

/** One manifest and the tags that point at it. */
export interface InventoryEntry {
  readonly digest: Digest
  readonly tags: readonly Tag[]
  /** When it, or one of its tags, was last written: never what its author says of it. */
  readonly pushedAt?: Date
  /** Undefined where nobody ever pulled it, or nobody knows. */
  readonly pulledAt?: Date
  /** Why it cannot go: `the tag 1.0.0 is immutable`. */
  readonly undeletable?: string
}

/** What deleting left. */
export interface Deleted {
  /** How to have it back, as a command or address a person can use. */
  readonly restore?: string
}

/** What cleaning up needs of one repository and OCI alone cannot tell: each backend does what it can. */
export interface Inventory {
  readonly can: Abilities
  /** Every entry, or throws; a repository that does not exist has none. */
  entries(call?: Call): AsyncIterable<InventoryEntry>
  /**
   * Takes a tag away; its content stays.
   * @throws INVENTORY_CHANGED when it is not at `expect` any more, UNTAG_UNSUPPORTED
   */
  untag(tag: Tag, expect: Digest, call?: Call): Promise<void>
  /**
   * Deletes a manifest with all its tags; one that is gone already is no failure.
   * @throws INVENTORY_CHANGED when its tags are not exactly these any more; DELETE_UNSUPPORTED, UNDELETABLE
   */
  delete(digest: Digest, expectTags: readonly Tag[], call?: Call): Promise<Deleted>
}

/** Whether two lists hold the same tags, in whatever order. */
export function sameTags(a: readonly Tag[], b: readonly Tag[]): boolean {
  const all = new Set(a)
  return all.size === new Set(b).size && b.every((tag) => all.has(tag))
}

/** INVENTORY_CHANGED: a tag is not where it was when the plan was made. */
export function inventoryChanged(where: string, expect: Digest, found: Digest | undefined): SlipwayError {
  return changed(where, `it should be ${expect}, but is ${found ?? 'gone'}`)
}

/** INVENTORY_CHANGED: a manifest has other tags than when the plan was made. */
export function tagsChanged(where: string, expect: readonly Tag[], found: readonly Tag[]): SlipwayError {
  return changed(where, `its tags should be ${list(expect)}, but are ${list(found)}`)
}

/** INVENTORY_CHANGED: something came that needs what was about to go. */
export function neededAgain(where: string, by: Tag | Digest): SlipwayError {
  return changed(where, `${by} came meanwhile and needs it`)
}

function list(tags: readonly Tag[]): string {
  return tags.length === 0 ? 'none' : [...tags].sort().join(', ')
}

function changed(where: string, what: string): SlipwayError {
  return refused('INVENTORY_CHANGED', `${where} was not deleted: ${what}`, {
    hint: 'Somebody writes there at the same time. Plan again.',
  })
}

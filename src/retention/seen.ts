import * as z from 'zod/mini'
import { badInput } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'

/** By repository: what was seen there, and when for the first time (ISO 8601). */
export type Sightings = Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * When tags and untagged manifests were seen for the first time, for registries that do not tell when they were
 * pushed. A tag that moves counts as new: what was seen is the tag at its digest.
 */
export class FirstSeen {
  readonly #known: Sightings
  readonly #now: number
  readonly #found = new Map<string, Record<string, string>>()

  /** @param now milliseconds since 1970, the age of whatever is seen for the first time */
  constructor(known: Sightings, now: number) {
    this.#known = known
    this.#now = now
  }

  /** Milliseconds since 1970: the latest first sighting of a manifest or one of its tags. Remembers it. */
  writtenAt(repository: string, digest: Digest, tags: readonly Tag[]): number {
    const known = Object.hasOwn(this.#known, repository) ? this.#known[repository] : undefined
    const found = this.#found.get(repository) ?? Object.create(null)
    this.#found.set(repository, found)
    const times = (tags.length === 0 ? [digest] : tags.map((tag) => `${tag}@${digest}`)).map((key) => {
      const earlier =
        known !== undefined && Object.hasOwn(known, key) ? Date.parse(known[key] ?? '') : Number.NaN
      // A clock that was wrong once must not keep things for ever.
      const time = Number.isNaN(earlier) || earlier > this.#now ? this.#now : earlier
      found[key] = new Date(time).toISOString()
      return time
    })
    return Math.max(...times)
  }

  /** What to keep for the next run; repositories that were not looked at stay as they were. */
  sightings(): Sightings {
    return Object.fromEntries(
      [...Object.entries(this.#known), ...this.#found].sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
}

const sightingsSchema = z.record(z.string(), z.record(z.string(), z.iso.datetime()))
const fileSchema = z.strictObject({ version: z.literal(1), repositories: sightingsSchema })

/** @throws CLEANUP_STATE_INVALID */
export function readSightings(text: string, name: string): Sightings {
  const result = fileSchema.safeParse(parsed(text))
  if (result.success) return result.data.repositories
  throw badInput('CLEANUP_STATE_INVALID', `${name} is no file of first sightings`, {
    hint: 'Name the file that an earlier run wrote, or one that does not exist yet: everything is then seen for the first time.',
  })
}

export function writeSightings(repositories: Sightings): string {
  return `${JSON.stringify({ version: 1, repositories }, undefined, 2)}\n`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import * as z from 'zod/mini'
import { badInput } from '../core/error.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { isTag, type Tag } from '../oci/reference.ts'
import type { Caps, PlannedRepository, Step } from './plan.ts'
import type { Policy } from './policy.ts'
import type { Sightings } from './seen.ts'

/** What a plan was made from, besides the registry: enough to make it again. */
export interface Basis {
  /** The target that was looked at, as `--source` takes it. */
  readonly source: string
  /** Repositories that were named; undefined: all that the registry lists under the source. */
  readonly repositories?: readonly string[]
  readonly policies: readonly Policy[]
  /** Milliseconds. */
  readonly grace: number
  readonly caps: Caps
  /** Digests that lock files name. */
  readonly locked: readonly Digest[]
  /** First sightings that ages were taken from. */
  readonly seen?: Sightings
}

/** `plan.json`. */
export interface PlanDocument {
  readonly version: 1
  /** ISO 8601; ages are counted from here. */
  readonly created: string
  readonly basis: Basis
  /** Caps that are exceeded: such a plan is not executed. */
  readonly exceeded: readonly string[]
  readonly repositories: readonly PlannedRepository[]
}

/** Bytes: some hundred thousand steps. */
export const largestPlan = 256 * 1024 * 1024

const digest = z.custom<Digest>(isDigest)
const tag = z.custom<Tag>(isTag)
const count = z.int().check(z.gte(0))

const rules = z.strictObject({
  newest: z.optional(z.strictObject({ count: count, by: z.enum(['version', 'date']) })),
  perMinor: z.optional(count),
  perMajor: z.optional(count),
  youngerThan: z.optional(count),
  pulledWithin: z.optional(count),
  tags: z.optional(z.array(z.string())),
})
const policy = z.strictObject({
  name: z.string(),
  repositories: z.array(z.string()),
  keep: rules,
  prereleases: z.optional(rules),
  otherTags: z.enum(['keep', 'rules']),
  untagged: z.enum(['keep', 'delete']),
  builtIn: z.optional(z.literal(true)),
})
const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('untag'), tag, digest }),
  z.strictObject({
    do: z.literal('delete'),
    digest,
    mediaType: z.string(),
    tags: z.array(tag),
    because: z.string(),
  }),
])
const planSchema = z.object({
  version: z.literal(1),
  created: z.iso.datetime(),
  basis: z.strictObject({
    source: z.string(),
    repositories: z.optional(z.array(z.string())),
    policies: z.array(policy),
    grace: count,
    caps: z.strictObject({ deletions: count, share: z.number().check(z.gte(0), z.lte(100)) }),
    locked: z.array(digest),
    seen: z.optional(z.record(z.string(), z.record(z.string(), z.iso.datetime()))),
  }),
  exceeded: z.array(z.string()),
  repositories: z.array(
    z.looseObject({ repository: z.string(), steps: z.array(step), going: count, tags: count }),
  ),
})

/** @throws PLAN_INVALID */
export function readPlan(text: string, name: string): PlanDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const result = planSchema.safeParse(value)
  if (result.success) return result.data as unknown as PlanDocument
  const at = result.error.issues[0]?.path.map(String).join('.').slice(0, 200)
  throw badInput('PLAN_INVALID', `${name} is no plan of slipway cleanup${at ? ` (at ${at})` : ''}`, {
    hint: 'Write one with slipway cleanup -f retention.yaml --plan plan.json, and leave it as it is.',
  })
}

export function writePlan(plan: PlanDocument): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`
}

/** The same step, whatever it says of its reasons. */
export function keyOfStep(one: Step): string {
  return one.do === 'untag'
    ? `untag ${one.tag} ${one.digest}`
    : `delete ${one.digest} ${[...one.tags].sort().join(' ')}`
}

import type { Digest } from '../../src/oci/digest.ts'
import type { Tag } from '../../src/oci/reference.ts'
import { makePlan, type PlanInput } from '../../src/retention/plan.ts'
import type { Policy, Rules } from '../../src/retention/policy.ts'
import type { Held, Snapshot } from '../../src/retention/snapshot.ts'
import type { Abilities } from '../../src/store/inventory.ts'
import { abilities, day, digest, now } from './random.ts'

export interface Given {
  readonly tags?: readonly string[]
  readonly children?: readonly string[]
  readonly subject?: string
  /** Days; null: nobody knows. */
  readonly age?: number | null
  readonly pulled?: number
  readonly listed?: boolean
  readonly undeletable?: string
}

/** A repository from manifests by name; tags may hold `@name` for that manifest's digest in cosign's form. */
export function repository(
  manifests: Readonly<Record<string, Given>>,
  can: Abilities = abilities.ghcr as Abilities,
  path = 'example/kubernetes',
): Snapshot {
  const held = new Map<Digest, Held>()
  const tags = new Map<Tag, Digest>()
  for (const [name, given] of Object.entries(manifests)) {
    const { age = 100, children = [], subject, pulled, undeletable } = given
    held.set(digest(name), {
      digest: digest(name),
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 1,
      children: children.map(digest),
      listed: given.listed ?? (can.listUntagged || (given.tags ?? []).length > 0),
      ...(subject === undefined ? {} : { subject: digest(subject) }),
      ...(age === null ? {} : { writtenAt: now - age * day }),
      ...(pulled === undefined ? {} : { pulledAt: now - pulled * day }),
      ...(undeletable === undefined ? {} : { undeletable }),
    })
    for (const tag of given.tags ?? [])
      tags.set(tag.replace(/^@(\w+)/, (_, of: string) => digest(of).replace(':', '-')) as Tag, digest(name))
  }
  return { repository: path, can, manifests: held, tags }
}

export function policy(keep: Rules, more: Partial<Policy> = {}): Policy {
  return { name: 'test', repositories: ['**'], keep, otherTags: 'keep', untagged: 'delete', ...more }
}

export const newest = (count: number): Rules => ({ newest: { count, by: 'version' } })

export async function planOf(
  snapshots: Snapshot | readonly Snapshot[],
  policies: Policy | readonly Policy[],
  more: Partial<PlanInput> = {},
) {
  const all = [snapshots].flat() as Snapshot[]
  return await makePlan({
    policies: [policies].flat() as Policy[],
    snapshots: new Map(all.map((one) => [one.repository, one])),
    failed: new Map(),
    now,
    grace: day,
    locked: new Set(),
    mayNeed: () => true,
    needs: async () => [],
    caps: { deletions: 1000, share: 100 },
    ...more,
  })
}

/** What goes from the first repository, by the names that its manifests were given; tags alone as `-tag`. */
export async function goingOf(
  manifests: Readonly<Record<string, Given>>,
  rules: Policy,
  more: Partial<PlanInput> & { readonly can?: Abilities } = {},
): Promise<string[]> {
  const { can, ...input } = more
  const { repositories } = await planOf(repository(manifests, can), rules, input)
  const names = new Map(Object.keys(manifests).map((name) => [digest(name), name]))
  return (repositories[0]?.steps ?? []).map((one) =>
    one.do === 'untag' ? `-${one.tag}` : (names.get(one.digest) ?? one.digest),
  )
}

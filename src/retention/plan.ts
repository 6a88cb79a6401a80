import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Abilities } from '../store/inventory.ts'
import { Elsewhere } from './elsewhere.ts'
import { type Policy, policyFor } from './policy.ts'
import type { Snapshot } from './snapshot.ts'
import { refuseUnmatched } from './unmatched.ts'
import { Working } from './working.ts'

/** How much may go at once; more is a mistake until somebody says otherwise. */
export interface Caps {
  /** Manifests in one run. */
  readonly deletions: number
  /** Percent of one repository's tags. */
  readonly share: number
}

/** A tag that stays where it is. */
export interface Kept {
  readonly tag: Tag
  readonly digest: Digest
  readonly because: string
}

export type Step =
  | { readonly do: 'untag'; readonly tag: Tag; readonly digest: Digest }
  | {
      readonly do: 'delete'
      readonly digest: Digest
      readonly mediaType: string
      readonly tags: readonly Tag[]
      readonly because: string
    }

export interface PlannedRepository {
  readonly repository: string
  /** Undefined: no policy covers it, so nothing goes. */
  readonly policy?: string
  /** Why nothing of it may go: it, or what may need it, could not be read. */
  readonly protected?: string
  readonly can?: Abilities
  readonly keep: readonly Kept[]
  /** In this order. */
  readonly steps: readonly Step[]
  /** What nothing keeps, and yet stays. */
  readonly stays: readonly Kept[]
  readonly notes: readonly string[]
  /** Tags that go, of all that are versions or names. */
  readonly going: number
  readonly tags: number
}

export interface PlanInput {
  readonly policies: readonly Policy[]
  readonly snapshots: ReadonlyMap<string, Snapshot>
  /** Repositories that could not be read, and why. */
  readonly failed: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  readonly now: number
  /** Milliseconds in which nothing untagged, and nothing just written, goes. */
  readonly grace: number
  /** Digests that lock files name. */
  readonly locked: ReadonlySet<Digest>
  /** Whether what is in one repository may depend on what is in another. */
  readonly mayNeed: (repository: string, other: string) => boolean
  /** The tags that these tags depend on, of any repository; asked until nothing new is kept. */
  readonly needs: (tags: readonly Place[]) => Promise<readonly Need[]>
  readonly caps: Caps
  /** By repository, what alone may go, whatever the rules say; the rest stays with all that it needs. */
  readonly only?: ReadonlyMap<string, Going>
}

/** Tags and manifests of one repository that a plan lets go. */
export interface Going {
  readonly tags: ReadonlySet<Tag>
  readonly digests: ReadonlySet<Digest>
}

export interface Place {
  readonly repository: string
  readonly tag: Tag
}

export interface Need extends Place {
  /** `kubernetes 1.28.0`: for whom it stays. */
  readonly by: string
}

export interface Planned {
  readonly repositories: readonly PlannedRepository[]
  /** Caps that are exceeded: then nothing may be executed. */
  readonly exceeded: readonly string[]
}

/**
 * What goes and what stays, over all repositories at once; touches nothing.
 * @throws KEEP_PATTERN_UNMATCHED, POLICY_UNMATCHED
 */
export async function makePlan(input: PlanInput): Promise<Planned> {
  refuseUnmatched(input)
  const repositories = [...input.snapshots.values()].map((snapshot) => new Working(snapshot, input))
  const byPath = new Map(repositories.map((one) => [one.snapshot.repository, one]))
  const elsewhere = new Elsewhere(byPath, input.failed.size === 0)
  const asked = new Set<string>()
  for (;;) {
    for (const one of repositories)
      one.decide(input, (subject) => elsewhere.lacks(subject, one.snapshot, false))
    const fresh = repositories.flatMap((one) => one.remaining()).filter((place) => !asked.has(keyOf(place)))
    for (const place of fresh) asked.add(keyOf(place))
    const needed = fresh.length === 0 ? [] : await input.needs(fresh)
    const added = needed.map((need) => byPath.get(need.repository)?.need(need) === true)
    if (!added.includes(true)) break
  }
  // Signatures that stand in a repository of their own go when what they sign goes.
  for (const one of repositories) one.decide(input, (subject) => elsewhere.lacks(subject, one.snapshot, true))
  const planned = [
    ...repositories.map((one) => one.planned(input)),
    ...[...input.failed].map(([repository, why]) => unread(repository, why, input)),
  ].sort((a, b) => (a.repository < b.repository ? -1 : 1))
  return { repositories: planned, exceeded: exceededBy(planned, input.caps) }
}

/** What steps let go, as `only` takes it. */
export function goingBy(
  planned: readonly Pick<PlannedRepository, 'repository' | 'steps'>[],
): ReadonlyMap<string, Going> {
  const going = new Map<string, { readonly tags: Set<Tag>; readonly digests: Set<Digest> }>()
  for (const { repository, steps } of planned) {
    const { tags, digests } = going.get(repository) ?? { tags: new Set(), digests: new Set() }
    going.set(repository, { tags, digests })
    for (const step of steps) {
      for (const tag of step.do === 'untag' ? [step.tag] : step.tags) tags.add(tag)
      if (step.do === 'delete') digests.add(step.digest)
    }
  }
  return going
}

function unread(repository: string, why: string, { policies }: PlanInput): PlannedRepository {
  const policy = policyFor(policies, repository)
  return {
    repository,
    protected: why,
    keep: [],
    steps: [],
    stays: [],
    notes: [],
    going: 0,
    tags: 0,
    ...(policy === undefined ? {} : { policy: policy.name }),
  }
}

/** Which caps a plan goes beyond, in words. */
export function exceededBy(planned: readonly PlannedRepository[], caps: Caps): string[] {
  const deletions = planned.flatMap(({ steps }) => steps).filter((one) => one.do === 'delete').length
  return [
    ...(deletions > caps.deletions ? [`${deletions} manifests would go; at most ${caps.deletions} may`] : []),
    ...planned.flatMap(({ repository, going, tags }) =>
      going * 100 > tags * caps.share
        ? [`${repository}: ${going} of ${tags} tags would go; at most ${caps.share} % may`]
        : [],
    ),
  ]
}

function keyOf({ repository, tag }: Place): string {
  return `${repository}:${tag}`
}

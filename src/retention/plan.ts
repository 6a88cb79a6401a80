import { badInput, type SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Abilities } from '../store/inventory.ts'
import { attachedTags } from './closure.ts'
import { type Decision, decide } from './decide.ts'
import { tagPattern } from './pattern.ts'
import { keptTags, type Policy, patternsOf, policyFor } from './policy.ts'
import { type Snapshot, subjectOfTag, tagsByDigest } from './snapshot.ts'

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
  const asked = new Set<string>()
  for (;;) {
    for (const one of repositories) one.decide(input, nowhere(input, byPath, false))
    const fresh = repositories.flatMap((one) => one.remaining()).filter((place) => !asked.has(keyOf(place)))
    for (const place of fresh) asked.add(keyOf(place))
    const needed = fresh.length === 0 ? [] : await input.needs(fresh)
    const added = needed.map((need) => byPath.get(need.repository)?.need(need) === true)
    if (!added.includes(true)) break
  }
  // Signatures that stand in a repository of their own go when what they sign goes.
  for (const one of repositories) one.decide(input, nowhere(input, byPath, true))
  const planned = [
    ...repositories.map((one) => one.planned(input)),
    ...[...input.failed].map(([repository, why]) => unread(repository, why, input)),
  ].sort((a, b) => (a.repository < b.repository ? -1 : 1))
  return { repositories: planned, exceeded: exceededBy(planned, input.caps) }
}

/** One repository while the plan is made. */
class Working {
  readonly snapshot: Snapshot
  readonly policy: Policy | undefined
  readonly protected: string | undefined
  readonly #kept: Map<Tag, string>
  #decision: Decision | undefined

  constructor(snapshot: Snapshot, input: PlanInput) {
    this.snapshot = snapshot
    this.policy = policyFor(input.policies, snapshot.repository)
    const unreadable = [...input.failed.keys()].find((one) => input.mayNeed(one, snapshot.repository))
    this.protected =
      unreadable === undefined ? undefined : `${unreadable} could not be read, and may need what is here`
    this.#kept = this.policy === undefined ? new Map() : keptTags(this.policy, snapshot, input)
    for (const [tag, digest] of snapshot.tags)
      if (input.locked.has(digest) && subjectOfTag(tag) === undefined) this.#kept.set(tag, 'locked')
  }

  get #open(): boolean {
    return this.policy !== undefined && this.protected === undefined
  }

  get decision(): Decision | undefined {
    return this.#decision
  }

  decide(input: PlanInput, gone: (subject: Digest, from: Snapshot) => boolean): void {
    if (!this.#open || this.policy === undefined) return
    const { now, grace, locked } = input
    this.#decision = decide(this.snapshot, {
      kept: this.#kept,
      locked,
      untagged: this.policy.untagged,
      now,
      grace,
      gone: (subject) => gone(subject, this.snapshot),
    })
  }

  /** Keeps a tag for somebody. @returns whether that is new */
  need({ tag, by }: Need): boolean {
    if (!this.#open || this.#kept.has(tag) || !this.snapshot.tags.has(tag)) return false
    this.#kept.set(tag, `needed by ${by}`)
    return true
  }

  /** Tags that may still be there afterwards, and whose dependencies therefore stay. */
  remaining(): Place[] {
    const { repository, tags, can } = this.snapshot
    const doomed = new Set(this.#decision?.doomed)
    const loose = new Set(can.untag === true ? this.#decision?.loose : [])
    return [...tags].flatMap(([tag, digest]) =>
      doomed.has(digest) || loose.has(tag) || subjectOfTag(tag) !== undefined ? [] : [{ repository, tag }],
    )
  }

  planned({ now }: PlanInput): PlannedRepository {
    const { snapshot, policy } = this
    const { repository, can, tags } = snapshot
    const named = [...tags.keys()].filter((tag) => subjectOfTag(tag) === undefined).sort()
    const base = {
      repository,
      can,
      tags: named.length,
      ...(policy === undefined ? {} : { policy: policy.name }),
      ...(this.protected === undefined ? {} : { protected: this.protected }),
    }
    const at = (tag: Tag) => tags.get(tag) as Digest
    const decision = this.#decision
    if (decision === undefined || policy === undefined) {
      const because = policy === undefined ? 'no policy' : 'protected'
      return {
        ...base,
        keep: named.map((tag) => ({ tag, digest: at(tag), because })),
        steps: [],
        stays: [],
        notes: [],
        going: 0,
      }
    }
    const loose = new Set(decision.loose)
    const doomed = new Set(decision.doomed)
    const tagged = tagsByDigest(snapshot)
    const stays: Kept[] = []
    const steps: Step[] = []
    for (const tag of decision.loose)
      if (can.untag !== false) steps.push({ do: 'untag', tag, digest: at(tag) })
      else
        stays.push({ tag, digest: at(tag), because: 'its content is kept, and tags cannot go alone there' })
    for (const digest of decision.doomed) {
      const own = tagged.get(digest) ?? []
      const held = snapshot.manifests.get(digest)
      const because = reason(own, held?.leftover === true, held?.writtenAt, now)
      if (can.delete)
        steps.push({ do: 'delete', digest, mediaType: held?.mediaType ?? '', tags: own, because })
      else for (const tag of own) stays.push({ tag, digest, because: 'nothing can be deleted there' })
    }
    const remaining = named.filter((tag) => !loose.has(tag) && !doomed.has(at(tag)))
    const goes = (tag: Tag) =>
      steps.some((one) => (one.do === 'untag' ? one.tag === tag : one.tags.includes(tag)))
    return {
      ...base,
      keep: remaining.map((tag) => ({
        tag,
        digest: at(tag),
        because: this.#kept.get(tag) ?? 'belongs to what is kept',
      })),
      steps,
      stays,
      notes: notesOn(policy, snapshot, this.#kept),
      going: named.filter(goes).length,
    }
  }
}

function reason(tags: readonly Tag[], leftover: boolean, writtenAt: number | undefined, now: number): string {
  if (leftover) return 'left by an interrupted run'
  if (tags.some((tag) => subjectOfTag(tag) === undefined)) return 'no rule keeps it'
  if (tags.length > 0) return 'belongs to what goes, or to nothing'
  const age = writtenAt === undefined ? '' : `, ${Math.floor((now - writtenAt) / 86_400_000)} days old`
  return `untagged or part of what goes${age}`
}

function notesOn(policy: Policy, { can, tags }: Snapshot, kept: ReadonlyMap<Tag, string>): string[] {
  const rules = [policy.keep, ...(policy.prereleases === undefined ? [] : [policy.prereleases])]
  const unknown = [...kept.values()].filter((why) => why === 'age unknown').length
  return [
    ...(unknown > 0
      ? [
          `${unknown} of ${tags.size} tags stay since nobody knows their age: name a state file for first sightings`,
        ]
      : []),
    ...(rules.some((one) => one.pulledWithin !== undefined) && !can.pulledAt
      ? ['pulledWithin has no effect: the registry does not tell who pulled what']
      : []),
  ]
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

/**
 * Whether a digest that something refers to is nowhere. Signatures may stand in a repository of their own
 * (`kubernetes-signatures`): where that holds nothing else, only the one beside it tells.
 */
function nowhere(input: PlanInput, byPath: ReadonlyMap<string, Working>, last: boolean) {
  const homes = new Map<Digest, Working[]>()
  for (const one of byPath.values())
    for (const digest of one.snapshot.manifests.keys()) homes.set(digest, [...(homes.get(digest) ?? []), one])
  return (subject: Digest, from: Snapshot): boolean => {
    const found = homes.get(subject)
    if (found !== undefined) return last && found.every((one) => one.decision?.doomed.includes(subject))
    if (input.failed.size > 0) return false
    return holdsOwn(from) || byPath.has(withoutSuffix(from.repository))
  }
}

/** Whether there is anything but signatures and other referrers. */
function holdsOwn(snapshot: Snapshot): boolean {
  const attached = new Set([...attachedTags(snapshot).keys()].map((tag) => snapshot.tags.get(tag)))
  return [...snapshot.manifests.values()].some(
    (one) => one.subject === undefined && !attached.has(one.digest),
  )
}

function withoutSuffix(repository: string): string {
  return repository.endsWith('-signatures') ? repository.slice(0, -'-signatures'.length) : ''
}

function exceededBy(planned: readonly PlannedRepository[], caps: Caps): string[] {
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

/** A pattern with a typing error protects nothing, and says so only when it is too late. */
function refuseUnmatched({ policies, snapshots, failed }: PlanInput): void {
  for (const policy of policies) {
    if (policy.builtIn === true) continue
    const mine = [...snapshots.values()].filter((one) => policyFor(policies, one.repository) === policy)
    if ([...failed.keys()].some((one) => policyFor(policies, one) === policy)) continue
    if (mine.length === 0)
      throw unmatched(
        'POLICY_UNMATCHED',
        `The policy ${JSON.stringify(policy.name)} (${policy.repositories.join(', ')}) covers no repository`,
        'Correct it or take it out; of several policies the first that covers a repository holds.',
      )
    const tags = mine.flatMap((one) => [...one.tags.keys()])
    for (const text of patternsOf(policy))
      if (!tags.some((tag) => tagPattern(text)?.matches(tag)))
        throw unmatched(
          'KEEP_PATTERN_UNMATCHED',
          `The policy ${JSON.stringify(policy.name)} keeps tags that match ${JSON.stringify(text)}, and there are none`,
          `Correct it or take it out. Tags there are such as ${tags
            .filter((tag) => subjectOfTag(tag) === undefined)
            .slice(0, 5)
            .join(', ')}.`,
        )
  }
}

function unmatched(
  code: 'POLICY_UNMATCHED' | 'KEEP_PATTERN_UNMATCHED',
  message: string,
  hint: string,
): SlipwayError {
  return badInput(code, message, { hint })
}

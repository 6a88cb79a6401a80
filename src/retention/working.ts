import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { type Decision, decide } from './decide.ts'
import type { Going, Kept, Need, Place, PlanInput, PlannedRepository, Step } from './plan.ts'
import { keptTags, type Policy, policyFor } from './policy.ts'
import { type Snapshot, subjectOfTag, tagsByDigest } from './snapshot.ts'

const nothing: Going = { tags: new Set(), digests: new Set() }

/** One repository while the plan is made. */
export class Working {
  readonly snapshot: Snapshot
  readonly policy: Policy | undefined
  readonly protected: string | undefined
  readonly #kept: Map<Tag, string>
  readonly #locked: ReadonlySet<Digest>
  #decision: Decision | undefined
  #doomed: ReadonlySet<Digest> = new Set()

  constructor(snapshot: Snapshot, input: PlanInput) {
    this.snapshot = snapshot
    this.policy = policyFor(input.policies, snapshot.repository)
    const unreadable = [...input.failed.keys()].find((one) => input.mayNeed(one, snapshot.repository))
    this.protected =
      unreadable === undefined ? undefined : `${unreadable} could not be read, and may need what is here`
    this.#kept = this.policy === undefined ? new Map() : keptTags(this.policy, snapshot, input)
    for (const [tag, digest] of snapshot.tags)
      if (input.locked.has(digest) && subjectOfTag(tag) === undefined) this.#kept.set(tag, 'locked')
    const only = input.only && (input.only.get(snapshot.repository) ?? nothing)
    if (only === undefined) {
      this.#locked = input.locked
      return
    }
    for (const tag of snapshot.tags.keys()) if (!only.tags.has(tag)) this.#kept.set(tag, 'not in the plan')
    const others = [...snapshot.manifests.keys()].filter((digest) => !only.digests.has(digest))
    this.#locked = new Set([...input.locked, ...others])
  }

  get #open(): boolean {
    return this.policy !== undefined && this.protected === undefined
  }

  /** Whether a digest goes, as far as is decided. */
  dooms(digest: Digest): boolean {
    return this.#doomed.has(digest)
  }

  decide(input: PlanInput, gone: (subject: Digest) => boolean): void {
    if (!this.#open || this.policy === undefined) return
    const { now, grace } = input
    this.#decision = decide(this.snapshot, {
      kept: this.#kept,
      locked: this.#locked,
      untagged: this.policy.untagged,
      now,
      grace,
      gone,
    })
    this.#doomed = new Set(this.#decision.doomed)
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
    const doomed = this.#doomed
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
    const doomed = this.#doomed
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

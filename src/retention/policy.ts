import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { isPrerelease, type Version } from '../version/version.ts'
import { compareTags, versionIn } from '../version/version-tag.ts'
import { coversRepository, tagPattern } from './pattern.ts'
import { type Snapshot, subjectOfTag } from './snapshot.ts'

/** Each rule keeps what it names; together they keep the union. Times are milliseconds. */
export interface Rules {
  readonly newest?: { readonly count: number; readonly by: 'version' | 'date' }
  /** The newest so many of each `1.28`. */
  readonly perMinor?: number
  /** The newest so many of each `1`. */
  readonly perMajor?: number
  readonly youngerThan?: number
  /** Has no effect where the registry does not tell. */
  readonly pulledWithin?: number
  /** Globs, or regular expressions between slashes. */
  readonly tags?: readonly string[]
}

export interface Policy {
  readonly name: string
  /** Globs over the repository's full path; each also covers everything below it. */
  readonly repositories: readonly string[]
  readonly keep: Rules
  /** For prereleases, which are counted apart; default: the same rules. */
  readonly prereleases?: Rules
  /** Tags that are neither versions nor moving: kept, or held against the rules too. */
  readonly otherTags: 'keep' | 'rules'
  readonly untagged: 'keep' | 'delete'
  /** One of the defaults, which may well match nothing. */
  readonly builtIn?: true
}

const day = 24 * 60 * 60 * 1000

const builtIn = (name: string, count: number, days: number, otherTags: Policy['otherTags']): Policy => ({
  name,
  repositories: [`**/${name}`],
  keep: { newest: { count, by: 'version' }, youngerThan: days * day },
  otherTags,
  untagged: 'delete',
  builtIn: true,
})

/** What holds where `retention.yaml` says nothing of a repository. */
export const defaultPolicies: readonly Policy[] = [
  builtIn('provisioning-extensions', 10, 90, 'keep'),
  builtIn('provisioning-kcl', 20, 180, 'keep'),
  builtIn('provisioning-platform', 5, 30, 'keep'),
  builtIn('provisioning-test', 3, 7, 'rules'),
]

/** The first that covers the repository. */
export function policyFor(policies: readonly Policy[], repository: string): Policy | undefined {
  return policies.find((one) => one.repositories.some((glob) => coversRepository(glob, repository)))
}

/** Why each tag that a policy keeps is kept. Tags that belong to a digest (`sha256-…`) follow it and are not here. */
export function keptTags(
  policy: Policy,
  snapshot: Snapshot,
  { now, grace }: { readonly now: number; readonly grace: number },
): Map<Tag, string> {
  const kept = new Map<Tag, string>()
  const add = (tag: Tag, why: string) => kept.has(tag) || kept.set(tag, why)
  const stable: Tag[] = []
  const early: Tag[] = []
  const other: Tag[] = []
  const moving = new Map<Digest, Tag>()
  for (const [tag, digest] of snapshot.tags) {
    if (subjectOfTag(tag) !== undefined || snapshot.manifests.get(digest)?.leftover) continue
    const version = versionOfTag(tag)
    if (version !== undefined) (isPrerelease(version) ? early : stable).push(tag)
    else if (isMoving(tag)) {
      add(tag, 'moving tag')
      moving.set(digest, tag)
    } else if (policy.otherTags === 'keep') add(tag, 'not a version')
    else other.push(tag)
    const writtenAt = snapshot.manifests.get(digest)?.writtenAt
    // Whatever the rules: who has just published is not done yet.
    if (writtenAt !== undefined && now - writtenAt < grace) add(tag, 'just written')
  }
  // The version that `latest` stands for keeps its own name, too.
  for (const tag of [...stable, ...early]) {
    const pointer = moving.get(snapshot.tags.get(tag) as Digest)
    if (pointer !== undefined) add(tag, `what ${pointer} points at`)
  }
  // A pattern means what it matches, whatever other rules a tag falls under.
  for (const pattern of (policy.keep.tags ?? []).map(tagPattern))
    for (const tag of [...stable, ...early, ...other])
      if (pattern?.matches(tag)) add(tag, `matches ${pattern.text}`)
  const context = { snapshot, now, add }
  applyRules(policy.keep, stable, context)
  applyRules(policy.prereleases ?? policy.keep, early, context)
  // What is no version has no place in their order.
  const { newest, perMinor: _, perMajor: __, ...timeless } = policy.keep
  applyRules(newest?.by === 'date' ? { ...timeless, newest } : timeless, other, context)
  return kept
}

interface RuleContext {
  readonly snapshot: Snapshot
  readonly now: number
  readonly add: (tag: Tag, why: string) => void
}

function applyRules(rules: Rules, tags: readonly Tag[], { snapshot, now, add }: RuleContext): void {
  const { newest, perMinor, perMajor, youngerThan, pulledWithin, tags: patterns = [] } = rules
  const digest = (tag: Tag) => snapshot.tags.get(tag) as Digest
  const held = (tag: Tag) => snapshot.manifests.get(digest(tag))
  const count = (ordered: readonly Tag[], most: number, why: string) => {
    // Several tags of one manifest are one release.
    const counted = new Set<Digest>()
    for (const tag of ordered) {
      if (!counted.has(digest(tag)) && counted.size === most) return
      counted.add(digest(tag))
      add(tag, why)
    }
  }
  const byVersion = [...tags].sort((a, b) => compareTags(b, a) || (a < b ? -1 : 1))
  if (newest?.by === 'version') count(byVersion, newest.count, `newest ${newest.count}`)
  if (newest?.by === 'date') {
    const dated = tags.filter((tag) => held(tag)?.writtenAt !== undefined)
    for (const tag of tags) if (!dated.includes(tag)) add(tag, 'age unknown')
    const byDate = dated.sort(
      (a, b) => (held(b)?.writtenAt ?? 0) - (held(a)?.writtenAt ?? 0) || (a < b ? -1 : 1),
    )
    count(byDate, newest.count, `newest ${newest.count} by date`)
  }
  const grouped = (key: (version: Version) => string) =>
    Map.groupBy(
      byVersion.flatMap((tag) => {
        const version = versionOfTag(tag)
        return version === undefined ? [] : [{ tag, key: key(version) }]
      }),
      (one) => one.key,
    )
  if (perMinor !== undefined)
    for (const [key, group] of grouped(({ major, minor }) => `${major}.${minor}`))
      count(
        group.map(({ tag }) => tag),
        perMinor,
        `newest ${perMinor} of ${key}`,
      )
  if (perMajor !== undefined)
    for (const [key, group] of grouped(({ major }) => `${major}`))
      count(
        group.map(({ tag }) => tag),
        perMajor,
        `newest ${perMajor} of ${key}`,
      )
  const compiled = patterns.map(tagPattern)
  for (const tag of tags) {
    const { writtenAt, pulledAt } = held(tag) ?? {}
    if (youngerThan !== undefined) {
      if (writtenAt === undefined) add(tag, 'age unknown')
      else if (now - writtenAt < youngerThan) add(tag, `younger than ${days(youngerThan)}`)
    }
    if (pulledWithin !== undefined && pulledAt !== undefined && now - pulledAt < pulledWithin)
      add(tag, `pulled within ${days(pulledWithin)}`)
    const pattern = compiled.find((one) => one?.matches(tag))
    if (pattern !== undefined) add(tag, `matches ${pattern.text}`)
  }
}

/** Patterns of a policy that are to keep something; by themselves, for "matches nothing". */
export function patternsOf({ keep, prereleases }: Policy): readonly string[] {
  return [...new Set([...(keep.tags ?? []), ...(prereleases?.tags ?? [])])]
}

export function versionOfTag(tag: string): Version | undefined {
  return versionIn(tag, '') ?? versionIn(tag, 'v')
}

/** Tags that follow a version: `latest`, `1`, `1.28`, `v1`, and `stable` or `edge` as others call it. */
export function isMoving(tag: string): boolean {
  return /^(latest|stable|edge|v?\d+(\.\d+)?)$/.test(tag)
}

function days(milliseconds: number): string {
  return `${Math.round((milliseconds / day) * 100) / 100} days`
}

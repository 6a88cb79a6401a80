import type { Digest } from '../../src/oci/digest.ts'
import type { Tag } from '../../src/oci/reference.ts'
import type { Held, Snapshot } from '../../src/retention/snapshot.ts'
import { day, now } from './random.ts'

/** The rules of the test's one policy, said again in the plainest way: no graph, no order, only "as long as". */
export interface OracleRules {
  readonly newest: number
  readonly youngerThan?: number
  readonly otherTags: 'keep' | 'rules'
  readonly untagged: 'keep' | 'delete'
  readonly locked: ReadonlySet<Digest>
}

const attachedTo = (tag: string) => {
  const hex = /^sha256-([0-9a-f]{64})(\.\w+)?$/.exec(tag)?.[1]
  return hex === undefined ? undefined : (`sha256:${hex}` as Digest)
}

/** Every digest and tag that has to stay; all others have to go, where the registry can do that. */
export function oracle({ manifests, tags }: Snapshot, rules: OracleRules) {
  const held = (one: Digest) => manifests.get(one) as Held
  const old = (one: Digest) =>
    held(one).writtenAt !== undefined && now - (held(one).writtenAt as number) >= day
  const keptTags = new Set<Tag>()
  const candidates: Tag[] = []
  for (const [tag, to] of tags) {
    if (attachedTo(tag) !== undefined) continue
    if (rules.locked.has(to)) keptTags.add(tag)
    if (held(to).leftover) continue
    if (/^(latest|v?\d+(\.\d+)?)$/.test(tag)) keptTags.add(tag)
    else if (!/^v?\d+\.\d+\.\d+/.test(tag) && rules.otherTags === 'keep') keptTags.add(tag)
    else candidates.push(tag)
    const { writtenAt } = held(to)
    if (writtenAt !== undefined && now - writtenAt < day) keptTags.add(tag)
  }
  for (const tag of candidates)
    if (/^v?\d+\.\d+\.\d+/.test(tag))
      for (const [other, to] of tags)
        if (/^(latest|v?\d+(\.\d+)?)$/.test(other) && to === tags.get(tag) && !held(to).leftover)
          keptTags.add(tag)
  /** Enough of an order for `1.2.3` and `1.2.3-rc.4`, which are never compared with each other. */
  const number = (tag: string) => {
    const [release = '', early = ''] = tag.replace(/^v/, '').split('-rc.')
    return release.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0) + Number(early) / 1000
  }
  for (const group of [
    candidates.filter((tag) => /^v?\d+\.\d+\.\d+$/.test(tag)),
    candidates.filter((tag) => /^v?\d+\.\d+\.\d+-/.test(tag)),
    candidates.filter((tag) => !/^v?\d+\.\d+\.\d+/.test(tag)),
  ]) {
    for (const tag of group) {
      const better = new Set(
        group
          .filter((other) => {
            const difference = (number(other) || 0) - (number(tag) || 0)
            return difference > 0 || (difference === 0 && other < tag)
          })
          .map((other) => tags.get(other)),
      )
      better.delete(tags.get(tag))
      if (better.size < rules.newest && /^v?\d+\.\d+\.\d+/.test(tag)) keptTags.add(tag)
      const { writtenAt } = held(tags.get(tag) as Digest)
      if (rules.youngerThan === undefined) continue
      if (writtenAt === undefined || now - writtenAt < rules.youngerThan) keptTags.add(tag)
    }
  }

  const belongs = (a: Digest, b: Digest) =>
    held(a).children.includes(b) ||
    held(b).subject === a ||
    [...tags].some(([tag, to]) => to === b && attachedTo(tag) === a)
  const refersTo = (a: Digest, b: Digest) =>
    held(a).subject === b || [...tags].some(([tag, to]) => to === a && attachedTo(tag) === b)

  const stays = new Set<Digest>()
  const mayGo = new Set<Digest>()
  const tagged = new Set(tags.values())
  for (const one of manifests.values()) {
    const { digest } = one
    const names = [...tags].flatMap(([tag, to]) => (to === digest ? [tag] : []))
    if (one.undeletable !== undefined || rules.locked.has(digest)) stays.add(digest)
    for (const tag of names) {
      const subject = attachedTo(tag)
      if (keptTags.has(tag)) stays.add(digest)
      else if (subject === undefined) mayGo.add(digest)
      else if (!manifests.has(subject))
        (rules.untagged === 'delete' && old(digest) ? mayGo : stays).add(digest)
    }
    if (one.leftover) mayGo.add(digest)
    else if (!tagged.has(digest) && one.listed) {
      const alone = [...manifests.keys()].every((other) => !refersTo(digest, other))
      const lost = one.subject !== undefined && !manifests.has(one.subject)
      if (!old(digest) || (lost && rules.untagged === 'keep')) stays.add(digest)
      else if (alone && rules.untagged === 'delete') mayGo.add(digest)
    }
  }
  const everything = [...manifests.keys()]
  for (let size = -1; size !== mayGo.size; ) {
    size = mayGo.size
    for (const a of [...mayGo]) for (const b of everything) if (belongs(a, b)) mayGo.add(b)
  }
  for (const one of everything) if (!mayGo.has(one)) stays.add(one)
  for (let size = -1; size !== stays.size; ) {
    size = stays.size
    for (const a of [...stays]) for (const b of everything) if (belongs(a, b) || refersTo(a, b)) stays.add(b)
  }
  return { stays, keptTags }
}

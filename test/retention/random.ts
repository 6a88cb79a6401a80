import { createHash } from 'node:crypto'
import type { Digest } from '../../src/oci/digest.ts'
import type { Tag } from '../../src/oci/reference.ts'
import type { Held, Snapshot } from '../../src/retention/snapshot.ts'
import type { Abilities } from '../../src/store/inventory.ts'

export const hour = 3_600_000
export const day = 24 * hour
export const now = Date.parse('2026-11-01T00:00:00Z')

export function digest(name: string): Digest {
  return `sha256:${createHash('sha256').update(name).digest('hex')}` as Digest
}

/** mulberry32: the same numbers for the same seed everywhere. */
export function randomness(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    chance: (p: number) => next() < p,
    pick: <T>(all: readonly T[]) => all[below(all.length)] as T,
  }
}
export type Randomness = ReturnType<typeof randomness>

/** What kinds of registries can do. */
export const abilities: Readonly<Record<string, Abilities>> = {
  ghcr: {
    untag: true,
    delete: true,
    listUntagged: true,
    listReferrers: true,
    pushedAt: true,
    pulledAt: false,
    restoreDays: 30,
  },
  harbor: {
    untag: true,
    delete: true,
    listUntagged: true,
    listReferrers: false,
    pushedAt: true,
    pulledAt: true,
    restoreDays: 0,
  },
  zot: {
    untag: true,
    delete: true,
    listUntagged: false,
    listReferrers: false,
    pushedAt: false,
    pulledAt: false,
    restoreDays: 0,
  },
  distribution: {
    untag: 'perhaps',
    delete: true,
    listUntagged: false,
    listReferrers: false,
    pushedAt: false,
    pulledAt: false,
    restoreDays: 0,
  },
  stubborn: {
    untag: false,
    delete: true,
    listUntagged: true,
    listReferrers: true,
    pushedAt: true,
    pulledAt: false,
    restoreDays: 0,
  },
  readOnly: {
    untag: false,
    delete: false,
    listUntagged: true,
    listReferrers: true,
    pushedAt: true,
    pulledAt: false,
    restoreDays: 0,
  },
}

/** Images, indexes that share children, chains of referrers, fallback tags, cosign tags, moving tags, orphans. */
export function randomSnapshot(
  random: Randomness,
  can: Abilities,
  repository = 'example/kubernetes',
): Snapshot {
  const manifests = new Map<Digest, Held>()
  const tags = new Map<Tag, Digest>()
  const age = () =>
    can.pushedAt ? now - random.pick([hour, 2 * day, 20 * day, 100 * day, 400 * day]) : undefined
  const add = (name: string, extra: Partial<Held> = {}) => {
    const writtenAt = random.chance(0.95) ? age() : undefined
    const held: Held = {
      digest: digest(name),
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 100,
      children: [],
      listed: can.listUntagged,
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(random.chance(0.02) ? { undeletable: 'immutable' } : {}),
      ...(random.chance(0.01) ? { leftover: true as const } : {}),
      ...extra,
    }
    manifests.set(held.digest, held)
    return held.digest
  }
  const images = Array.from({ length: 1 + random.below(6) }, (_, at) => add(`image ${at}`))
  const tops = [...images]
  for (let at = random.below(4); at > 0; at--) {
    const children = [...new Set(Array.from({ length: 1 + random.below(3) }, () => random.pick(tops)))]
    tops.push(add(`index ${at}`, { children }))
  }
  const all = [...tops]
  for (let at = random.below(5); at > 0; at--)
    all.push(add(`referrer ${at}`, { subject: random.chance(0.9) ? random.pick(all) : digest('absent') }))
  const versions = [
    '1.0.0',
    '1.0.1',
    '1.1.0',
    '1.2.0',
    '2.0.0',
    '2.1.0-rc.1',
    '2.1.0-rc.2',
    '2.1.0',
    'v2.1.0',
    'latest',
    '1',
    '2.1',
    'nightly',
    'pr-7',
  ]
  for (const tag of versions) if (random.chance(0.45)) tags.set(tag as Tag, random.pick(all))
  for (let at = random.below(4); at > 0; at--) {
    const subject = random.chance(0.85) ? random.pick(all) : digest(`absent ${random.below(2)}`)
    const tag = `${subject.replace(':', '-')}${random.pick(['', '.sig', '.att', '.sbom'])}` as Tag
    // The list of referrers names some of them; signatures are images, sometimes the very same.
    const target = tag.includes('.') ? add(`signature ${random.below(3)}`) : undefined
    tags.set(
      tag,
      target ?? add(`list ${at}`, { children: all.filter((one) => manifests.get(one)?.subject === subject) }),
    )
  }
  const held = new Set(tags.values())
  // What registries without a list of their own tell is only what tags lead to.
  if (!can.listUntagged) {
    for (const one of held) manifests.set(one, { ...(manifests.get(one) as Held), listed: true })
    for (const one of [...manifests.keys()])
      if (!reachable(manifests, tags, held).has(one)) manifests.delete(one)
  }
  return { repository, can, manifests, tags }
}

function reachable(
  manifests: ReadonlyMap<Digest, Held>,
  tags: ReadonlyMap<Tag, Digest>,
  from: ReadonlySet<Digest>,
): Set<Digest> {
  const found = new Set(from)
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const one of manifests.values()) {
      if (one.subject !== undefined && found.has(one.subject)) found.add(one.digest)
      if (!found.has(one.digest)) continue
      for (const child of one.children) found.add(child)
      if (one.subject !== undefined && manifests.has(one.subject)) found.add(one.subject)
    }
    for (const tag of tags.keys()) {
      const subject = /^sha256-([0-9a-f]{64})/.exec(tag)?.[1]
      if (subject !== undefined && manifests.has(`sha256:${subject}` as Digest))
        found.add(`sha256:${subject}` as Digest)
    }
  }
  return found
}

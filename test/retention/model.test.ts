import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import type { Tag } from '../../src/oci/reference.ts'
import { makePlan, type PlanInput } from '../../src/retention/plan.ts'
import type { Policy } from '../../src/retention/policy.ts'
import type { Snapshot } from '../../src/retention/snapshot.ts'
import { type OracleRules, oracle } from './oracle.ts'
import { abilities, day, now, type Randomness, randomness, randomSnapshot } from './random.ts'

/** Registries for each of six abilities: 12,000 in all. */
const rounds = 2000

describe('a plan against a naive oracle', () => {
  for (const [name, can] of Object.entries(abilities))
    it(`deletes exactly what nothing that stays needs, with the abilities of ${name}`, async () => {
      let deletions = 0
      let spared = 0
      for (let seed = 1; seed <= rounds; seed++) {
        const random = randomness(seed)
        const snapshot = randomSnapshot(random, can)
        const rules = randomRules(random, snapshot)
        const { stays, keptTags } = oracle(snapshot, rules)
        const { repositories } = await makePlan(inputOf(snapshot, rules))
        const [planned] = repositories
        const after = { manifests: new Map(snapshot.manifests), tags: new Map(snapshot.tags) }
        for (const step of planned?.steps ?? []) {
          if (step.do === 'untag') {
            expect(after.tags.get(step.tag)).toBe(step.digest)
            after.tags.delete(step.tag)
            continue
          }
          // Whatever still names it at this moment would be broken if the run ended here.
          for (const one of after.manifests.values())
            if (one.digest !== step.digest) {
              expect(one.children, `seed ${seed}`).not.toContain(step.digest)
              expect(one.subject, `seed ${seed}`).not.toBe(step.digest)
            }
          const names = [...after.tags].flatMap(([tag, to]) => (to === step.digest ? [tag] : []))
          expect([...step.tags].sort(), `seed ${seed}`).toEqual(names.sort())
          after.manifests.delete(step.digest)
          for (const tag of names) after.tags.delete(tag)
          deletions++
        }
        const expected = can.delete ? [...stays] : [...snapshot.manifests.keys()]
        expect([...after.manifests.keys()].sort(), `seed ${seed}`).toEqual(expected.sort())
        expect([...after.tags.keys()].sort(), `seed ${seed}`).toEqual(
          tagsLeft(snapshot, stays, keptTags, rules).sort(),
        )
        spared += after.manifests.size
      }
      if (can.delete) expect(deletions).toBeGreaterThan(rounds / 10)
      expect(spared).toBeGreaterThan(rounds)
    }, 120_000)
})

/** Tags that have to be left: those that are kept, those that follow what is kept, and those that cannot go alone. */
function tagsLeft(
  { tags, manifests, can }: Snapshot,
  stays: ReadonlySet<Digest>,
  kept: ReadonlySet<Tag>,
  { untagged }: OracleRules,
): Tag[] {
  return [...tags].flatMap(([tag, to]) => {
    if (!stays.has(to)) return can.delete ? [] : [tag]
    if (kept.has(tag) || can.untag === false) return [tag]
    const hex = /^sha256-([0-9a-f]{64})/.exec(tag)?.[1]
    if (hex === undefined) return []
    const subject = `sha256:${hex}` as Digest
    if (manifests.has(subject)) return stays.has(subject) ? [tag] : []
    const { writtenAt } = manifests.get(to) ?? {}
    return untagged === 'keep' || writtenAt === undefined || now - writtenAt < day ? [tag] : []
  })
}

function randomRules(random: Randomness, { manifests }: Snapshot): OracleRules {
  return {
    newest: 1 + random.below(3),
    otherTags: random.pick(['keep', 'rules']),
    untagged: random.pick(['keep', 'delete', 'delete']),
    locked: new Set([...manifests.keys()].filter(() => random.chance(0.03))),
    ...(random.chance(0.4) ? { youngerThan: 30 * day } : {}),
  }
}

function inputOf(snapshot: Snapshot, rules: OracleRules): PlanInput {
  const { newest, youngerThan, otherTags, untagged, locked } = rules
  const policy: Policy = {
    name: 'all',
    repositories: ['**'],
    keep: { newest: { count: newest, by: 'version' }, ...(youngerThan === undefined ? {} : { youngerThan }) },
    otherTags,
    untagged,
  }
  return {
    policies: [policy],
    snapshots: new Map([[snapshot.repository, snapshot]]),
    failed: new Map(),
    now,
    grace: day,
    locked,
    mayNeed: () => false,
    needs: async () => [],
    caps: { deletions: 1_000_000, share: 100 },
  }
}

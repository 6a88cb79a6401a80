import { describe, expect, it } from 'vitest'
import type { Abilities } from '../../src/store/inventory.ts'
import { goingOf, newest, planOf, policy, repository } from './build.ts'
import { abilities, day, digest } from './random.ts'

const code = (expected: string) => expect.objectContaining({ code: expected })

/** What other tools deleted, as their users reported it. */
describe('published disasters do not happen', () => {
  it('platforms of a kept index are not "untagged" (actions/delete-package-versions#162)', async () => {
    const manifests = {
      old: { tags: ['1.0.0'], children: ['oldamd', 'oldarm'] },
      oldamd: {},
      oldarm: {},
      new: { tags: ['2.0.0'], children: ['amd', 'arm', 'nested'] },
      amd: {},
      arm: {},
      nested: { children: ['deep'] },
      deep: {},
    }
    const gone = await goingOf(manifests, policy(newest(1)))
    expect(gone[0]).toBe('old')
    expect(gone.sort()).toEqual(['old', 'oldamd', 'oldarm'])
  })

  it('what was pushed minutes ago and has no tag yet is not garbage (doobidoo/mcp-memory-service#1044)', async () => {
    const flight = { tags: ['1.0.0'] }
    const minutes = 10 / 24 / 60
    expect(
      await goingOf(
        { flight, amd: { age: minutes }, index: { children: ['amd'], age: minutes } },
        policy(newest(1)),
      ),
    ).toEqual([])
    // The same a day later is.
    const left = await goingOf(
      { flight, amd: { age: 1 }, index: { children: ['amd'], age: 1 } },
      policy(newest(1)),
    )
    expect(left).toEqual(['index', 'amd'])
  })

  it('a child that a release in flight shares with an old one stays (the same, half-way)', async () => {
    const manifests = {
      old: { tags: ['1.0.0'], children: ['amd'] },
      amd: {},
      new: { tags: ['2.0.0'] },
      flight: { children: ['amd'], age: 0.01 },
    }
    expect(await goingOf(manifests, policy(newest(1)))).toEqual(['old'])
  })

  it('patterns are about tags, not digests (GlycemicGPT#552)', async () => {
    const manifests = { a: { tags: ['latest', '0.5.0'] }, b: { tags: ['0.6.0'] }, c: { tags: ['0.4.0'] } }
    expect(
      await goingOf(
        manifests,
        policy({ tags: ['latest', '0.5.*', '/^0\\.6/'] }, { otherTags: 'rules' }),
        {},
      ).catch((error) => error),
    ).toEqual(['c'])
  })

  it('what could not be read is not taken for empty (snok/container-retention-policy#125)', async () => {
    const one = repository({ a: { tags: ['1.0.0'] }, b: { tags: ['2.0.0'] } })
    const failed = new Map([['example/other', 'the registry answered 500']])
    const { repositories } = await planOf(one, policy(newest(1)), { failed })
    expect(repositories.map(({ steps }) => steps.length)).toEqual([0, 0])
    expect(repositories[0]?.protected).toMatch('example/other could not be read')
    // Where nothing can depend across the two, only the one that failed is left alone.
    const apart = await planOf(one, policy(newest(1)), { failed, mayNeed: () => false })
    expect(apart.repositories.map(({ steps }) => steps.length)).toEqual([1, 0])
    // What a signature signs may stand in the very repository that failed.
    const signed = repository({ a: { tags: ['2.0.0'] }, b: { tags: ['@elsewhere.sig'] } })
    const unsure = await planOf(signed, policy(newest(1)), { failed, mayNeed: () => false })
    expect(unsure.repositories[0]?.steps).toEqual([])
    expect((await planOf(signed, policy(newest(1)))).repositories[0]?.steps).toHaveLength(1)
  })

  it('three tags of one image are one release (dataaxiom/ghcr-cleanup-action#99, #101)', async () => {
    const manifests = {
      a: { tags: ['0.6.1', '0.6', 'latest'] },
      b: { tags: ['0.6.0', 'v0.6.0'] },
      c: { tags: ['0.5.0', '0.5'] },
      d: { tags: ['0.4.0'] },
    }
    // `0.5` goes on meaning what it means, and the version that it means keeps its name.
    expect(await goingOf(manifests, policy(newest(2)))).toEqual(['d'])
    expect(await goingOf({ ...manifests, c: { tags: ['0.5.0'] } }, policy(newest(2)))).toEqual(
      ['d', 'c'].sort(),
    )
  })

  it('signatures of a kept platform stay, in either form (dataaxiom/ghcr-cleanup-action#104)', async () => {
    const manifests = {
      index: { tags: ['2.0.0'], children: ['amd'] },
      amd: {},
      referrer: { subject: 'amd' },
      ofReferrer: { subject: 'referrer' },
      cosign: { tags: ['@amd.sig'] },
      list: { tags: ['@amd'], children: ['referrer'] },
      old: { tags: ['1.0.0'] },
      oldCosign: { tags: ['@old.sig', '@old.att'] },
      oldReferrer: { subject: 'old' },
    }
    const gone = await goingOf(manifests, policy(newest(1)))
    expect(gone.at(-1)).toBe('old')
    expect(gone.sort()).toEqual(['old', 'oldCosign', 'oldReferrer'])
  })

  it('a list of what to keep that matches nothing is an error (dataaxiom/ghcr-cleanup-action#146)', async () => {
    const one = repository({ a: { tags: ['1.0.0'] } })
    const keep = (...tags: string[]) => policy({ ...newest(1), tags })
    await expect(planOf(one, keep('v1.0.0'))).rejects.toEqual(code('KEEP_PATTERN_UNMATCHED'))
    await expect(planOf(one, keep('1.*', 'lts-*'))).rejects.toEqual(code('KEEP_PATTERN_UNMATCHED'))
    await expect(planOf(one, keep('1.*'))).resolves.toBeDefined()
    const elsewhere = { ...keep('1.*'), repositories: ['exmaple'] }
    await expect(planOf(one, [elsewhere, policy(newest(1))])).rejects.toEqual(code('POLICY_UNMATCHED'))
  })

  it('one kept tag keeps the digest, and where tags cannot go alone the others stay (Azure/acr-cli#131, goharbor/harbor#8717)', async () => {
    const manifests = { a: { tags: ['1.0.0', 'lts'] }, b: { tags: ['2.0.0'] } }
    expect(await goingOf(manifests, policy(newest(1)))).toEqual(['-1.0.0'])
    const stubborn = repository(manifests, abilities.stubborn)
    const { repositories } = await planOf(stubborn, policy(newest(1)))
    expect(repositories[0]?.steps).toEqual([])
    expect(repositories[0]?.stays).toEqual([expect.objectContaining({ tag: '1.0.0', digest: digest('a') })])
  })

  it('a rule that keeps nothing stops at a cap (project-zot/zot#3804)', async () => {
    const many = repository(
      Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`m${at}`, { tags: [`1.${at}.0`] }])),
    )
    const share = await planOf(many, policy(newest(1)), { caps: { deletions: 1000, share: 50 } })
    expect(share.exceeded).toEqual([expect.stringMatching('19 of 20 tags would go; at most 50 % may')])
    const count = await planOf(many, policy(newest(1)), { caps: { deletions: 18, share: 100 } })
    expect(count.exceeded).toEqual(['19 manifests would go; at most 18 may'])
    const within = await planOf(many, policy(newest(10)), { caps: { deletions: 10, share: 50 } })
    expect(within.exceeded).toEqual([])
  })
})

describe('rules', () => {
  it('count per minor and major version, and prereleases apart', async () => {
    const tags = ['1.0.0', '1.0.1', '1.1.0', '1.1.1', '2.0.0', '2.1.0-rc.1', '2.1.0-rc.2']
    const manifests = Object.fromEntries(tags.map((tag) => [tag, { tags: [tag] }]))
    expect(await goingOf(manifests, policy({ perMinor: 1 }))).toEqual(
      expect.arrayContaining(['1.0.0', '1.1.0', '2.1.0-rc.1']),
    )
    expect((await goingOf(manifests, policy({ perMinor: 1 }))).length).toBe(3)
    expect((await goingOf(manifests, policy({ perMajor: 1 }))).sort()).toEqual([
      '1.0.0',
      '1.0.1',
      '1.1.0',
      '2.1.0-rc.1',
    ])
    const none = policy(newest(5), { prereleases: { youngerThan: day } })
    expect((await goingOf(manifests, none)).sort()).toEqual(['2.1.0-rc.1', '2.1.0-rc.2'])
  })

  it('keep what a pattern matches, also where prereleases have rules of their own', async () => {
    const tags = ['1.0.0', '2.0.0-rc.1', '2.0.0-rc.2', '2.0.0-rc.3']
    const manifests = Object.fromEntries(tags.map((tag) => [tag, { tags: [tag] }]))
    const rules = policy({ ...newest(1), tags: ['*-rc.1'] }, { prereleases: newest(1) })
    expect(await goingOf(manifests, rules)).toEqual(['2.0.0-rc.2'])
  })

  it('go by when something was pushed, and keep what nobody knows the age of', async () => {
    const manifests = {
      a: { tags: ['3.0.0'], age: 50 },
      b: { tags: ['1.0.0'], age: 5 },
      c: { tags: ['2.0.0'], age: null },
    }
    expect(await goingOf(manifests, policy({ newest: { count: 1, by: 'date' } }))).toEqual(['a'])
    expect(await goingOf(manifests, policy({ youngerThan: 30 * day }))).toEqual(['a'])
    const { repositories } = await planOf(repository(manifests), policy({ youngerThan: 30 * day }))
    expect(repositories[0]?.notes[0]).toMatch('1 of 3 tags stay since nobody knows their age')
  })

  it('keep what was pulled lately, where that is told', async () => {
    const manifests = {
      a: { tags: ['1.0.0'], pulled: 3 },
      b: { tags: ['1.1.0'], pulled: 300 },
      c: { tags: ['1.2.0'] },
    }
    const rules = policy({ ...newest(1), pulledWithin: 30 * day })
    expect(await goingOf(manifests, rules, { can: abilities.harbor as Abilities })).toEqual(['b'])
  })

  it('keep what a lock file names, and what kept versions need, over repositories', async () => {
    const root = repository(
      { a: { tags: ['1.0.0'] }, b: { tags: ['2.0.0'] } },
      abilities.ghcr,
      'x/kubernetes',
    )
    const needed = repository(
      Object.fromEntries(['1.0.0', '1.1.0', '1.2.0', '2.0.0'].map((tag) => [`c${tag}`, { tags: [tag] }])),
      abilities.ghcr,
      'x/containerd',
    )
    const { repositories } = await planOf([root, needed], policy(newest(1)), {
      locked: new Set([digest('c1.0.0')]),
      needs: async (places) =>
        places.some(({ repository: path, tag }) => path === 'x/kubernetes' && tag === '2.0.0')
          ? [{ repository: 'x/containerd', tag: '1.1.0' as never, by: 'kubernetes 2.0.0' }]
          : [],
    })
    const containerd = repositories.find((one) => one.repository === 'x/containerd')
    expect(containerd?.keep.map(({ tag, because }) => [tag, because])).toEqual([
      ['1.0.0', 'locked'],
      ['1.1.0', 'needed by kubernetes 2.0.0'],
      ['2.0.0', 'newest 1'],
    ])
    expect(containerd?.steps.map((one) => one.digest)).toEqual([digest('c1.2.0')])
  })

  it('delete an orphaned signature, but not one whose subject stands in another repository', async () => {
    const keep = policy(newest(5))
    expect(await goingOf({ a: { tags: ['1.0.0'] }, lost: { tags: ['@nothing.sig'] } }, keep)).toEqual([
      'lost',
    ])
    const kcl = repository({ a: { tags: ['1.0.0'] }, b: { tags: ['2.0.0'] } }, abilities.ghcr, 'x/network')
    const beside = repository(
      { sa: { tags: ['@a.sig'] }, sb: { tags: ['@b'] }, other: { tags: ['@gone.sig'] } },
      abilities.ghcr,
      'x/network-signatures',
    )
    const { repositories } = await planOf([kcl, beside], policy(newest(1)))
    expect(repositories[1]?.steps.map((one) => one.digest).sort()).toEqual(
      [digest('sa'), digest('other')].sort(),
    )
    // Where nothing tells what they sign, nothing goes.
    const alone = await planOf(beside, policy(newest(1)))
    expect(alone.repositories[0]?.steps).toEqual([])
  })

  it('leave a repository alone that no policy covers', async () => {
    const one = repository({ a: { tags: ['1.0.0'] }, b: {} }, abilities.ghcr, 'x/kubernetes')
    const other = repository({ a: { tags: ['1.0.0'] } }, abilities.ghcr, 'y/tools')
    const { repositories } = await planOf([one, other], policy(newest(1), { repositories: ['y'] }))
    expect(repositories.map(({ policy: name, steps }) => [name, steps.length])).toEqual([
      [undefined, 0],
      ['test', 0],
    ])
  })
})

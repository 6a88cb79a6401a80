import { describe, expect, it } from 'vitest'
import { slotsOf, tagWaves } from '../../src/release/shards.ts'

const numbered = (count: number, prefix = 't') => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

/** An order in which each artifact comes after these. */
function order(...after: number[][]) {
  return { after, needs: after, waves: [after.map((_, at) => at)] }
}

describe('git tags in waves', () => {
  it('wait for the tags of what their artifacts wait for', () => {
    // a: 0 and 1, of which 1 comes after 0; b: 2, after 1.
    expect(tagWaves(order([], [0], [1]), ['a', 'a', 'b'])).toEqual({ waves: [['a'], ['b']], whole: false })
  })

  it('stay together where they would wait for each other although their artifacts do not', () => {
    // a: 0 and 3, b: 1 and 2; 1 after 0, 3 after 2.
    const result = tagWaves(order([], [0], [], [2]), ['a', 'b', 'b', 'a'])
    expect(result).toEqual({ waves: [['a', 'b']], whole: true })
    expect(slotsOf(result.waves, result.whole)[0]).toEqual([{ shard: '0-0', gitTags: ['a', 'b'] }])
  })
})

describe('slots for the jobs of a workflow', () => {
  it('are always six, one entry a git tag, and empty where there are fewer waves', () => {
    expect(slotsOf([['a', 'b'], ['c']], false)).toEqual([
      [
        { shard: '0-0', gitTags: ['a'] },
        { shard: '0-1', gitTags: ['b'] },
      ],
      [{ shard: '1-0', gitTags: ['c'] }],
      [],
      [],
      [],
      [],
    ])
    expect(slotsOf([], false)).toEqual([[], [], [], [], [], []])
  })

  it.each([256, 257, 600, 10_000])('hold %i tags of one wave in at most 256 entries', (count) => {
    const [slot = []] = slotsOf([numbered(count)], false)
    expect(slot.length).toBeLessThanOrEqual(256)
    expect(slot.length).toBeGreaterThan(128)
    expect(slot.flatMap(({ gitTags }) => gitTags)).toEqual(numbered(count))
    expect(new Set(slot.map(({ shard }) => shard)).size).toBe(slot.length)
  })

  it('give six waves a job each, and what is deeper to the last one as a single entry in order', () => {
    const waves = numbered(8, 'w').map((name) => [`${name}a`, `${name}b`])
    expect(slotsOf(waves.slice(0, 6), false)[5]).toHaveLength(2)
    expect(slotsOf(waves, false)[5]).toEqual([
      { shard: '5-0', gitTags: ['w5a', 'w5b', 'w6a', 'w6b', 'w7a', 'w7b'] },
    ])
  })
})

import { expect, test } from 'vitest'
import { factsOf } from '../../src/solver/facts.ts'
import { solve } from '../../src/solver/solve.ts'
import { below, oneOf, seeded } from '../version/random.ts'
import { latecomer, type Shape } from './hard-shapes.ts'
import { rootsOf, showSolution, Table } from './registry.ts'

function tangle(seed: number): Shape {
  const random = seeded(seed)
  const registry: Record<string, string> = {}
  const range = () =>
    oneOf(random, [
      '*',
      `^${1 + below(random, 4)}.0.0`,
      `>=${1 + below(random, 3)}.0.0`,
      `<${2 + below(random, 4)}.0.0`,
    ])
  for (let one = 0; one < 12; one++)
    for (let version = 1; version <= 5; version++)
      registry[`p${one} ${version}.0.0`] = [1, 2].map(() => `p${below(random, 12)} ${range()}`).join(', ')
  return { registry, roots: 'p0 *, p1 *, p2 *' }
}

/** All that can be seen of a search, but for time. */
async function trace({ registry, roots }: Shape, delay?: () => Promise<void>) {
  const table = new Table(registry, delay)
  const result = await solve(table, { roots: rootsOf(roots) })
  return 'solution' in result
    ? { is: showSolution(result.solution), counts: result.solution.counts, asked: table.asked }
    : { is: JSON.stringify(factsOf(result.failure)), counts: result.counts, asked: table.asked }
}

test('the same answers lead to the same result by the same way, in whatever order they arrive', async () => {
  const seen = new Set<string>()
  for (const shape of [latecomer(8), ...Array.from({ length: 12 }, (_, seed) => tangle(seed))]) {
    const prompt = await trace(shape)
    seen.add(prompt.is)
    for (const seed of [1, 2]) {
      const random = seeded(seed)
      const late = async () => {
        for (let turn = below(random, 6); turn > 0; turn--) await new Promise((done) => setImmediate(done))
      }
      expect(await trace(shape, late)).toEqual(prompt)
    }
  }
  // They are not all the same anyway.
  expect(seen.size).toBeGreaterThan(6)
})

test('the order in which a registry lists its versions does not matter', async () => {
  const { registry, roots } = tangle(3)
  const turned = Object.fromEntries(Object.entries(registry).reverse())
  expect(await trace({ registry: turned, roots })).toEqual(await trace({ registry, roots }))
})

import { expect, test } from 'vitest'
import { factsOf } from '../../src/solver/facts.ts'
import { solve } from '../../src/solver/solve.ts'
import { bystanders, chain, crowd, ladder, latecomer, ring, type Shape } from './hard-shapes.ts'
import { rootsOf, Table } from './registry.ts'

/** What the search did: its work must grow with the shape's size, not with its number of combinations. */
async function work({ registry, roots }: Shape) {
  const table = new Table(registry)
  const result = await solve(table, { roots: rootsOf(roots) })
  const met = 'solution' in result
  return {
    met,
    asked: table.asked.length,
    facts: met ? 0 : factsOf(result.failure).length,
    ...(met ? result.solution.counts : result.counts),
  }
}

test('a chain whose end only fits the lowest of all costs two conflicts a version, however long it is', async () => {
  for (const links of [10, 40]) {
    const { met, conflicts } = await work(chain(links, 20))
    expect(met).toBe(true)
    expect(conflicts).toBeLessThanOrEqual(2 * 20)
  }
})

test('a ladder of diamonds whose feet disagree costs a few conflicts a rung, not two to the rungs', async () => {
  const { met, conflicts, decisions } = await work(ladder(30, 10))
  expect(met).toBe(false)
  expect(conflicts).toBeLessThanOrEqual(30 * 5)
  expect(decisions).toBeLessThanOrEqual(2 * 30 * 10)
})

test('in a crowd of which no two go together, two are enough to know it', async () => {
  const { met, conflicts, facts } = await work(crowd(40, 30))
  expect(met).toBe(false)
  expect(conflicts).toBeLessThanOrEqual(2 * 30 + 2)
  expect(facts).toBeLessThanOrEqual(2 * 30 + 2)
})

test('free choices beside a hopeless pair are not tried in combination', async () => {
  const { met, conflicts } = await work(bystanders(60, 20))
  expect(met).toBe(false)
  expect(conflicts).toBeLessThanOrEqual(5 * 20)
})

test('a package chosen early that rules out all but the oldest of a late one costs a few conflicts a version', async () => {
  const { met, conflicts } = await work(latecomer(60))
  expect(met).toBe(true)
  expect(conflicts).toBeLessThanOrEqual(4 * 60)
})

test('a ring that never closes is walked once a version', async () => {
  const { met, conflicts, asked } = await work(ring(20, 20))
  expect(met).toBe(false)
  expect(conflicts).toBeLessThanOrEqual(3 * 20)
  expect(asked).toBeLessThanOrEqual(20 * 20 + 20)
})

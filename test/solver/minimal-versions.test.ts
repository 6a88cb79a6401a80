import { expect, test } from 'vitest'
import { solve } from '../../src/solver/solve.ts'
import { compareVersions, parseVersion } from '../../src/version/version.ts'
import { below, seeded } from '../version/random.ts'
import type { Shape } from './hard-shapes.ts'
import { type Registry, requirementsOf, rootsOf, showSolution, Table } from './registry.ts'

/** KCL packages as they are in practice: only minimums, and a newer version never asks for an older one. */
function minimums(seed: number, cyclic: boolean): Shape {
  const random = seeded(seed)
  const [packages, versions] = [3 + below(random, 8), 1 + below(random, 5)]
  const registry: Record<string, string> = {}
  for (let one = 0; one < packages; one++) {
    const floors = new Map<number, number>()
    for (let other = cyclic ? 0 : one + 1; other < packages; other++)
      if (other !== one && below(random, packages) < 2) floors.set(other, 1)
    for (let version = 1; version <= versions; version++) {
      for (const [other, floor] of floors) floors.set(other, Math.min(versions, floor + below(random, 2)))
      registry[`p${one} ${version}.0.0`] = [...floors]
        .map(([other, floor]) => `p${other} >=${floor}.0.0`)
        .join(', ')
    }
  }
  const root = () => `p${below(random, packages)} >=${1 + below(random, versions)}.0.0`
  return { registry, roots: Array.from({ length: 1 + below(random, 3) }, root).join(', ') }
}

/** Minimal version selection as Go defines it: of all that is reachable, the highest minimum. */
function selected(registry: Registry, roots: string): string {
  const highest = new Map<string, string>()
  const seen = new Set<string>()
  const waiting = [...requirementsOf(roots)]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { id } = next
    const version = next.text.slice('>='.length)
    if (seen.has(`${id} ${version}`)) continue
    seen.add(`${id} ${version}`)
    const before = highest.get(id)
    if (before === undefined || compareVersions(parseVersion(before), parseVersion(version)) < 0)
      highest.set(id, version)
    waiting.push(...requirementsOf(registry[`${id} ${version}`] as string))
  }
  const sorted = [...highest].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([id, version]) => `${id} ${version}`).join(', ')
}

test.each([
  ['without cycles', false],
  ['with cycles', true],
])('the lowest versions are those of minimal version selection, in graphs %s', async (_, cyclic) => {
  let raised = 0
  for (let seed = 1; seed <= 400; seed++) {
    const { registry, roots } = minimums(seed, cyclic)
    const result = await solve(new Table(registry), { roots: rootsOf(roots), lowest: () => true })
    const found = 'solution' in result ? showSolution(result.solution) : 'no solution'
    expect(found, `seed ${seed}`).toBe(selected(registry, roots))
    if ('solution' in result && result.solution.counts.conflicts > 0) raised += 1
  }
  expect(raised).toBeGreaterThan(5)
})

import type { Provider, Requirement, Unavailable } from '../../src/solver/provider.ts'
import type { Root, Solution, SolveOptions } from '../../src/solver/solution.ts'
import { solve } from '../../src/solver/solve.ts'
import type { PackageId } from '../../src/version/package-id.ts'
import { parseVersion, type Version } from '../../src/version/version.ts'
import { setOf } from '../../src/version/version-set.ts'

/** `{ 'a 1.0.0': 'b ^1.0.0, c *' }`; a value that is no text says why the version is unavailable. */
export type Registry = Readonly<Record<string, string | Unavailable>>

/** `b ^1.0.0, c >=1 <2` */
export function requirementsOf(text: string): readonly Requirement[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, id = '', range = ''] = /^(\S+) (.+)$/.exec(part) ?? []
      return { id: id as PackageId, set: setOf(range), text: range }
    })
}

/** A provider over a table, that records what it was asked and can answer in any order. */
export class Table implements Provider {
  readonly asked: string[] = []
  readonly prefetched: string[] = []
  readonly #registry: Registry
  readonly #versions = new Map<string, Version[]>()
  readonly #delay: () => Promise<void>

  constructor(registry: Registry, delay: () => Promise<void> = async () => {}) {
    this.#registry = registry
    this.#delay = delay
    for (const key of Object.keys(registry)) {
      const [id = '', version = ''] = key.split(' ')
      const versions = this.#versions.get(id) ?? []
      versions.push(parseVersion(version))
      this.#versions.set(id, versions)
    }
  }

  async versions(id: PackageId): Promise<readonly Version[]> {
    this.asked.push(id)
    await this.#delay()
    return this.#versions.get(id) ?? []
  }

  async dependencies(id: PackageId, version: Version) {
    this.asked.push(`${id} ${version.version}`)
    await this.#delay()
    const entry = this.#registry[`${id} ${version.version}`]
    if (entry === undefined) throw new Error(`${id} ${version.version} was asked for, which does not exist`)
    return typeof entry === 'string' ? { requires: requirementsOf(entry) } : { unavailable: entry }
  }

  prefetch(id: PackageId, versions: readonly Version[]): void {
    this.prefetched.push(...versions.map((version) => `${id} ${version.version}`))
  }
}

export function rootsOf(text: string): readonly Root[] {
  return requirementsOf(text)
}

/** `a 1.0.0, b 2.0.0`, sorted by package, or `no solution`. */
export async function solved(
  registry: Registry,
  roots: string,
  options: Partial<SolveOptions> = {},
): Promise<string> {
  const result = await solve(new Table(registry), { roots: rootsOf(roots), ...options })
  return 'solution' in result ? showSolution(result.solution) : 'no solution'
}

export function showSolution({ versions }: Solution): string {
  return [...versions].map(([id, version]) => `${id} ${version.version}`).join(', ')
}

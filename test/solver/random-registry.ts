import type { Dependencies, Provider, Requirement, Unavailable } from '../../src/solver/provider.ts'
import type { Root, SolveOptions } from '../../src/solver/solution.ts'
import { extensionId, type PackageId } from '../../src/version/package-id.ts'
import { parseVersion, type Version } from '../../src/version/version.ts'
import { setOf } from '../../src/version/version-set.ts'
import { below, oneOf, type Random, seeded, shuffled } from '../version/random.ts'

/** What one version says of itself. */
export interface Published {
  readonly version: Version
  readonly dependencies: Dependencies
}

/** All that exists, and what is asked of it. */
export interface Registry {
  readonly seed: number
  readonly packages: ReadonlyMap<PackageId, readonly Published[]>
  readonly roots: readonly Root[]
  readonly options: Omit<SolveOptions, 'roots' | 'signal'>
}

/** How registries differ from each other. */
interface Shape {
  readonly packages: number
  readonly versions: number
  /** Requirements of one version, at most. */
  readonly requirements: number
  readonly roots: number
  readonly prereleases: number
  readonly unavailable: number
  /** Share of neighbours that require the same. */
  readonly alike: number
  readonly ranges: 'wide' | 'narrow'
}

const shapes: readonly Shape[] = [
  // Sparse, as real ones are.
  {
    packages: 8,
    versions: 6,
    requirements: 2,
    roots: 3,
    prereleases: 0.1,
    unavailable: 0.05,
    alike: 0.6,
    ranges: 'wide',
  },
  // Dense: everything requires nearly everything.
  {
    packages: 5,
    versions: 5,
    requirements: 4,
    roots: 2,
    prereleases: 0,
    unavailable: 0,
    alike: 0.3,
    ranges: 'wide',
  },
  // Few packages with many versions that hardly fit.
  {
    packages: 3,
    versions: 14,
    requirements: 2,
    roots: 2,
    prereleases: 0.2,
    unavailable: 0.1,
    alike: 0.5,
    ranges: 'narrow',
  },
  // Long chains with exact requirements.
  {
    packages: 10,
    versions: 4,
    requirements: 2,
    roots: 1,
    prereleases: 0,
    unavailable: 0.02,
    alike: 0.4,
    ranges: 'narrow',
  },
  // Prereleases and refusals everywhere.
  {
    packages: 4,
    versions: 8,
    requirements: 2,
    roots: 2,
    prereleases: 0.5,
    unavailable: 0.2,
    alike: 0.4,
    ranges: 'wide',
  },
]

export function randomRegistry(seed: number): Registry {
  const random = seeded(seed)
  const shape = oneOf(random, shapes)
  // The last one is never published.
  const ids = Array.from({ length: shape.packages + 1 }, (_, at) => extensionId(`p${at}`))
  const published = ids.slice(0, -1)
  const target = () => (random() < 0.03 ? oneOf(random, ids) : oneOf(random, published))
  const packages = new Map(published.map((id) => [id, randomPackage(random, shape, target)]))
  const roots = Array.from({ length: 1 + below(random, shape.roots) }, (_, at) => ({
    ...randomRequirement(random, shape, target),
    origin: `workspace.yaml:${at + 1}:1`,
  }))
  return { seed, packages, roots, options: randomOptions(random, ids) }
}

/** Neighbours often require the same. A few require themselves, a package twice, or what contradicts itself. */
function randomPackage(random: Random, shape: Shape, target: () => PackageId): Published[] {
  const texts = new Set(
    Array.from({ length: 1 + below(random, shape.versions) }, () => randomText(random, shape)),
  )
  let requires: readonly Requirement[] = []
  return [...texts].map((text) => {
    if (random() >= shape.alike)
      requires = Array.from({ length: below(random, shape.requirements + 1) }, () =>
        randomRequirement(random, shape, target),
      )
    const version = parseVersion(text)
    if (random() < shape.unavailable)
      return { version, dependencies: { unavailable: oneOf(random, refusals) } }
    return { version, dependencies: { requires } }
  })
}

const refusals: readonly Unavailable[] = [
  { cause: 'platform', reason: 'is not available for linux/arm64' },
  { cause: 'retracted', reason: 'was retracted: broken install' },
  { cause: 'unreadable', reason: 'has a manifest that cannot be read' },
]

function randomText(random: Random, shape: Shape): string {
  const release = `${1 + below(random, 3)}.${below(random, 3)}.${below(random, 2)}`
  return random() < shape.prereleases ? `${release}-${oneOf(random, ['a', 'b', 'rc.1', 'rc.2'])}` : release
}

function randomRequirement(random: Random, shape: Shape, target: () => PackageId): Requirement {
  const text = randomRange(random, shape)
  return { id: target(), set: setOf(text), text }
}

function randomRange(random: Random, shape: Shape): string {
  const version = randomText(random, shape)
  const [major = '', minor = ''] = version.split('.')
  const wide = ['*', `^${version}`, `>=${version}`, `<${version}`, `${major}.x`, `1.x || ${major}.x`]
  const narrow = [
    version,
    `~${version}`,
    `${major}.${minor}`,
    `^${version}`,
    `>=${version} <4`,
    `1.0.0 || ${version}`,
  ]
  if (random() < 0.01) return '>=3 <2'
  return oneOf(random, shape.ranges === 'wide' ? wide : narrow)
}

/** Most registries are solved plainly; every option takes part in some. */
function randomOptions(random: Random, ids: readonly PackageId[]): Registry['options'] {
  const some = () => new Set(ids.filter(() => random() < 0.4))
  const [lowest, prereleases] = [some(), some()]
  return {
    ...(random() < 0.25 ? { lowest: (id: PackageId) => lowest.has(id) } : {}),
    ...(random() < 0.25 ? { prereleases: (id: PackageId) => prereleases.has(id) } : {}),
    ...(random() < 0.1
      ? { overrides: new Map([[oneOf(random, ids), setOf(oneOf(random, ['*', '^1.0.0', '^2.0.0']))]]) }
      : {}),
  }
}

/** Counts what it is asked, and answers in an order of its own. */
export class RegistryProvider implements Provider {
  /** `p1` for versions, `p1 1.0.0` for dependencies. */
  readonly asked: string[] = []
  readonly #registry: Registry
  readonly #delays: Random | undefined

  constructor(registry: Registry, delays?: number) {
    this.#registry = registry
    this.#delays = delays === undefined ? undefined : seeded(delays)
  }

  async versions(id: PackageId): Promise<readonly Version[]> {
    this.asked.push(id)
    await this.#wait()
    const versions = (this.#registry.packages.get(id) ?? []).map(({ version }) => version)
    return this.#delays === undefined ? versions : shuffled(this.#delays, versions)
  }

  async dependencies(id: PackageId, version: Version): Promise<Dependencies> {
    this.asked.push(`${id} ${version.version}`)
    await this.#wait()
    const found = this.#registry.packages.get(id)?.find((one) => one.version.version === version.version)
    if (found === undefined) throw new Error(`${id} ${version.version} was never published`)
    return found.dependencies
  }

  async #wait(): Promise<void> {
    if (this.#delays === undefined) return
    for (let turns = below(this.#delays, 6); turns > 0; turns--) await Promise.resolve()
  }
}

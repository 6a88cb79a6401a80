import type { Dependencies, Provider, Requirement, Unavailable } from '../../src/solver/provider.ts'
import type { Root, SolveOptions } from '../../src/solver/solution.ts'
import { extensionId, type PackageId } from '../../src/version/package-id.ts'
import { compareVersions, parseVersion, type Version } from '../../src/version/version.ts'
import { setOf, type VersionSet } from '../../src/version/version-set.ts'
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
}

const shapes: readonly Shape[] = [
  // Sparse, as real ones are.
  { packages: 10, versions: 8, requirements: 2, roots: 4, prereleases: 0.1, unavailable: 0.03, alike: 0.6 },
  // Dense: everything requires nearly everything.
  { packages: 7, versions: 14, requirements: 5, roots: 2, prereleases: 0, unavailable: 0, alike: 0.2 },
  // Few packages with many versions that hardly fit.
  { packages: 5, versions: 24, requirements: 4, roots: 2, prereleases: 0.2, unavailable: 0.05, alike: 0.3 },
  // Many packages, each with a say.
  { packages: 14, versions: 5, requirements: 4, roots: 2, prereleases: 0, unavailable: 0.02, alike: 0.3 },
  // Prereleases and refusals everywhere.
  { packages: 5, versions: 10, requirements: 2, roots: 2, prereleases: 0.5, unavailable: 0.2, alike: 0.4 },
]

export function randomRegistry(seed: number): Registry {
  const random = seeded(seed)
  const shape = oneOf(random, shapes)
  const ids = Array.from({ length: shape.packages }, (_, at) => extensionId(`p${at}`))
  const versions = new Map(ids.map((id) => [id, randomVersions(random, shape)]))
  // The share of requirements that a single version meets decides how many registries can be solved.
  const narrow = random() * 0.7
  const requirement = (): Requirement => {
    const id = random() < 0.005 ? extensionId('never-published') : oneOf(random, ids)
    const text = randomRange(random, versions.get(id) ?? [], narrow)
    return { id, set: once(sets, text, setOf), text }
  }
  const packages = new Map(
    [...versions].map(([id, own]) => [id, randomPackage(random, shape, own, requirement)]),
  )
  const roots = Array.from({ length: 1 + below(random, shape.roots) }, (_, at) => ({
    ...requirement(),
    origin: `workspace.yaml:${at + 1}:1`,
  }))
  return { seed, packages, roots, options: randomOptions(random, ids) }
}

/** Thousands of registries share the few texts there are. */
const sets = new Map<string, VersionSet>()
const parsed = new Map<string, Version>()

function once<T>(known: Map<string, T>, text: string, read: (text: string) => T): T {
  const one = known.get(text) ?? read(text)
  known.set(text, one)
  return one
}

function randomVersions(random: Random, shape: Shape): Version[] {
  const texts = Array.from({ length: Math.ceil(shape.versions / 3) + below(random, shape.versions) }, () => {
    const release = `${1 + below(random, 3)}.${below(random, 3)}.${below(random, 3)}`
    return random() < shape.prereleases ? `${release}-${oneOf(random, ['a', 'b', 'rc.1', 'rc.2'])}` : release
  })
  return [...new Set(texts)].map((text) => once(parsed, text, parseVersion)).sort(compareVersions)
}

/** Neighbours often require the same. Some require themselves, or a package twice, perhaps in contradiction. */
function randomPackage(
  random: Random,
  shape: Shape,
  versions: readonly Version[],
  requirement: () => Requirement,
): Published[] {
  let requires: readonly Requirement[] = []
  return versions.map((version) => {
    if (random() >= shape.alike)
      requires = Array.from({ length: below(random, shape.requirements + 1) }, requirement)
    if (random() >= shape.unavailable) return { version, dependencies: { requires } }
    return { version, dependencies: { unavailable: oneOf(random, refusals) } }
  })
}

/** Nearly always met by a version that exists. */
function randomRange(random: Random, versions: readonly Version[], narrow: number): string {
  if (versions.length === 0 || random() < 0.01) return oneOf(random, ['>=9', '>=3 <2', '1.1.1'])
  const [one, two] = [below(random, versions.length), below(random, versions.length)]
  const version = versions[Math.min(one, two)]?.version ?? ''
  const other = versions[Math.max(one, two)]?.version ?? ''
  const major = version.split('.')[0]
  return random() < narrow
    ? oneOf(random, [version, `~${version}`, `${version} || ${other}`])
    : oneOf(random, [
        '*',
        `^${version}`,
        `>=${version}`,
        `<=${version}`,
        `${major}.x`,
        `${version} - ${other}`,
      ])
}

const refusals: readonly Unavailable[] = [
  { cause: 'platform', reason: 'is not available for linux/arm64' },
  { cause: 'retracted', reason: 'was retracted: broken install' },
  { cause: 'unreadable', reason: 'has a manifest that cannot be read' },
]

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

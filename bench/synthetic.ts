import type { Provider, Requirement } from '../src/solver/provider.ts'
import { extensionId, type PackageId } from '../src/version/package-id.ts'
import { parseVersion, type Version } from '../src/version/version.ts'
import { setOf } from '../src/version/version-set.ts'

/** What a registry would answer about every package, at hand. */
export type Index = ReadonlyMap<PackageId, ReadonlyMap<Version, readonly Requirement[]>>

const names = 128
const versions = 26_000
const edges = 45_000

/** Nearly everything requires some of these. */
const hubs = 8

/** Numbers from 0 to before 1 that are the same on every run. */
function numbers(): () => number {
  let state = 42
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/**
 * An index of 128 names, 26,000 versions and 45,000 requirements, the same on every run. A package requires
 * some before it, most often one of a few hubs, in versions about as old as its own; what a version requires
 * stays the same for a dozen versions or so. A tenth of the packages lag behind: they still want what the others
 * have left, so that the newest of all does not go together.
 */
export function syntheticIndex(): Index {
  const random = numbers()
  const own = Array.from({ length: names }, (_, at) => {
    const count = Math.floor(versions / names) + (at < versions % names ? 1 : 0)
    return versionsOf(count, random)
  })
  const ids = own.map((_, at) => extensionId(`package-${String(at).padStart(3, '0')}`))
  const sets = new Map<string, Requirement>()
  const requirement = (target: number, age: number): Requirement => {
    const list = own[target] as readonly Version[]
    const wanted = list[Math.max(0, Math.min(list.length - 1, Math.floor(age * list.length)))] as Version
    const text = random() < 0.8 ? `^${wanted.major}.${wanted.minor}.0` : `>=${wanted.major}.${wanted.minor}.0`
    const id = ids[target] as PackageId
    const known = sets.get(`${id} ${text}`) ?? { id, set: setOf(text), text }
    sets.set(`${id} ${text}`, known)
    return known
  }
  const all = own.map((list, at) => {
    const lag = random() < 0.1 ? 0.3 : 0.05
    const targets = targetsOf(at, random)
    let requires: readonly Requirement[] = []
    return new Map(
      list.map((version, place) => {
        if (place === 0 || random() < 1 / 12) {
          const age = place / list.length
          requires = targets.filter(() => random() < 0.8).map((one) => requirement(one, age - random() * lag))
        }
        return [version, requires] as const
      }),
    )
  })
  topUp(all, requirement, random)
  return new Map(all.map((one, at) => [ids[at] as PackageId, one]))
}

/** Oldest first: majors of some minors of some patches. */
function versionsOf(count: number, random: () => number): readonly Version[] {
  let [major, minor, patch] = [0, 1, 0]
  return Array.from({ length: count }, () => {
    const version = parseVersion(`${major}.${minor}.${patch}`)
    const step = random()
    if (step < 0.02) [major, minor, patch] = [major + 1, 0, 0]
    else if (step < 0.25) [minor, patch] = [minor + 1, 0]
    else patch += 1
    return version
  })
}

/** Up to three packages before this one, most often hubs. */
function targetsOf(at: number, random: () => number): readonly number[] {
  const targets = new Set<number>()
  for (let tries = Math.min(at, 1 + Math.floor(random() * 3)); tries > 0; tries--)
    targets.add(Math.floor(random() * (random() < 0.5 ? Math.min(at, hubs) : at)))
  return [...targets]
}

/** Requirements of or on the first package, added or taken away, make the number exact. */
function topUp(
  all: readonly Map<Version, readonly Requirement[]>[],
  requirement: (target: number, age: number) => Requirement,
  random: () => number,
): void {
  const entries = all.flatMap((own, at) =>
    at === 0 ? [] : [...own.keys()].map((version, place) => ({ own, version, age: place / own.size })),
  )
  let missing = edges - all.reduce((sum, own) => sum + countOf(own), 0)
  for (const { own, version, age } of entries) {
    if (missing === 0) return
    const requires = own.get(version) ?? []
    if (missing < 0 && requires.length > 0) {
      own.set(version, requires.slice(1))
      missing += 1
    } else if (missing > 0 && !requires.some(({ id }) => id.endsWith('-000'))) {
      own.set(version, [...requires, requirement(0, age - random() * 0.5)])
      missing -= 1
    }
  }
  throw new Error('the number of requirements cannot be reached')
}

function countOf(own: ReadonlyMap<Version, readonly Requirement[]>): number {
  return [...own.values()].reduce((sum, requires) => sum + requires.length, 0)
}

/**
 * A registry that is asked for the first time: every answer is a request, sent when it is asked for or
 * foretold, and all that were sent together arrive together.
 */
export class ColdRegistry implements Provider {
  requests = 0
  /** How often the search had to wait. */
  rounds = 0
  readonly #index: Index
  readonly #sent = new Map<string, Promise<void>>()
  #round: Promise<void> | undefined

  constructor(index: Index) {
    this.#index = index
  }

  async versions(id: PackageId): Promise<readonly Version[]> {
    await this.#send(id)
    return [...(this.#index.get(id)?.keys() ?? [])]
  }

  async dependencies(id: PackageId, version: Version) {
    await this.#send(`${id} ${version.version}`)
    return { requires: this.#index.get(id)?.get(version) ?? [] }
  }

  prefetch(id: PackageId, versions: readonly Version[]): void {
    for (const version of versions) void this.#send(`${id} ${version.version}`)
  }

  #send(request: string): Promise<void> {
    const sent = this.#sent.get(request)
    if (sent !== undefined) return sent
    this.requests += 1
    this.#round ??= new Promise((resolve) => {
      setImmediate(() => {
        this.rounds += 1
        this.#round = undefined
        resolve()
      })
    })
    this.#sent.set(request, this.#round)
    return this.#round
  }
}

import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Finding, Place } from '../core/finding.ts'
import { isName } from '../extension/name.ts'
import { didYouMean } from '../extension/nearest.ts'
import type { Call } from '../store/store.ts'
import { isKcl, nameOf, type PackageId } from '../version/package-id.ts'
import { compareVersions, type Version } from '../version/version.ts'
import { includes } from '../version/version-set.ts'
import type { Dependency, PackageGraph } from './graph.ts'
import { listed, type Unasked } from './unavailable.ts'

/** A place that may hold published packages, as far as their versions matter here. */
export interface PublishedVersions {
  /** For messages: `oci://ghcr.io/example/provisioning`. */
  readonly name: string
  /** Every version of a package; empty where it has none. */
  versions(id: PackageId, call?: Call): Promise<readonly Version[]>
  /** Names that exist there; undefined where nobody can tell. */
  names?(call?: Call): Promise<readonly PackageId[] | undefined>
}

/** Packages that sources are asked about in one run; whoever needs more means harm. */
const mostAsked = 10_000
/** Names that are compared with all others for "did you mean". */
const mostGuesses = 100

interface Asked {
  readonly source: PublishedVersions
  readonly versions: readonly Version[]
  readonly failure?: SlipwayError
}

/** What is wrong with dependencies, and what nobody could be asked about. */
export interface DependencyCheck {
  readonly findings: readonly Finding[]
  readonly unasked: readonly Unasked[]
}

/**
 * Whether every dependency of some packages can be had, each by itself: from the repository or from a place
 * where packages are published. Whether they go together is the solver's question. Nothing is said
 * of a dependency that only a place may have which cannot be asked.
 * @param ids packages of the graph whose dependencies are looked at
 */
export async function checkDependencies(
  graph: PackageGraph,
  ids: Iterable<PackageId>,
  sources: readonly PublishedVersions[],
  { concurrency, ...call }: Call & { readonly concurrency: number },
): Promise<DependencyCheck> {
  if (sources.length === 0) return { findings: [], unasked: [] }
  const open = [...ids].flatMap((id) => graph.nodes.get(id)?.dependencies.filter(isOpen(graph)) ?? [])
  const wanted = [...new Set(open.map(({ to }) => to))]
  const [first] = open
  if (first !== undefined && wanted.length > mostAsked)
    return { findings: [tooMany(wanted.length, first.place)], unasked: [] }
  const answers = await mapConcurrent(wanted, concurrency, (id) =>
    Promise.all(sources.map((source) => ask(source, id, call))),
  )
  const asked = new Map(wanted.map((id, at) => [id, answers[at] ?? []]))
  const missing = open.filter(({ to, set }) => {
    const versions = asked.get(to)?.flatMap((one) => one.versions) ?? []
    return set !== undefined && !versions.some((version) => includes(set, version))
  })
  const isUnknown = ({ to }: Dependency) => asked.get(to)?.some((one) => one.failure !== undefined) === true
  const isNowhere = ({ to }: Dependency) =>
    !graph.nodes.has(to) && asked.get(to)?.every((one) => one.versions.length === 0) === true
  const known = missing.filter((one) => !isUnknown(one))
  // Most KCL packages come from a registry of their own, which their client knows and nobody here.
  const nowhere = known.filter((one) => isNowhere(one) && !isKcl(one.to))
  const names = nowhere.length === 0 ? [] : await namesOf(graph, sources, call)
  const findings = [
    ...nowhere.map((one, at) => unpublished(one, sources, at < mostGuesses ? names : [])),
    ...known
      .filter((one) => !isNowhere(one))
      .map((one) => unsatisfiable(one, graph, asked.get(one.to) ?? [])),
  ]
  return { findings, unasked: unasked(missing.filter(isUnknown), asked) }
}

/** Whether the repository alone does not answer a dependency; what is no range or name is told already. */
function isOpen(graph: PackageGraph): (dependency: Dependency) => boolean {
  return ({ to, set }) => {
    const own = graph.nodes.get(to)
    if (set === undefined || !isName(nameOf(to))) return false
    return own === undefined || (own.version !== undefined && !includes(set, own.version))
  }
}

async function ask(source: PublishedVersions, id: PackageId, call: Call): Promise<Asked> {
  try {
    return { source, versions: await source.versions(id, call) }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error
    return { source, versions: [], failure: error }
  }
}

/** For "did you mean" only: a place that cannot tell its names is no finding. */
async function namesOf(
  graph: PackageGraph,
  sources: readonly PublishedVersions[],
  call: Call,
): Promise<PackageId[]> {
  const lists = await Promise.all(
    sources.map(async (source) => {
      try {
        return await source.names?.(call)
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error
        return undefined
      }
    }),
  )
  return [...graph.nodes.keys(), ...lists.flatMap((one) => one ?? [])]
}

function tooMany(count: number, place: Place): Finding {
  return {
    code: 'DEPENDENCIES_TOO_MANY',
    level: 'error',
    message: `${count} different packages are needed from elsewhere; at most ${mostAsked} are asked about`,
    place,
    hint: 'Check fewer folders at once.',
  }
}

function unpublished(
  { to, place }: Dependency,
  sources: readonly PublishedVersions[],
  names: readonly PackageId[],
): Finding {
  const guess = didYouMean(to, names)
  return {
    code: 'UNPUBLISHED_DEPENDENCY',
    level: 'error',
    message: `${to} is no package of this repository, and not published in ${listed(sources.map((one) => one.name))}`,
    place,
    hint: guess ?? 'Publish it first, or name the registry that has it as a source.',
  }
}

function unsatisfiable(
  { to, range, place }: Dependency,
  graph: PackageGraph,
  asked: readonly Asked[],
): Finding {
  const own = graph.nodes.get(to)?.version
  const there = [
    ...(own === undefined ? [] : [`${own.version} in this repository`]),
    ...asked
      .filter((one) => one.versions.length > 0)
      .map(({ source, versions }) => `${showVersions(versions)} in ${source.name}`),
  ]
  return {
    code: 'UNSATISFIABLE_DEPENDENCY',
    level: 'error',
    message: `No version of ${to} is in ${JSON.stringify(range)}: there is ${listed(there)}`,
    place,
    hint: 'Change the range to take one of these, or publish a version that is in it.',
  }
}

function unasked(open: readonly Dependency[], asked: ReadonlyMap<PackageId, readonly Asked[]>): Unasked[] {
  return open.flatMap(({ to, place }) =>
    (asked.get(to) ?? []).flatMap(({ source, failure }) =>
      failure === undefined ? [] : [{ source: source.name, about: to, error: failure, place }],
    ),
  )
}

function showVersions(versions: readonly Version[]): string {
  const sorted = [...versions].sort((a, b) => compareVersions(b, a)).map((one) => one.version)
  return listed(sorted)
}

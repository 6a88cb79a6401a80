import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import { type Finding, sortFindings } from '../core/finding.ts'
import type { CheckedPackage } from '../extension/check.ts'
import { type Kind, type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { Encoded } from '../oci/manifest.ts'
import { packAll } from '../package/pack-all.ts'
import { sameContent } from '../publishing/overwrite.ts'
import { checkDependencies } from '../release/dependencies.ts'
import { type PackageGraph, packageIdOf } from '../release/graph.ts'
import { type Artifact, readRepository, type WholeRepository } from '../release/repository.ts'
import { type Scope, scopeOf } from '../release/scope.ts'
import { Sources } from '../release/sources.ts'
import { type Unasked, unavailable } from '../release/unavailable.ts'
import { registrySource } from '../sources/registry-source.ts'
import { showAddress, showTarget, type Target, under } from '../store/address.ts'
import { openStage } from '../store/stage.ts'
import { treeSize } from '../tree/size.ts'
import type { PackageId } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import type { Context } from './context.ts'
import { type PackingOptions, packing } from './options.ts'

/** What a further check of the whole graph is given, such as solving it. */
export interface CheckedGraph {
  readonly graph: PackageGraph
  /** The packages that findings are wanted for. */
  readonly ids: ReadonlySet<PackageId>
  readonly packages: readonly CheckedPackage[]
}

export interface CheckOptions
  extends Pick<
    PackingOptions,
    'compression' | 'shape' | 'allowIrreproducible' | 'sourceDateEpoch' | 'concurrency'
  > {
  /** Absolute path of the extension repository (`-C`). */
  readonly directory: string
  readonly layouts: Layouts
  /** Folders relative to the repository: a package, or one that holds packages; none: everything. */
  readonly paths: readonly string[]
  /** Only what changed since HEAD parted from the first of these names that exists, and its dependents. */
  readonly since?: readonly string[]
  /** Whether changes count that no commit has yet. */
  readonly uncommitted: boolean
  /** Where packages are published; none: nothing is asked over a network, and what it would tell is left out. */
  readonly sources: readonly Target[]
  readonly solve?: (checked: CheckedGraph) => Promise<readonly Finding[]>
}

/** One package that was checked. */
export interface CheckedOutcome {
  readonly kind: Kind
  readonly name: string
  /** Relative to the repository; empty for the repository itself. */
  readonly folder: string
  readonly category?: string
  /** Undefined where the manifest does not tell it. */
  readonly version?: string
  /** `changed`, or a `dependent` of what changed; undefined where everything is checked. */
  readonly because?: 'changed' | 'dependent'
  /** Findings of these levels in its folder. */
  readonly errors: number
  readonly warnings: number
}

export interface CheckResult {
  readonly packages: readonly CheckedOutcome[]
  /** Undefined where everything was checked. */
  readonly since?: { readonly base: string; readonly removed: readonly PackageId[] }
  /** Everything at once, by place. */
  readonly findings: readonly Finding[]
  /** 2 for errors in the files; 1 where nothing is wrong but that a source could not be asked. */
  readonly exit: 0 | 1 | 2
}

/**
 * Checks a repository, or what changed in it with everything that depends on that: manifests, structure,
 * `kcl.mod`, names, cycles, and, where there are sources, whether dependencies can be had and versions were
 * raised. Tells all findings at once and writes nothing.
 * @throws EXTENSION_NOT_FOUND for a path without a package, GIT_REF_MISSING, GIT_REF_INVALID,
 *   COMPRESSOR_DIFFERS, and what `solve` throws
 */
export async function check(options: CheckOptions, context: Context): Promise<CheckResult> {
  const { report } = context
  await using sources = new Sources({ ...context, directory: options.directory })
  const repository = await readRepository((await sources.working()).tree, options.layouts)
  const { graph } = repository
  const scope = await scopeOf(repository, options, sources)
  if (scope.fallback !== undefined)
    report.emit({
      type: 'warning',
      code: 'MERGE_BASE_UNKNOWN',
      message: `Every package is checked, not only what changed: ${scope.fallback.why}`,
      hint: scope.fallback.hint,
    })
  const known = await publishedAt(options, context, graph, scope)
  const raised = await unraised(options, context, repository, scope)
  const findings = once([
    ...repository.findings,
    ...scope.packages.flatMap((one) => one.findings),
    ...cyclesIn(graph, scope),
    ...known.findings,
    ...raised.findings,
    ...unavailable([...known.unasked, ...raised.unasked]),
    ...((await options.solve?.({ graph, ids: scope.ids, packages: scope.packages })) ?? []),
  ])
  for (const finding of findings) report.emit({ type: 'finding', finding })
  return {
    packages: scope.packages.map((one) => outcome(one, scope, findings)),
    ...(scope.changes === undefined
      ? {}
      : { since: { base: scope.changes.base.id, removed: [...scope.changes.removed] } }),
    findings,
    exit: exitOf(findings),
  }
}

interface Partly {
  readonly findings: readonly Finding[]
  readonly unasked: readonly Unasked[]
}

async function publishedAt(
  { sources, layouts, concurrency }: CheckOptions,
  { open, signal }: Context,
  graph: PackageGraph,
  scope: Scope,
): Promise<Partly> {
  const lists = sources.map((target) => registrySource({ target, layouts, open, concurrency }))
  return await checkDependencies(graph, scope.ids, lists, { concurrency, signal })
}

/** An artifact whose version stands in a source already. */
interface Standing {
  readonly artifact: Artifact
  readonly reference: string
  readonly existing: Encoded
}

/**
 * Versions that are published with other content than the folder has: releasing them would be refused. Packs
 * as a release would, into a stage that nobody keeps.
 */
async function unraised(
  options: CheckOptions,
  context: Context,
  { artifacts }: WholeRepository,
  scope: Scope,
): Promise<Partly> {
  const { concurrency, layouts } = options
  // What depends on a change did not change by that.
  const { changes } = scope
  const changed = new Set(
    scope.packages.filter(
      (one) => changes === undefined || changes.changed.has(packageIdOf(one.package) as PackageId),
    ),
  )
  const questions = artifacts
    .filter((one) => changed.has(one.of))
    .flatMap((artifact) => options.sources.map((target) => ({ artifact, target })))
  const answers = await mapConcurrent(questions, concurrency, ({ artifact, target }) =>
    standingAt(artifact, target, options, context),
  )
  const unasked = answers.flatMap((one) => (one !== undefined && 'error' in one ? [one] : []))
  const standing = answers.flatMap((one) => (one !== undefined && 'existing' in one ? [one] : []))
  if (standing.length === 0) return { findings: [], unasked }
  const jobs = [...new Set(standing.map((one) => one.artifact))].map((artifact) => ({
    ...artifact,
    artifact,
    repository: repositoryOf(layouts, artifact.kind, artifact.name),
  }))
  const findings: Finding[] = []
  await using stage = await openStage(await treeSize(jobs.map((one) => one.tree)), context.scratch)
  const packed = await packAll(jobs, stage, {
    ...(await packing({ ...options, skipTests: true, testTimeout: 0 }, context)),
    // What could not be packed could not be released either.
    onFailed: ({ of }, { code, message, hint }) =>
      findings.push({
        ...{ code, level: 'error', message, place: of.positions([]) },
        ...(hint === undefined ? {} : { hint }),
      }),
  })
  const now = new Map(packed.map(({ job, packed: one }) => [job.artifact, one.encoded]))
  for (const one of standing) {
    const encoded = now.get(one.artifact)
    if (encoded !== undefined && !sameContent(one.existing, encoded)) findings.push(notRaised(one))
  }
  return { findings, unasked }
}

async function standingAt(
  artifact: Artifact,
  target: Target,
  { layouts }: CheckOptions,
  { open, signal }: Context,
): Promise<Standing | Unasked | undefined> {
  const { kind, name, version, place } = artifact
  const tag = registryTagOf(layouts, kind, parseVersion(version))
  const repository = under(target, repositoryOf(layouts, kind, name))
  const reference = showAddress({ ...target, repository, tag })
  try {
    const existing = await (await open(target)).repository(repository).manifest(tag, { signal })
    return existing && { artifact, reference, existing }
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error
    return { source: showTarget(target), about: `${name} ${version}`, error, place }
  }
}

function notRaised({ artifact: { name, version, place }, reference }: Standing): Finding {
  const [, start, patch] = /^(\d+\.\d+\.)(\d+)$/.exec(version) ?? []
  const next = patch === undefined ? '' : `, for example to ${start}${Number(patch) + 1}`
  return {
    code: 'VERSION_NOT_RAISED',
    level: 'error',
    message: `${name} changed, but ${version} is published already, as ${reference}`,
    place,
    hint: `Raise version${next}; published versions never change.`,
  }
}

/** Those that a package under check has a part in, closed where somebody works. */
function cyclesIn(graph: PackageGraph, { ids, changes }: Scope): Finding[] {
  return graph
    .cycles()
    .filter((cycle) => cycle.some((id) => ids.has(id)))
    .map((cycle) => graph.cycleFinding(cycle, changes?.changed))
}

function outcome(one: CheckedPackage, { changes }: Scope, findings: readonly Finding[]): CheckedOutcome {
  const { folder } = one.package
  const id = packageIdOf(one.package)
  const version = typeof one.document?.version === 'string' ? one.document.version : undefined
  const own = findings.filter(({ place }) => folder === '' || place.file.startsWith(`${folder}/`))
  const because = id !== undefined && changes?.changed.has(id) ? 'changed' : 'dependent'
  return {
    ...one.package,
    ...(version === undefined ? {} : { version }),
    ...(changes === undefined ? {} : { because }),
    errors: own.filter(({ level }) => level === 'error').length,
    warnings: own.filter(({ level }) => level === 'warning').length,
  }
}

/** Sorted; what is told of an extension and of the KCL package in it is told once. */
function once(findings: readonly Finding[]): Finding[] {
  return sortFindings([...new Map(findings.map((one) => [JSON.stringify(one), one])).values()])
}

function exitOf(findings: readonly Finding[]): CheckResult['exit'] {
  const errors = findings.filter((one) => one.level === 'error')
  if (errors.length === 0) return 0
  return errors.every((one) => one.code === 'SOURCE_UNAVAILABLE') ? 1 : 2
}

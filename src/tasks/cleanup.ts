import { resolve } from 'node:path'
import type { Effective } from '../config/effective.ts'
import type { Retention } from '../config/retention-yaml.ts'
import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, type ExitCode, hasCode, SlipwayError } from '../core/error.ts'
import type { Layouts } from '../extension/kinds.ts'
import { lockedDigests } from '../lockfile/file.ts'
import type { Digest } from '../oci/digest.ts'
import {
  type AppliedRepository,
  applySteps,
  archiveDoomed,
  refuseExceeded,
  refuseOutdated,
} from '../retention/apply.ts'
import type { Basis, PlanDocument } from '../retention/document.ts'
import { loadPlan, loadSightings, saveJson, savePlan, saveSightings } from '../retention/files.ts'
import { goingBy, makePlan, type Planned } from '../retention/plan.ts'
import { takeSnapshot } from '../retention/scan.ts'
import { FirstSeen } from '../retention/seen.ts'
import type { Snapshot } from '../retention/snapshot.ts'
import { StillNeeded, UnreadableRepository } from '../sources/still-needed.ts'
import { parseTarget, showTarget, type Target, under } from '../store/address.ts'
import type { Inventory } from '../store/inventory.ts'
import type { Registry } from '../store/store.ts'
import type { Context } from './context.ts'

export interface CleanupOptions {
  /** The rules, for a new plan. */
  readonly retention?: Retention
  /** A plan to carry out; then there are no rules beside it. */
  readonly plan?: string
  /** Instead of what the rules name. */
  readonly source?: Target
  readonly apply: boolean
  /** Where a new plan is written; undefined: nowhere. */
  readonly output?: string
  /** Where to write, before anything is deleted, what that will be and how to have it back. */
  readonly restoreFile: string
  /** Where what goes is copied first. */
  readonly archive?: Target
  readonly layouts: Layouts
  /** Requests at once. */
  readonly concurrency: number
}

export interface CleanupResult {
  readonly plan: PlanDocument
  /** Undefined where nothing was to be deleted yet. */
  readonly applied?: readonly AppliedRepository[]
  readonly exit: 0 | ExitCode
}

/** Milliseconds that clocks of two machines may be apart. */
const skew = 300_000

/** Repositories that are deleted in at once. */
const atOnce = 4

/**
 * Plans what goes from a registry by the rules of a `retention.yaml`, or carries a plan out, or both. Without
 * `apply` nothing is deleted.
 * @throws PLAN_OUT_OF_DATE, CLEANUP_CAPPED, KEEP_PATTERN_UNMATCHED, POLICY_UNMATCHED, PLAN_INVALID, and what
 *   opening and listing throw; what single repositories throw protects them and is told in the plan
 */
export async function cleanup(options: CleanupOptions, context: Context): Promise<CleanupResult> {
  const given = options.plan === undefined ? undefined : await loadPlan(options.plan)
  if (given !== undefined && Date.parse(given.created) > context.clock.now() + skew)
    throw badInput('PLAN_INVALID', `${options.plan} was made at ${given.created}, which is still to come`, {
      hint: 'Set the clocks right and plan again: by this time things would look older than they are.',
    })
  const created = given?.created ?? new Date(context.clock.now()).toISOString()
  const seen = await sightings(options, given, created)
  const basis = given?.basis ?? (await basisOf(options, seen))
  const survey = await look(basis, created, seen, given, options, context)
  if (given !== undefined) refuseOutdated(given, survey.planned, survey.snapshots)
  const plan = given ?? documentOf(basis, created, seen, survey.planned)
  if (options.output !== undefined && given === undefined) await savePlan(options.output, plan)
  if (seen !== undefined && given === undefined)
    await saveSightings(statePath(options) ?? '', seen.sightings())
  // A given plan tells what was protected when it was made; what is so now has made it out of date, or does not matter.
  const unread = plan.repositories.flatMap((one) => (one.protected === undefined ? [] : [one]))
  for (const { repository, protected: why } of unread)
    context.report.emit({
      type: 'warning',
      code: 'REPOSITORY_PROTECTED',
      message: `${repository} is left alone: ${why}`,
      hint: 'Nothing is deleted where something could not be read.',
    })
  if (!options.apply) return { plan, exit: plan.exceeded.length > 0 ? 3 : unread.length > 0 ? 1 : 0 }
  refuseExceeded(plan.exceeded)
  const applied = await carryOut(plan, survey, options, context)
  for (const what of applied.flatMap((one) => one.incomplete))
    context.report.emit({
      type: 'warning',
      code: 'KEPT_INCOMPLETE',
      message: `What was kept is not complete: ${what}`,
      hint: 'Bring it back with what the restore file or the archive holds.',
    })
  const refused = applied.some((one) => one.error?.exit === 3)
  const failed = applied.some(
    (one) => (one.error !== undefined && one.error.exit !== 3) || one.incomplete.length > 0,
  )
  return { plan, applied, exit: failed || unread.length > 0 ? 1 : refused ? 3 : 0 }
}

/** What is cleaned up where a flag, input or variable says so: other settings are about reading packages. */
export function givenSource({ value, origin }: Effective['source']): Target | undefined {
  if (origin !== 'flag --source' && origin !== 'SLIPWAY_SOURCE') return undefined
  if (value.length > 1)
    throw badInput('USAGE_INVALID', `${origin} names ${value.length} registries`, {
      hint: 'One is cleaned up at a time.',
    })
  return value[0] === undefined ? undefined : parseTarget(value[0])
}

/** The registry that a plan is for: credentials given beside it go there. @throws PLAN_INVALID */
export async function sourceOfPlan(path: string): Promise<Target> {
  return parseTarget((await loadPlan(path)).basis.source)
}

interface Survey {
  readonly registry: Registry
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly inventories: ReadonlyMap<string, Inventory>
  readonly planned: Planned
  /** When reading began; milliseconds since 1970. */
  readonly looked: number
}

/** Reads every repository and decides; a repository that cannot be read protects what it may need. */
async function look(
  basis: Basis,
  created: string,
  seen: FirstSeen | undefined,
  given: PlanDocument | undefined,
  { layouts, concurrency }: CleanupOptions,
  context: Context,
): Promise<Survey> {
  const target = parseTarget(basis.source)
  const call = { signal: context.signal }
  const registry = await context.open(target)
  if (registry.inventory === undefined)
    throw badInput('SOURCE_UNSUPPORTED', `Nothing can be deleted from ${showTarget(target)}`, {
      hint: 'Name a registry: oci://HOST/PREFIX.',
    })
  const looked = context.clock.now()
  const snapshots = new Map<string, Snapshot>()
  const inventories = new Map<string, Inventory>()
  const failed = new Map<string, string>()
  const paths = await repositoriesOf(registry, target, basis, call)
  await mapConcurrent(paths, atOnce, async (repository) => {
    const inventory = registry.inventory?.(repository) as Inventory
    inventories.set(repository, inventory)
    try {
      const store = registry.repository(repository)
      const options = { ...call, concurrency, ...(seen === undefined ? {} : { seen }) }
      snapshots.set(repository, await takeSnapshot(repository, store, inventory, options))
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof SlipwayError)) throw error
      failed.set(repository, `[${error.code}] ${error.message}`)
    }
  })
  for (;;) {
    const repositories = new Map([...snapshots].sort().map(([path, { tags }]) => [path, [...tags.keys()]]))
    const open = (path: string) => registry.repository(path)
    const needed = new StillNeeded({ ...call, repositories, layouts, open, concurrency })
    const platform = (path: string) => `/${path}`.includes(`/${layouts.platform.prefix}/`)
    try {
      const planned = await makePlan({
        ...basis,
        snapshots: new Map([...snapshots].sort()),
        failed,
        now: Date.parse(created),
        locked: new Set(basis.locked),
        mayNeed: (path, other) => !platform(path) && !platform(other),
        needs: (places) => needed.of(places),
        // What a plan leaves, by hand or since it came later, needs things that its rules would let go.
        ...(given === undefined ? {} : { only: goingBy(given.repositories) }),
      })
      return { registry, snapshots, inventories, planned, looked }
    } catch (error) {
      if (!(error instanceof UnreadableRepository)) throw error
      snapshots.delete(error.repository)
      failed.set(error.repository, `[${error.cause.code}] ${error.cause.message}`)
    }
  }
}

async function repositoriesOf(
  registry: Registry,
  target: Target,
  { repositories }: Basis,
  call: { readonly signal: AbortSignal },
): Promise<string[]> {
  if (repositories !== undefined) return repositories.map((one) => under(target, one))
  const start = target.prefix === '' ? '' : `${target.prefix}/`
  const paths = await Array.fromAsync(registry.repositories(call)).catch((error: unknown) => {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    throw new SlipwayError('UNSUPPORTED', error.message, {
      hint: 'Name them under repositories in retention.yaml.',
      cause: error,
    })
  })
  return paths.filter((path) => path.startsWith(start)).sort()
}

async function carryOut(
  plan: PlanDocument,
  { registry, snapshots, inventories, looked }: Survey,
  { archive, restoreFile }: CleanupOptions,
  context: Context,
): Promise<AppliedRepository[]> {
  const call = { signal: context.signal }
  const now = () => context.clock.now()
  const work = plan.repositories.filter(({ steps }) => steps.length > 0)
  if (work.length === 0) return []
  const done = new Map<string, AppliedRepository>()
  const record = async () =>
    await saveJson(restoreFile, {
      version: 1,
      source: plan.basis.source,
      planned: plan.created,
      repositories: work.map(({ repository, steps }) => ({
        repository,
        deleted: done.get(repository)?.deleted ?? [],
        untagged: done.get(repository)?.untagged ?? [],
        planned: done.has(repository) ? [] : steps,
      })),
    })
  // Who cannot write down what goes does not delete it.
  await record()
  if (archive !== undefined) await archiveDoomed(plan, registry, await context.open(archive), call)
  try {
    return await mapConcurrent(work, atOnce, async (planned) => {
      const { repository } = planned
      const snapshot = snapshots.get(repository) as Snapshot
      const store = registry.repository(repository)
      const inventory = inventories.get(repository) as Inventory
      const result = await applySteps(planned, snapshot, store, inventory, call, { now, looked })
      done.set(repository, result)
      return result
    })
  } finally {
    await record()
  }
}

async function basisOf({ retention, source }: CleanupOptions, seen: FirstSeen | undefined): Promise<Basis> {
  if (retention === undefined) throw new TypeError('neither rules nor a plan')
  const from = source === undefined ? retention.source : showTarget(source)
  if (from === undefined)
    throw badInput('SOURCE_MISSING', 'Nothing says which registry is to be cleaned up', {
      hint: 'Write source: oci://HOST/PREFIX into retention.yaml, or give --source.',
    })
  const locked: Digest[] = []
  for (const file of retention.lockfiles)
    locked.push(...(await lockedDigests(resolve(retention.folder, file))))
  const { policies, grace, caps, repositories } = retention
  return {
    source: from,
    policies,
    grace,
    caps,
    locked: [...new Set(locked)].sort(),
    ...(repositories === undefined ? {} : { repositories }),
    ...(seen === undefined ? {} : { seen: {} }),
  }
}

function documentOf(
  basis: Basis,
  created: string,
  seen: FirstSeen | undefined,
  planned: Planned,
): PlanDocument {
  const known = seen === undefined ? {} : { seen: seen.sightings() }
  return { version: 1, created, basis: { ...basis, ...known }, ...planned }
}

/** A plan brings the sightings it was made from; what it has not seen is new. */
async function sightings(
  options: CleanupOptions,
  given: PlanDocument | undefined,
  created: string,
): Promise<FirstSeen | undefined> {
  if (given !== undefined)
    return given.basis.seen === undefined ? undefined : new FirstSeen(given.basis.seen, Date.parse(created))
  const path = statePath(options)
  return path === undefined ? undefined : new FirstSeen(await loadSightings(path), Date.parse(created))
}

function statePath({ retention }: CleanupOptions): string | undefined {
  return retention?.state === undefined ? undefined : resolve(retention.folder, retention.state)
}

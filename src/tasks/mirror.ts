import { dirname } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { type ExitCode, refused, SlipwayError } from '../core/error.ts'
import { type Layouts, registryTagOf } from '../extension/kinds.ts'
import { loadLockFile } from '../lockfile/file.ts'
import { absoluteSource } from '../lockfile/source.ts'
import { Budget } from '../mirroring/budget.ts'
import { type Extra, withExtras } from '../mirroring/extra.ts'
import { jobsOf, type Selected } from '../mirroring/jobs.ts'
import {
  failedRepository,
  mirrorFailure,
  type RepositoryOutcome,
  showSkipped,
  total,
} from '../mirroring/outcome.ts'
import type { MirrorRule } from '../mirroring/rule.ts'
import { runJobs } from '../mirroring/run.ts'
import { type Selection, selectFrom } from '../mirroring/select.ts'
import { isIn, type Shard } from '../mirroring/shard.ts'
import type { Tag } from '../oci/reference.ts'
import { type Closure, closureOf } from '../sources/closure.ts'
import { showAddress, showPlace, showTarget } from '../store/address.ts'
import { parseVersion } from '../version/version.ts'
import type { Context } from './context.ts'

export type { RepositoryOutcome } from '../mirroring/outcome.ts'
export { parseShard } from '../mirroring/shard.ts'

export interface MirrorOptions {
  readonly rules: readonly MirrorRule[]
  /** Compare the targets with the sources and write nothing. */
  readonly verify: boolean
  /** How repositories and tags are made of packages' names and versions. */
  readonly layouts: Layouts
  /** Requests in flight to one host. */
  readonly concurrency: number
  /** Only the repositories of one part; rules are checked over all of them. */
  readonly shard?: Shard
}

export interface MirrorResult {
  /** Sorted by source and target; a source whose repositories could not be listed stands there itself. */
  readonly repositories: readonly RepositoryOutcome[]
  readonly total: ReturnType<typeof total>
  readonly verified: boolean
  readonly milliseconds: number
  readonly exit: 0 | ExitCode
}

/**
 * Brings what the rules select to their targets, or compares. Everything is selected, and rules that contradict
 * each other are refused, before anything moves; after that a failure of one repository stops no other.
 * @throws MIRROR_NO_MATCH, MIRROR_OVERLAP, MIRROR_CYCLE, UNSUPPORTED
 */
export async function mirror(options: MirrorOptions, context: Context): Promise<MirrorResult> {
  const { rules, concurrency, verify } = options
  const { report, signal, clock } = context
  const start = clock.now()
  const unreached: RepositoryOutcome[] = []
  const selections = await mapConcurrent(rules, 4, (rule) => selectOf(rule))
  const selected = selections.flatMap((one) => one.selected)
  for (const { rule, name, error } of selections.flatMap((one) => one.unlisted))
    for (const to of rule.to)
      unreached.push(unlisted(rule, `${showTarget(rule.from)}/${name}`, showTarget(to), error))
  warn(rules, selections)
  const { shard } = options
  const jobs = jobsOf(selected, rules).filter(
    ({ from }) => shard === undefined || isIn(shard, from.repository),
  )
  const outcomes = await runJobs(jobs, {
    open: (place) => context.open(place),
    budget: new Budget(concurrency),
    signal,
    verify,
    now: () => clock.now(),
    done: ({ source, target, state, skipped = [] }) => {
      const told = showSkipped(source, skipped)
      if (told !== undefined) report.emit({ type: 'warning', ...skippedWarning, message: told })
      report.emit({
        type: 'progress',
        id: `${source} ${target}`,
        label: `${source} → ${target}: ${state}`,
        state: state === 'failed' || state === 'partial' ? 'failed' : 'done',
      })
    },
  })
  if (!verify) await finishAll()
  const repositories = [...outcomes, ...unreached].sort((a, b) =>
    `${a.source} ${a.target}` < `${b.source} ${b.target}` ? -1 : 1,
  )
  const failed = repositories.some((one) => one.failures.length > 0)
  return {
    repositories,
    total: total(repositories),
    verified: verify,
    milliseconds: clock.now() - start,
    exit: failed ? 1 : 0,
  }

  /** What one target fails to keep, such as an archive on a full disk, is no reason to drop another one. */
  async function finishAll(): Promise<void> {
    for (const place of new Map(jobs.map(({ to }) => [showPlace(to), to])).values())
      try {
        await (await context.open(place)).finish()
      } catch (error) {
        if (signal.aborted) throw error
        const brought = jobs.find(({ to }) => showPlace(to) === showPlace(place))
        if (brought === undefined) throw error
        const { rule, from } = brought
        const failed = unlisted(rule, showPlace(from), showPlace(place), error as SlipwayError)
        unreached.push({ ...failed, failures: [{ ...mirrorFailure(error), side: 'destination' }] })
      }
  }

  async function selectOf(rule: MirrorRule): Promise<Selection> {
    const how = { open: (one: MirrorRule) => context.open(one.from), concurrency, signal }
    try {
      const found = await selectFrom(rule, how)
      const { packages, unsolved } = await neededBy(rule, found.selected)
      for (const { root, error } of unsolved)
        for (const to of rule.to)
          unreached.push(
            unlisted(rule, `${showTarget(rule.from)}/${root.repository}`, showTarget(to), error, root.tag),
          )
      // A version without what it needs would be of no use.
      const lacking = new Set(unsolved.map(({ root }) => `${root.repository}:${root.tag}`))
      const selected = found.selected.map((one) => ({
        ...one,
        tags: one.tags.filter((tag) => !lacking.has(`${one.name}:${tag}`)),
      }))
      const extras = [...(await lockedBy(rule)), ...packages]
      return { ...found, selected: await withExtras(rule, selected, extras, how) }
    } catch (error) {
      // What the file asks for is wrong: nothing moves. A source that is down stops only what comes from it.
      const ours = !(error instanceof SlipwayError) || error.exit !== 1 || error.code === 'UNSUPPORTED'
      if (ours || signal.aborted) throw error
      for (const to of rule.to) unreached.push(unlisted(rule, showTarget(rule.from), showTarget(to), error))
      return { selected: [], unlisted: [], idle: [] }
    }
  }

  async function neededBy(rule: MirrorRule, selected: readonly Selected[]): Promise<Closure> {
    if (!rule.withDependencies) return { packages: [], unsolved: [] }
    const roots = selected.flatMap(({ name, tags }) => tags.map((tag) => ({ repository: name, tag })))
    return await closureOf(roots, {
      target: rule.from,
      layouts: options.layouts,
      open: () => context.open(rule.from),
      concurrency,
      signal,
      origin: rule.name,
    })
  }

  async function lockedBy(rule: MirrorRule): Promise<Extra[]> {
    const extras: Extra[] = []
    for (const path of rule.lockfiles) {
      const lock = await loadLockFile(path)
      if (lock === undefined)
        throw refused('LOCK_MISSING', `${path} does not exist`, {
          hint: 'Correct lockfiles in mirror.yaml; paths start from its folder.',
        })
      const elsewhere: string[] = []
      for (const one of lock.packages) {
        const repository = one.source === undefined ? undefined : below(rule, one.source, dirname(path))
        if (repository === undefined) elsewhere.push(one.id)
        else {
          const tag = registryTagOf(options.layouts, one.kind, parseVersion(one.version))
          extras.push({ repository, tag, ...(one.manifest === undefined ? {} : { digest: one.manifest }) })
        }
      }
      if (elsewhere.length > 0)
        report.emit({
          type: 'warning',
          code: 'MIRROR_LOCKED_ELSEWHERE',
          message: `${rule.name}: ${path} takes ${elsewhere.slice(0, 10).join(', ')}${elsewhere.length > 10 ? ` and ${elsewhere.length - 10} more` : ''} from elsewhere than ${showTarget(rule.from)}`,
          hint: 'Another mirror can bring it from there.',
        })
    }
    return extras
  }

  function warn(all: readonly MirrorRule[], found: readonly Selection[]): void {
    for (const [at, rule] of all.entries()) {
      for (const text of found[at]?.idle ?? [])
        report.emit({
          type: 'warning',
          code: 'MIRROR_EXCLUDE_IDLE',
          message: `${rule.name}: exclude ${JSON.stringify(text)} matches no tag`,
          hint: 'Correct it if it was to keep something back.',
        })
      if (rule.platforms !== undefined && !verify)
        report.emit({
          type: 'info',
          message: `${rule.name}: indexes are made anew for ${rule.platforms.join(', ')}; signatures of the old ones do not cover them`,
        })
    }
  }
}

const skippedWarning = {
  code: 'MIRROR_REFERRER_SKIPPED',
  hint: 'Somebody deleted them and left the list; where they matter, publish them again.',
}

/** The repository below the rule's source that a lock names; undefined for every other place. */
function below({ from }: MirrorRule, source: string, base: string): string | undefined {
  const absolute = absoluteSource(source, base)
  const start = showAddress({ ...from, repository: from.prefix === '' ? 'x' : `${from.prefix}/x` }).slice(
    0,
    -1,
  )
  return absolute.startsWith(start) ? absolute.slice(start.length) : undefined
}

function unlisted(
  rule: MirrorRule,
  source: string,
  target: string,
  error: SlipwayError,
  tag?: Tag,
): RepositoryOutcome {
  return failedRepository(
    { mirror: rule.name, source, target },
    { ...mirrorFailure(error, tag), side: 'source' },
    { tags: tag === undefined ? 0 : 1 },
  )
}

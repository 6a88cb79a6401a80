import type { ExitCode } from '../core/error.ts'
import type { Place } from '../store/address.ts'
import type { Rehearsal } from '../store/rehearse.ts'
import type { PackedOutcome, ReleaseResult, TargetOutcome } from '../tasks/outcome.ts'
import type { PackageResult } from '../tasks/package.ts'
import type { PublishResult } from '../tasks/publish.ts'
import type { Said } from './annotations.ts'

/** One artifact, as the summary shows it. */
export interface Row {
  readonly title: string
  readonly version: string
  readonly digest: string
  /** Bytes of the layer, where known. */
  readonly size?: number
  readonly targets: readonly TargetOutcome[]
}

/** What an action leaves. */
export interface StepResult {
  readonly rows: readonly Row[]
  readonly outputs: Readonly<Record<string, unknown>>
  readonly exit: 0 | ExitCode
  /** What went wrong without belonging to a row. */
  readonly failures?: readonly Said[]
  /** For the summary, as Markdown in which all that comes from outside is escaped. */
  readonly sections?: readonly string[]
  /** For the log. */
  readonly lines?: readonly string[]
}

export function releaseResult(
  { releases, failed, exit }: ReleaseResult,
  targets: readonly (Place & { readonly path?: string })[],
): StepResult {
  const files = targets.find((one) => one.scheme !== 'oci')
  return {
    exit,
    failures: failed.map(({ gitTag, error }) => ({ level: 'error', place: gitTag, ...error })),
    rows: releases.map((one) => ({ ...titled(one), targets: one.targets })),
    outputs: {
      ...alone(releases, (one) => ({ ...packed(one), digest: one.targets[0]?.digest ?? one.digest })),
      ...placed(releases),
      releases: releases.map((one) => ({ ...described(one), ...first(one.targets, one.digest) })),
      ...(files?.path === undefined ? {} : { layout: `${files.scheme}:${files.path}` }),
    },
  }
}

export function packageResult({ packages, output }: PackageResult): StepResult {
  return {
    exit: 0,
    rows: packages.map((one) => ({ ...titled(one), targets: [] })),
    outputs: { ...alone(packages, packed), releases: packages.map(described), layout: output },
  }
}

export function publishResult({ published, exit }: PublishResult): StepResult {
  return {
    exit,
    rows: published.map(({ source, digest, targets }) => ({ title: source, version: '', digest, targets })),
    outputs: {
      ...alone(published, (one) => ({ digest: one.targets[0]?.digest ?? one.digest })),
      ...placed(published),
      releases: published.map(({ source, digest, targets }) => ({ source, ...first(targets, digest) })),
    },
  }
}

function titled(one: PackedOutcome): Omit<Row, 'targets'> {
  return { title: `${one.kind} ${one.name}`, version: one.version, digest: one.digest, size: one.size }
}

function packed({ name, version, kind, digest }: PackedOutcome): Record<string, string> {
  return { name, version, kind, digest }
}

function described(one: PackedOutcome) {
  const { kind, name, version, gitTag, repository, tag, digest } = one
  return { kind, name, version, gitTag, repository, tag, digest }
}

function alone<T>(all: readonly T[], of: (one: T) => Record<string, string>): Record<string, string> {
  return all.length === 1 && all[0] !== undefined ? of(all[0]) : {}
}

type Published = { readonly targets: readonly TargetOutcome[] }

/** References name only what is there: a target that failed or refused has none. */
function placed(all: readonly Published[]) {
  const targets = all.flatMap((one) => one.targets)
  const count = (...outcomes: readonly TargetOutcome['outcome'][]) =>
    targets.filter((one) => outcomes.includes(one.outcome)).length
  const reference = all.length === 1 ? addresses(all[0]?.targets.slice(0, 1) ?? [])[0] : undefined
  return {
    ...(reference === undefined ? {} : { reference }),
    references: addresses(targets),
    published: count('published', 'overwritten'),
    unchanged: count('unchanged'),
  }
}

function first(targets: readonly TargetOutcome[], digest: string) {
  const [one] = targets
  return {
    digest: one?.digest ?? digest,
    reference: addresses(targets.slice(0, 1))[0],
    outcome: one?.outcome,
  }
}

function addresses(targets: readonly TargetOutcome[]): string[] {
  return targets
    .filter((one) => one.outcome !== 'failed' && one.outcome !== 'refused')
    .map((one) => `${one.reference}${one.digest === undefined ? '' : `@${one.digest}`}`)
}

/** The results for the log; runners without summaries show nothing else. */
export function logLines(
  rows: readonly Row[],
  rehearsals: ReadonlyMap<string, Rehearsal> | undefined,
): string[] {
  if (rehearsals === undefined)
    return rows.flatMap((row) => {
      if (row.targets.length === 0) return [`packed ${row.title} ${row.version} ${row.digest}`]
      return row.targets.flatMap((one) => [
        `${one.outcome} ${one.reference}${one.digest === undefined ? '' : `@${one.digest}`}`,
        ...Object.entries(one.moved).map(([tag, to]) => `  ${tag} → ${to}`),
      ])
    })
  const writes = [...rehearsals].flatMap(([place, rehearsal]) =>
    rehearsal.writes().map((write) => {
      const what = write.kind === 'tag' ? `tag ${write.tag}` : write.kind
      return `  ${what} ${write.outcome} ${place} ${write.repository} ${write.descriptor.digest}`
    }),
  )
  return writes.length === 0
    ? ['Nothing would be written.']
    : ['This would be written, and is not:', ...writes]
}

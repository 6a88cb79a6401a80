import type { DepsOutdatedResult } from '../tasks/deps-outdated.ts'
import { type DepsResolveResult, lockName, showChanges } from '../tasks/deps-resolve.ts'
import type { DepsTreeResult } from '../tasks/deps-tree.ts'
import type { DepsUpdateResult } from '../tasks/deps-update.ts'
import type { DepsWhyResult } from '../tasks/deps-why.ts'
import { clean, columns, type Paint } from './text.ts'

type Node = DepsTreeResult['tree'][number]

/** A tree with its lines; `(*)` marks what is shown in full elsewhere, `…` where the depth ended. */
export function showTree({ tree }: DepsTreeResult, paint: Paint): string {
  const lines: string[] = []
  for (const node of tree) {
    lines.push(label(node, paint))
    children(node, '')
  }
  return lines.join('\n')

  function children(node: Node, indent: string): void {
    for (const [at, child] of node.children.entries()) {
      const last = at === node.children.length - 1
      lines.push(`${indent}${last ? '└─' : '├─'} ${label(child, paint)}`)
      children(child, `${indent}${last ? '   ' : '│  '}`)
    }
  }
}

function label({ id, version, text, repeated, cut }: Node, paint: Paint): string {
  const range = text === undefined ? '' : ` ${paint('dim', clean(text))}`
  const mark = repeated ? ' (*)' : cut ? ' …' : ''
  return `${paint('bold', clean(id))} ${clean(version)}${range}${mark}`
}

/** Each way on lines of its own, from the root down. */
export function showWays({ id, version, ways }: DepsWhyResult, paint: Paint): string {
  const head = `${paint('bold', clean(id))} ${clean(version)}`
  const shown = ways.map((way) =>
    way
      .map((one, depth) => {
        const arrow = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `
        // A package of the repository itself is asked for at its own version.
        const range =
          one.text === undefined || one.text === one.version ? '' : ` ${paint('dim', clean(one.text))}`
        return `${arrow}${clean(one.id)} ${clean(one.version)}${range}`
      })
      .join('\n'),
  )
  return [head, ...shown].join('\n\n')
}

/** What changed, the order of installing, and what became of the lock. */
export function showResolved(result: DepsResolveResult, dryRun: boolean, paint: Paint): string {
  const { changes, waves, lock, counts, written } = result
  const versions = new Map<string, string>(lock.packages.map(({ id, version }) => [id, version]))
  const rows = waves.map((wave, at) => [
    paint('dim', String(at + 1)),
    wave.map((id) => `${clean(id)} ${clean(versions.get(id) ?? '')}`).join(', '),
  ])
  const asked =
    counts.requests === 0
      ? 'no requests'
      : counts.requests === 1
        ? '1 request'
        : `${counts.requests} requests`
  const packages = lock.packages.length === 1 ? '1 package' : `${lock.packages.length} packages`
  return [
    ...showChanges(changes).map(clean),
    ...(changes.length === 0 ? [] : ['']),
    columns(rows),
    '',
    `${packages} in ${waves.length === 1 ? '1 wave' : `${waves.length} waves`}, ${asked}; ${lockState(written, dryRun)}`,
  ].join('\n')
}

export function showUpdated({ changes, written }: DepsUpdateResult, dryRun: boolean): string {
  if (changes.length === 0) return `nothing to update; ${lockState(written, dryRun)}`
  return [...showChanges(changes).map(clean), '', lockState(written, dryRun)].join('\n')
}

export function showOutdated({ outdated, checked }: DepsOutdatedResult, paint: Paint): string {
  if (checked === 0) return 'nothing comes from a registry'
  if (outdated.length === 0) return `all ${checked} are up to date`
  const rows = outdated.map(({ id, locked, wanted, latest }) => [
    clean(id),
    clean(locked ?? '-'),
    clean(wanted),
    clean(latest ?? '-'),
  ])
  return columns([['package', 'locked', 'wanted', 'latest'].map((one) => paint('dim', one)), ...rows])
}

function lockState(written: boolean, dryRun: boolean): string {
  if (written) return `${lockName} written`
  return dryRun ? `${lockName} not written (dry run)` : `${lockName} is up to date`
}

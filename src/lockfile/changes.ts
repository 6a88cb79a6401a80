import { refused } from '../core/error.ts'
import { compareVersions, versionOf } from '../version/version.ts'
import type { Lock, LockedPackage } from './lock.ts'
import { byId } from './read.ts'

/**
 * What happened to a package between two locks, the first that applies. `replaced` is other content under
 * the same version, which an honest registry never has; `moved` the same content from elsewhere;
 * `requires` the same bytes or a folder, with other dependencies or platforms.
 */
export type ChangeType = 'added' | 'removed' | 'upgraded' | 'downgraded' | 'replaced' | 'moved' | 'requires'

export interface Change {
  readonly id: string
  readonly type: ChangeType
  readonly before?: LockedPackage
  readonly after?: LockedPackage
}

/** Every difference between two locks' packages, sorted by id; no lock before means that all are added. */
export function compareLocks(before: Lock | undefined, after: Lock): readonly Change[] {
  const old = new Map(before?.packages.map((one) => [one.id, one]))
  const changes = after.packages.flatMap((now): Change[] => {
    const was = old.get(now.id)
    old.delete(now.id)
    if (was === undefined) return [{ id: now.id, type: 'added', after: now }]
    const type = changeOf(was, now)
    return type === undefined ? [] : [{ id: now.id, type, before: was, after: now }]
  })
  for (const was of old.values()) changes.push({ id: was.id, type: 'removed', before: was })
  return changes.sort(byId)
}

/**
 * A registry that has other content under a locked version is no reason to take it unasked.
 * @param asked packages that somebody named to be taken as they are now
 * @throws LOCKED_CONTENT_CHANGED
 */
export function refuseReplaced(changes: readonly Change[], asked: readonly string[] = []): void {
  const replaced = changes.filter(
    ({ id, type, before, after }) =>
      type === 'replaced' &&
      before?.layer !== undefined &&
      before.layer !== after?.layer &&
      !asked.includes(id),
  )
  const [first] = replaced
  if (first === undefined) return
  throw refused('LOCKED_CONTENT_CHANGED', showChanges(replaced).join('\n'), {
    hint: `Find out why; if it is right, run slipway deps update ${first.id}.`,
  })
}

/** One line a change, for a terminal or a pull request: `~ kubernetes 1.28.0 → 1.28.1`. */
export function showChanges(changes: readonly Change[]): string[] {
  return changes.map(({ id, type, before, after }) => {
    if (before === undefined) return `+ ${id} ${after?.version}`
    if (after === undefined) return `- ${id} ${before.version}`
    const moved = before.source === after.source ? '' : `, from ${sourceOf(before)} to ${sourceOf(after)}`
    switch (type) {
      case 'upgraded':
      case 'downgraded':
        return `${type === 'upgraded' ? '↑' : '↓'} ${id} ${before.version} → ${after.version}${moved}`
      case 'replaced':
        return `! ${id} ${after.version} has other content: ${contents(before, after)}${moved}`
      default:
        return `~ ${id} ${after.version}${moved === '' ? ' requires something else' : moved}`
    }
  })
}

function changeOf(was: LockedPackage, now: LockedPackage): ChangeType | undefined {
  if (was.version !== now.version) return isOlder(was.version, now.version) ? 'upgraded' : 'downgraded'
  // A manifest tells who built it and when, so two honest ones can hold one layer; and a folder has neither.
  if (was.layer !== undefined && now.layer !== undefined && was.layer !== now.layer) return 'replaced'
  if (was.source !== now.source) return 'moved'
  if (was.layer !== now.layer || was.manifest !== now.manifest) return 'replaced'
  return requirementsOf(was) === requirementsOf(now) ? undefined : 'requires'
}

function requirementsOf({ kind, dependencies, platforms }: LockedPackage): string {
  return JSON.stringify([kind, Object.entries(dependencies).sort(), [...platforms].sort()])
}

function isOlder(a: string, b: string): boolean {
  const [left, right] = [versionOf(a), versionOf(b)]
  return left === undefined || right === undefined ? a < b : compareVersions(left, right) < 0
}

function sourceOf({ source }: LockedPackage): string {
  return source ?? 'nowhere'
}

function contents(before: LockedPackage, after: LockedPackage): string {
  const part = before.layer === after.layer ? 'manifest' : 'layer'
  return `${before[part] ?? 'none'} → ${after[part] ?? 'none'}`
}

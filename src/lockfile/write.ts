import { stringify } from 'yaml'
import { refused } from '../core/error.ts'
import type { Lock, LockedPackage } from './lock.ts'
import { byId, lockVersion, readLock } from './read.ts'
import { sourceFault } from './source.ts'

const header = `# Written by slipway, for everybody to get the same versions. Commit it; do not edit it.
# After a merge conflict, keep either side and run: slipway deps resolve
`

/**
 * A lock as text: the same lock is the same text, whatever order it was put together in, on every machine
 * and at every time. One line a fact and one block a package, sorted, so that git merges two branches that
 * add different packages; the digest, which both change, stands near the top between lines that never
 * change, so that its conflict is one line.
 * @throws LOCK_SOURCE_NOT_PORTABLE where a source still has an absolute path: see `relativeSource`
 * @throws LOCK_INVALID where the text could not be read again
 */
export function writeLock(lock: Lock): string {
  for (const { id, source } of lock.packages)
    if (source !== undefined && sourceFault(source) === 'has an absolute path')
      throw refused('LOCK_SOURCE_NOT_PORTABLE', `${id}: ${source} means nothing on another machine`, {
        hint: 'Name it by a path relative to the lock, or use a registry.',
      })
  // Maps, since objects put keys such as "42" first.
  const document = new Map<string, unknown>([
    ['version', lockVersion],
    ['requirements', lock.requirements],
    ['options', sorted(lock.options)],
    ['roots', sorted(lock.roots)],
    ['packages', new Map([...lock.packages].sort(byId).map((one) => [one.id, block(one)]))],
  ])
  const text = header + stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
  readLock(text, 'slipway.lock')
  return text
}

function block(locked: LockedPackage): Map<string, unknown> {
  const { kind, version, source, manifest, layer, dependencies, platforms } = locked
  const all: readonly (readonly [string, unknown])[] = [
    ['kind', kind],
    ['version', version],
    ['source', source],
    ['manifest', manifest],
    ['layer', layer],
    ['dependencies', Object.keys(dependencies).length === 0 ? undefined : sorted(dependencies)],
    ['platforms', platforms.length === 0 ? undefined : [...platforms].sort()],
  ]
  return new Map(all.filter(([, value]) => value !== undefined))
}

function sorted(record: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

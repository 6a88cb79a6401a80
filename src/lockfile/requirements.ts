import { type Digest, digestOf } from '../oci/digest.ts'
import type { Lock } from './lock.ts'

type Texts = Readonly<Record<string, string>>

/** What a solution is asked for, as far as it can change without anything in a registry changing. */
export interface Requirements {
  /** Id to range, as the lock writes them: see `rootTexts`. */
  readonly roots: Texts
  readonly options: Texts
  /** What each locked folder (`path:`) requires: its id to what `LockedPackage.dependencies` says. */
  readonly folders: Readonly<Record<string, Texts>>
}

/** A requirement of whoever asks, and where it is written. */
export interface WantedRoot {
  readonly id: string
  readonly text: string
  /** `workspace/config/provisioning.yaml:12:9` */
  readonly origin?: string
}

/** Roots as the lock writes them; several ranges for one package stand side by side, in a fixed order. */
export function rootTexts(roots: readonly WantedRoot[]): Texts {
  const texts = new Map<string, Set<string>>()
  for (const { id, text } of roots) texts.set(id, (texts.get(id) ?? new Set()).add(text))
  return Object.fromEntries([...texts].map(([id, ranges]) => [id, [...ranges].sort().join(', ')]))
}

/** The digest that `--frozen` compares: the same whatever order the requirements come in. */
export function requirementsDigest({ roots, options, folders }: Requirements): Digest {
  const needs = Object.entries(folders).map(([id, needed]) => [id, ordered(needed)] as const)
  return digestOf(JSON.stringify([1, ordered(roots), ordered(options), needs.sort(byKey)]))
}

/**
 * What changed since the lock was written, one sentence each, for LOCK_OUT_OF_DATE; empty where the lock
 * still is what is asked for. Also notices a lock whose own lists were edited.
 * @param origins where each root is written, to point at the line
 */
export function explainMismatch(
  lock: Lock,
  wanted: Requirements,
  origins: readonly WantedRoot[] = [],
): string[] {
  const same = requirementsDigest(wanted) === lock.requirements
  const at = (id: string, text: string) => {
    const places = origins.filter((one) => one.id === id && one.origin !== undefined)
    const [place] = [...places.filter((one) => one.text === text), ...places]
    return place?.origin === undefined ? '' : ` (${place.origin})`
  }
  const lines = [
    ...differences(lock.roots, wanted.roots, (id, before, after) => {
      if (after === undefined) return `${id} ${before} is in the lock, but no longer required`
      if (before === undefined) return `${id} ${after} is required, but not in the lock${at(id, after)}`
      return `${id} changed from ${before} to ${after}${at(id, after)}`
    }),
    ...differences(lock.options, wanted.options, (name, before, after) => {
      if (before === undefined) return `the option ${name} is ${after} now, and was not set`
      if (after === undefined) return `the option ${name} was ${before}, and is not set now`
      return `the option ${name} changed from ${before} to ${after}`
    }),
    ...folderDifferences(lock, wanted.folders, same),
  ]
  return lines.length > 0 || same
    ? lines
    : ['the digest of the requirements is not that of what the lock lists: it was edited or merged by hand']
}

/** @param shared leaves out folders that only one side has: those the solution did not need */
function folderDifferences(lock: Lock, folders: Requirements['folders'], shared: boolean): string[] {
  const locked = new Map<string, Texts>(
    lock.packages
      .filter(({ source }) => source?.startsWith('path:'))
      .map((one) => [one.id, one.dependencies]),
  )
  const ids = [...new Set([...locked.keys(), ...Object.keys(folders)])].sort()
  return ids.flatMap((id) => {
    const before = locked.get(id)
    const after = Object.hasOwn(folders, id) ? folders[id] : undefined
    if (shared && (before === undefined || after === undefined)) return []
    if (before === undefined) return [`the folder of ${id} is not in the lock`]
    if (after === undefined) return [`the folder of ${id} is gone`]
    return differences(before, after, (needed, was, is) => {
      if (was === undefined) return `${id} requires ${needed} ${is}, which is not in the lock`
      if (is === undefined) return `${id} no longer requires ${needed}`
      return `${id} requires ${needed} ${is} now, and ${was} in the lock`
    })
  })
}

function differences(
  before: Texts,
  after: Texts,
  show: (key: string, before: string | undefined, after: string | undefined) => string,
): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => {
    const [was, is] = [own(before, key), own(after, key)]
    return was === is ? [] : [show(key, was, is)]
  })
}

function own(texts: Texts, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined
}

function ordered(texts: Texts): [string, string][] {
  return Object.entries(texts).sort(byKey)
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

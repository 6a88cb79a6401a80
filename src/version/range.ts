import SemVerRange from 'semver/classes/range.js'
import { badInput } from '../core/error.ts'
import type { Version } from './version.ts'

/** A set of versions as node-semver writes it: `^1.28`, `>=1.7.0 <2.0.0`, `1.x || 2.x`. */
export interface Range {
  /** As the author wrote it. */
  readonly text: string
  /** By node-semver's rule: a prerelease only where the range names one of the same x.y.z. */
  includes(version: Version): boolean
}

/** Characters: node-semver's own limit for one version, and generous for a range. */
const longest = 256

/** @throws RANGE_INVALID */
export function parseRange(text: string): Range {
  const range = rangeOf(text)
  if (range === undefined)
    throw badInput('RANGE_INVALID', `${JSON.stringify(text.slice(0, 200))} is not a version range`, {
      hint: text.trim() === '' ? 'Write * for any version.' : rangeHint,
    })
  return range
}

export const rangeHint = 'Write a range such as ^1.28.0, >=1.7.0 <2.0.0, 1.x or *.'

/** The range, or undefined where `parseRange` would throw. */
export function rangeOf(text: string): Range | undefined {
  if (text.length > longest || text.trim() === '') return undefined
  try {
    const range = new SemVerRange(text)
    return { text, includes: (version) => range.test(version.version) }
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

import type { SemVer } from 'semver'
import compare from 'semver/functions/compare.js'
import parse from 'semver/functions/parse.js'
import { badInput, type SlipwayError } from '../core/error.ts'

/** A full semantic version (semver 2.0.0) without build metadata; `version` is its text. */
export type Version = Readonly<Pick<SemVer, 'version' | 'major' | 'minor' | 'patch'>> & {
  readonly prerelease: readonly (string | number)[]
}

/** Characters: an OCI tag has at most 128, and some kinds put a `v` before the version. */
const longest = 127

/** `x.y.z[-pre]`, for JSON schemas; `parseVersion` is stricter about length and size of numbers. */
export const versionPattern =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?$/

/**
 * Reads `x.y.z[-pre]`, nothing more lenient: what is published must read back as the same text.
 * @throws VERSION_BUILD_METADATA for `+build`, which no OCI tag can hold
 * @throws VERSION_INVALID
 */
export function parseVersion(text: string): Version {
  const version = versionOf(text)
  if (version === undefined) throw explain(text)
  return version
}

/** The version, or undefined where `parseVersion` would throw: for tags of a registry, which may be anything. */
export function versionOf(text: string): Version | undefined {
  if (text.length > longest || !versionPattern.test(text)) return undefined
  return parse(text) ?? undefined
}

/** Precedence of semver 2.0.0 section 11: negative when `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  return compare(a as SemVer, b as SemVer)
}

export function isPrerelease(version: Version): boolean {
  return version.prerelease.length > 0
}

function explain(text: string): SlipwayError {
  const shown = JSON.stringify(text.slice(0, 200))
  const plus = text.indexOf('+')
  if (plus > 0 && versionOf(text.slice(0, plus)) !== undefined)
    return badInput(
      'VERSION_BUILD_METADATA',
      `Version ${shown} has build metadata, which no OCI tag can hold`,
      {
        hint: `Leave out "${text.slice(plus, plus + 100)}", or make it a prerelease with "-".`,
      },
    )
  const message = `${shown} is not a full semantic version`
  return badInput('VERSION_INVALID', message, { hint: hintFor(text) })
}

function hintFor(text: string): string {
  if (text.length > longest) return `A version has at most ${longest} characters.`
  const trimmed = text.trim().replace(/^[vV=]\s*/, '')
  if (versionOf(trimmed) !== undefined) return `Write ${trimmed}.`
  const short = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(trimmed)
  if (short) return `Write all three numbers: ${Number(short[1])}.${Number(short[2] ?? 0)}.0.`
  if (/(^|\.)0\d/.test(trimmed)) return 'Numbers have no leading zeros.'
  return 'Write major.minor.patch and perhaps a prerelease, such as 1.28.0 or 1.28.0-rc.1.'
}

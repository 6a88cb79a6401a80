import { compareVersions, type Version, versionOf } from './version.ts'

/** How versions stand in a repository's tags: `1.28.0`, or `v1.28.0` for core and platform. */
export type VersionPrefix = '' | 'v'

/** The version a tag of this form stands for; a moving `1` or `1.28` is none. */
export function versionIn(tag: string, prefix: VersionPrefix): Version | undefined {
  return tag.startsWith(prefix) ? versionOf(tag.slice(prefix.length)) : undefined
}

/** Whether a tag is a full version in either form. */
export function isVersionTag(tag: string): boolean {
  return anyVersion(tag) !== undefined
}

/** Order by version, the lowest first; tags that are no versions come before all. */
export function compareTags(a: string, b: string): number {
  const [one, other] = [anyVersion(a), anyVersion(b)]
  if (one === undefined || other === undefined) return Number(one !== undefined) - Number(other !== undefined)
  return compareVersions(one, other)
}

/** Of version tags with the highest first: the highest stable version, else the highest of all. */
export function highestTag<T extends string>(versions: readonly T[]): T | undefined {
  return versions.find((tag) => !tag.includes('-')) ?? versions[0]
}

function anyVersion(tag: string): Version | undefined {
  return versionIn(tag, '') ?? versionIn(tag, 'v')
}

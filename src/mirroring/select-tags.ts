import type { Tag } from '../oci/reference.ts'
import { compareVersions, isPrerelease, type Version } from '../version/version.ts'
import { includes, setOf, withPrereleases } from '../version/version-set.ts'
import { versionIn } from '../version/version-tag.ts'
import { patternOf } from './pattern.ts'
import type { TagFilter } from './rule.ts'

/** What a filter takes of one repository, and which of its parts found something. */
export interface SelectedTags {
  readonly tags: readonly Tag[]
  /** `semver`, and each text of `match` and `exclude`, that something met. */
  readonly used: ReadonlySet<string>
}

/** Tags that belong to another manifest: cosign's, and those that stand in for the referrers API. */
const attached = /^sha(?:256|384|512)-[0-9a-f]{64,128}(?:\.(?:sig|att|sbom))?$/

/** Whether a tag travels with the manifest it names instead of on its own. */
export function isAttached(tag: string): boolean {
  return attached.test(tag)
}

/** The tags that every given part of a filter takes, in the order of the list. @throws RANGE_INVALID */
export function selectTags(tags: Iterable<Tag>, filter: TagFilter): SelectedTags {
  const used = new Set<string>()
  const accepts = (texts: readonly string[], tag: Tag) => {
    const found = texts.filter((text) => patternOf(text)?.matches(tag) === true)
    for (const text of found) used.add(text)
    return found.length > 0
  }
  const versioned = versionFilter(filter)
  const taken: { readonly tag: Tag; readonly version: Version | undefined }[] = []
  for (const tag of tags) {
    if (isAttached(tag)) continue
    const version = versionIn(tag, '') ?? versionIn(tag, 'v')
    if (versioned !== undefined && (version === undefined || !versioned(version))) continue
    if (filter.semver !== undefined) used.add('semver')
    // Both lists are read to the end, so that each of their patterns is known to match something or nothing.
    const matched = filter.match === undefined || accepts(filter.match, tag)
    const excluded = filter.exclude !== undefined && accepts(filter.exclude, tag)
    if (matched && !excluded) taken.push({ tag, version })
  }
  if (filter.newest === undefined) return { tags: taken.map((one) => one.tag), used }
  const newest = new Set(
    [false, true].flatMap((prereleases) =>
      taken
        .flatMap(({ version, tag }) => (version === undefined ? [] : [{ version, tag }]))
        .filter(({ version }) => isPrerelease(version) === prereleases)
        .sort((a, b) => compareVersions(b.version, a.version))
        .slice(0, filter.newest)
        .map((one) => one.tag),
    ),
  )
  return { tags: taken.map((one) => one.tag).filter((tag) => newest.has(tag)), used }
}

/** Whether a version may travel; undefined where tags need not be versions. */
function versionFilter({ semver, newest, prereleases = false }: TagFilter) {
  if (semver === undefined && newest === undefined) return undefined
  if (semver === undefined) return (version: Version) => prereleases || !isPrerelease(version)
  const range = prereleases ? withPrereleases(setOf(semver)) : setOf(semver)
  return (version: Version) => includes(range, version)
}

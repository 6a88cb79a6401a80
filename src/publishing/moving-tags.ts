import { SlipwayError } from '../core/error.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call, Store } from '../store/store.ts'
import { compareVersions, isPrerelease, type Version } from '../version/version.ts'
import { type VersionPrefix, versionIn } from '../version/version-tag.ts'

export type { VersionPrefix } from '../version/version-tag.ts'

/** Which moving tags a repository keeps: `latest`, `{major}` (1), `{major}.{minor}` (1.28). */
export type Moving = 'latest' | 'major' | 'minor'

export interface MovedTag {
  readonly tag: Tag
  /** The version tag it points to now. */
  readonly to: Tag
}

export interface MovingOptions {
  readonly moving: readonly Moving[]
  readonly prefix: VersionPrefix
  /** Milliseconds since some fixed moment. */
  readonly now: () => number
}

/** Every tag of a repository, and when it was asked for. */
export interface Listing {
  readonly tags: Set<Tag>
  readonly at: number
}

/**
 * Milliseconds for which a listing may start moving tags: a stale one could move them back until the next
 * listing repairs that.
 */
const fresh = 1000

/** How often moving tags are listed and repaired before giving up on ever finding the registry quiet. */
const rounds = 50

/**
 * Where each moving tag belongs, given all tags: at the highest stable version it covers. Only full
 * versions of the repository's own form count, so a moving `1` is never read as 1.0.0.
 */
export function aims(
  tags: Iterable<string>,
  moving: readonly Moving[],
  prefix: VersionPrefix,
): Map<Tag, Tag> {
  const highest = new Map<Tag, { tag: Tag; version: Version }>()
  for (const tag of tags) {
    const version = versionIn(tag, prefix)
    if (version === undefined || isPrerelease(version)) continue
    for (const name of moving) {
      const key = movingTag(name, version, prefix)
      const before = highest.get(key)
      if (before === undefined || compareVersions(version, before.version) > 0)
        highest.set(key, { tag: tag as Tag, version })
    }
  }
  return new Map([...highest].map(([key, { tag }]) => [key, tag]))
}

export async function listTags(store: Store, now: () => number, call?: Call): Promise<Listing> {
  const at = now()
  const tags = new Set<Tag>()
  for await (const tag of store.tags(call)) tags.add(tag)
  return { tags, at }
}

/**
 * Lists, moves, lists again and repairs until a listing after the last move asks for nothing. Registries
 * have no compare-and-swap; but since everyone lists *after* moving, whoever moves last sees every version
 * that was tagged before, so the tags are right once all releasers have ended.
 * @param known the artifact just published under its version's tag: spares fetching it again
 * @param before a listing from before that; spares the first one while it is fresh
 * @throws TAGS_NOT_QUIET
 */
export async function moveTags(
  store: Store,
  options: MovingOptions,
  known: { readonly tag: Tag; readonly artifact: Encoded } | undefined,
  before?: Listing,
  call?: Call,
): Promise<MovedTag[]> {
  const { moving, prefix, now } = options
  if (moving.length === 0) return []
  /** What this run has put where; a later listing that still wants it needs no second look. */
  const put = new Map<Tag, Tag>()
  let listing = before !== undefined && now() - before.at < fresh ? before : await listTags(store, now, call)
  for (let round = 0; round < rounds; round++) {
    const moved = await moveOnce(listing)
    if (!moved && listing !== before) return [...put].map(([tag, to]) => ({ tag, to }))
    listing = await listTags(store, now, call)
  }
  throw new SlipwayError(
    'TAGS_NOT_QUIET',
    `${store.name}: versions kept arriving while ${moving.join(', ')} moved`,
    { hint: 'The release itself is published. Run the same command again once other releases have ended.' },
  )

  /**
   * A tag that is listed without a manifest is no version to point at, in this round: registries list a tag
   * a moment before it can be read, and so the next listing asks for it again.
   * @returns whether a tag was written
   */
  async function moveOnce({ tags }: Listing): Promise<boolean> {
    // A listing may lag behind the tag this run has just set.
    const versions = new Set(known === undefined ? tags : [...tags, known.tag])
    let moved = false
    for (;;) {
      const next = [...aims(versions, moving, prefix)].find(([tag, version]) => put.get(tag) !== version)
      if (next === undefined) return moved
      const [tag, version] = next
      const artifact = version === known?.tag ? known.artifact : await store.manifest(version, call)
      if (artifact === undefined) {
        versions.delete(version)
        continue
      }
      const current = tags.has(tag) ? await store.resolve(tag, call) : undefined
      put.set(tag, version)
      if (current?.digest === artifact.descriptor.digest) continue
      await store.tag(artifact, [tag], call)
      moved = true
    }
  }
}

function movingTag(name: Moving, version: Version, prefix: VersionPrefix): Tag {
  if (name === 'latest') return 'latest' as Tag
  return `${prefix}${version.major}${name === 'minor' ? `.${version.minor}` : ''}` as Tag
}

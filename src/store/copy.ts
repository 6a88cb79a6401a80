import { onSide } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Encoded } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import { GraphCopy, type SkippedReferrer } from './copy-graph.ts'
import { copyReferrers, hasNoReferrers } from './copy-referrers.ts'
import type { Counts } from './copy-tally.ts'
import { unknown } from './rules.ts'
import type { Call, ReadableStore, Store } from './store.ts'

export type { SkippedReferrer } from './copy-graph.ts'
export type { Counts } from './copy-tally.ts'

export interface CopyOptions extends Call {
  /**
   * Also everything whose subject is the root or a manifest below it, and their referrers in turn; or only
   * those with one of these artifactTypes.
   */
  readonly referrers?: boolean | readonly string[]
  /** The root, where it was read already. */
  readonly manifest?: Encoded
  /** Every tag of a side a moment ago, listed with `fallback`: spares asking for lists that do not exist. */
  readonly sourceTags?: ReadonlySet<string>
  readonly destinationTags?: ReadonlySet<string>
  /** Referrers that nothing refers to, so that nobody asks once they are listed at the destination. */
  readonly unreferred?: (referrer: Descriptor) => boolean
  /** Gives each blob its turn among those of other copies. */
  readonly turn?: Turn
  /** Tags that point at the root once all of it has arrived. */
  readonly tags?: readonly Tag[]
  /** Runs before the tags point at the root, with the referrers that are at the destination by then, if any. */
  readonly beforeTags?: (referrers: readonly Descriptor[]) => Promise<void>
  /** Blobs and manifests in flight, together; default 16. */
  readonly concurrency?: number
  /**
   * `quick` (default): a manifest that is at the destination has its children there too, since none is taken
   * without them. `deep` asks for every child and repairs what is missing. `new` is for a destination that is
   * known to have no manifest at all: nobody asks for one.
   */
  readonly check?: 'quick' | 'deep' | 'new'
  /** Manifests of one graph with its referrers; default 10,000, so that a hostile graph ends. */
  readonly maxManifests?: number
  /** Blobs of one graph with its referrers; default 100,000. */
  readonly maxBlobs?: number
  /** Called with the number of bytes just read for the destination; a part sent again counts again. */
  readonly onProgress?: (bytes: number) => void
}

/** Runs the work on a blob when its time has come. */
export type Turn = <T>(content: Descriptor, work: () => Promise<T>) => Promise<T>

/** What moved. Children of a manifest that was present already were not looked at and are not counted. */
export interface CopyResult {
  readonly root: Descriptor
  readonly blobs: Counts
  readonly manifests: Counts
  /** Bytes of blobs and manifests. */
  readonly bytes: Counts
  /** Every referrer that is at the destination now. */
  readonly referrers: readonly Descriptor[]
  /** Referrers that the source lists but does not have, or that refer to something else. */
  readonly skipped: readonly SkippedReferrer[]
}

/**
 * Copies a graph by digest: blobs, then manifests from the leaves up, then referrers, tags last. Killed
 * anywhere it leaves no tag on an incomplete graph, and run again it moves only what is missing. Blobs that
 * are present or can be mounted are never opened at the source. Foreign layers are left where their `urls`
 * point.
 * @throws MANIFEST_UNKNOWN, BLOB_UNKNOWN with side `source`, GRAPH_TOO_LARGE, GRAPH_TOO_DEEP, and whatever the
 *   stores throw, with the side on which it happened
 */
export async function copy(
  from: ReadableStore,
  root: Descriptor,
  to: Store,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const { tags = [] } = options
  const wanted = options.referrers !== undefined && options.referrers !== false
  const graph: GraphCopy = new GraphCopy(from, to, options, {
    root,
    // Nothing comes between a manifest that nothing refers to and its tags: one request does both.
    direct: async () => tags.length > 0 && (!wanted || (await hasNoReferrers(graph, root))),
  })
  if (isManifestType(root.mediaType)) await graph.manifest(root)
  else await graph.blob(root)
  const referrers = wanted ? await copyReferrers(graph, root) : []
  if (referrers.length > 0) await options.beforeTags?.(referrers)
  if (tags.length > 0 && !graph.tagged) await setTags(graph, root, tags)
  return { root, ...graph.tally.result(), referrers, skipped: graph.skipped }
}

/**
 * Copies what refers to a graph that is at the destination already, and what refers to that in turn.
 * @throws as `copy`
 */
export async function copyReferrersOf(
  from: ReadableStore,
  root: Descriptor,
  to: Store,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const graph = new GraphCopy(from, to, options, { root, direct: async () => false })
  graph.tally.note(root, 'present')
  const referrers = await copyReferrers(graph, root)
  return { root, ...graph.tally.result(), referrers, skipped: graph.skipped }
}

async function setTags(graph: GraphCopy, root: Descriptor, tags: readonly Tag[]): Promise<void> {
  const manifest = await graph.load(root)
  if (manifest === undefined) throw onSide('source', unknown(root, graph.from.name))
  await graph.request('destination', () => graph.to.tag(manifest, tags, graph.call))
}

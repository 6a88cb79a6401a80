import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, children, type Encoded } from '../oci/manifest.ts'
import { isIndexType, isManifestType, mediaType } from '../oci/media-type.ts'
import type { GraphCopy, SkippedReferrer } from './copy-graph.ts'

/** Referrers of one subject; signatures, SBOMs and reports are a handful. */
const maxReferrers = 10_000

/** Whether nothing in the graph at the source has a referrer that is wanted. */
export async function hasNoReferrers(graph: GraphCopy, root: Descriptor): Promise<boolean> {
  const level = await withBelow(graph, [root], new Map())
  const listed = await mapConcurrent(level, graph.concurrency, (one) => wantedAt(graph, one))
  return listed.every((some) => some.length === 0)
}

interface Listed {
  readonly subject: Descriptor
  readonly referrer: Descriptor
  /** The destination lists it too. */
  readonly there: boolean
}

/**
 * Brings every referrer of every manifest in the graph, and theirs in turn, level by level. Each subject is
 * asked for once, so that a ring of subjects ends.
 * @returns the referrers that are at the destination now
 */
export async function copyReferrers(graph: GraphCopy, root: Descriptor): Promise<Descriptor[]> {
  const seen = new Map<Digest, Descriptor>()
  const found = new Map<Digest, Descriptor>()
  let level = await withBelow(graph, [root], seen)
  while (level.length > 0) {
    const listed = (await mapConcurrent(level, graph.concurrency, (one) => listedBy(graph, one))).flat()
    graph.boundManifests(seen.size + listed.length)
    const brought = await mapConcurrent(listed, graph.concurrency, (one) => bring(graph, one))
    const arrived = brought.filter((one) => one !== undefined)
    for (const one of arrived) found.set(one.digest, one)
    const settled = new Set(
      listed.filter((one) => one.there && isLast(graph, one)).map(({ referrer }) => referrer),
    )
    level = await withBelow(
      graph,
      arrived.filter((one) => !settled.has(one)),
      seen,
    )
  }
  return [...found.values()]
}

/** The manifests not seen yet, with those below the indexes among them: signatures hang on platforms too. */
async function withBelow(
  graph: GraphCopy,
  roots: readonly Descriptor[],
  seen: Map<Digest, Descriptor>,
): Promise<Descriptor[]> {
  const fresh: Descriptor[] = []
  const open = [...roots]
  for (let one = open.shift(); one !== undefined; one = open.shift()) {
    if (!isManifestType(one.mediaType) || seen.has(one.digest)) continue
    seen.set(one.digest, one)
    graph.boundManifests(seen.size)
    fresh.push(one)
    if (!isIndexType(one.mediaType)) continue
    const index = await graph.load(one)
    if (index !== undefined) open.push(...children(index.manifest))
  }
  return fresh
}

/** What the source lists for one subject, and whether the destination lists it already. */
async function listedBy(graph: GraphCopy, subject: Descriptor): Promise<Listed[]> {
  const listed = await wantedAt(graph, subject)
  if (listed.length === 0) return []
  const there = new Set((await list(graph, 'destination', subject)).map((one) => one.digest))
  return listed.map((referrer) => ({ subject, referrer, there: there.has(referrer.digest) }))
}

/** What the source lists for a subject, of the artifactTypes that are wanted. */
function wantedAt(graph: GraphCopy, subject: Descriptor): Promise<readonly Descriptor[]> {
  const known = graph.listings.get(subject.digest)
  if (known !== undefined) return known
  const listing = (async () => {
    const all = await list(graph, 'source', subject)
    const { referrers } = graph.options
    if (!Array.isArray(referrers)) return all
    const types = await mapConcurrent(all, graph.concurrency, async (one) => {
      // cosign lists its bundles in fallback tags under the type of their empty config.
      if (one.artifactType !== undefined && one.artifactType !== mediaType.empty) return one.artifactType
      const manifest = await graph.load(one)
      return manifest === undefined ? undefined : artifactTypeOf(manifest.manifest)
    })
    return all.filter((_, at) => referrers.includes(types[at]))
  })()
  graph.listings.set(subject.digest, listing)
  return listing
}

function isLast(graph: GraphCopy, { referrer }: Listed): boolean {
  return !graph.deep && graph.options.unreferred?.(referrer) === true
}

async function bring(
  graph: GraphCopy,
  { subject, referrer, there }: Listed,
): Promise<Descriptor | undefined> {
  if (there && !graph.deep) {
    graph.tally.note(referrer, 'present')
    return referrer
  }
  const manifest = await graph.load(referrer)
  const fault = faultOf(manifest, subject)
  if (manifest === undefined || fault !== undefined) {
    graph.skipped.push({ descriptor: referrer, reason: fault ?? 'missing at the source' })
    return undefined
  }
  await graph.referrer(manifest)
  return referrer
}

/** Lists kept under a fallback tag go stale, and a hostile registry can list anything. */
function faultOf(manifest: Encoded | undefined, subject: Descriptor): SkippedReferrer['reason'] | undefined {
  if (manifest === undefined) return 'missing at the source'
  return manifest.manifest.subject?.digest === subject.digest ? undefined : 'has another subject'
}

function list(graph: GraphCopy, side: 'source' | 'destination', subject: Descriptor): Promise<Descriptor[]> {
  const store = side === 'source' ? graph.from : graph.to
  const tags = side === 'source' ? graph.options.sourceTags : graph.options.destinationTags
  return graph.request(side, async () => {
    const listed: Descriptor[] = []
    for await (const one of store.referrers(subject, {
      ...graph.call,
      ...(tags === undefined ? {} : { tags }),
    })) {
      if (listed.length === maxReferrers)
        throw new SlipwayError(
          'GRAPH_TOO_LARGE',
          `${store.name}@${subject.digest} has more than ${maxReferrers} referrers`,
          {
            hint: 'It is damaged or hostile.',
          },
        )
      listed.push(one)
    }
    return listed
  })
}

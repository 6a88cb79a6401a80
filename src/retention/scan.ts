import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, type Encoded, isIndex } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import { type Inventory, type InventoryEntry, untaggedType } from '../store/inventory.ts'
import type { Call, ReadableStore } from '../store/store.ts'
import type { FirstSeen } from './seen.ts'
import { type Held, type Snapshot, subjectOfTag } from './snapshot.ts'

export interface ScanOptions extends Call {
  /** Where ages come from when the registry tells none. */
  readonly seen?: FirstSeen
  /** Requests at once. */
  readonly concurrency: number
}

/** Manifests of one repository; a hostile one ends here. */
const most = 200_000

/**
 * Everything of one repository that a decision rests on, or an error: half of it would make the other half look
 * as if nothing needed it.
 * @throws what store and inventory throw, MANIFEST_UNKNOWN for an entry without a manifest, GRAPH_TOO_LARGE
 */
export async function takeSnapshot(
  repository: string,
  store: ReadableStore,
  inventory: Inventory,
  options: ScanOptions,
): Promise<Snapshot> {
  const { signal, concurrency, seen } = options
  const call = signal === undefined ? {} : { signal }
  const entries = new Map<Digest, InventoryEntry>()
  const tags = new Map<Tag, Digest>()
  for await (const entry of inventory.entries(call)) {
    entries.set(entry.digest, entry)
    for (const tag of entry.tags) tags.set(tag, entry.digest)
  }
  const manifests = new Map<Digest, Held>()
  const asked = new Set<Digest>()
  const subjects = [...tags.keys()].flatMap((tag) => subjectOfTag(tag) ?? [])
  for (let wave = [...new Set([...entries.keys(), ...subjects])]; wave.length > 0; ) {
    for (const digest of wave) asked.add(digest)
    if (asked.size > most)
      throw new SlipwayError('GRAPH_TOO_LARGE', `${store.name} holds more than ${most} manifests`, {
        hint: 'Nothing of it is deleted.',
      })
    const found = await mapConcurrent(wave, concurrency, async (digest) => {
      const encoded = await store.manifest(digest, call)
      const entry = entries.get(digest)
      if (encoded === undefined && entry !== undefined) throw ghost(store, entry)
      if (encoded === undefined) return []
      const held = heldOf(
        digest,
        encoded,
        entry,
        // With the host: what one registry has had for long may be new in another.
        seen && ((one) => seen.writtenAt(store.name, one.digest, one.tags)),
      )
      manifests.set(digest, held)
      const next = [...childrenOf(encoded), ...(held.subject === undefined ? [] : [held.subject])]
      if (!inventory.can.listReferrers)
        for await (const one of store.referrers(encoded.descriptor, call)) next.push(one.digest)
      return next
    })
    wave = [...new Set(found.flat())].filter((digest) => !asked.has(digest))
  }
  // Only what is here: an index may name platforms that nobody copied.
  for (const [digest, held] of manifests)
    manifests.set(digest, { ...held, children: held.children.filter((one) => manifests.has(one)) })
  return { repository, can: inventory.can, manifests, tags }
}

function heldOf(
  digest: Digest,
  encoded: Encoded,
  entry: InventoryEntry | undefined,
  firstSeen: ((entry: InventoryEntry) => number) | undefined,
): Held {
  const subject = encoded.manifest.subject?.digest
  const writtenAt = entry && (entry.pushedAt?.getTime() ?? firstSeen?.(entry))
  return {
    digest,
    mediaType: encoded.manifest.mediaType,
    size: encoded.bytes.byteLength,
    children: childrenOf(encoded),
    listed: entry !== undefined,
    ...(subject === undefined ? {} : { subject }),
    ...(writtenAt === undefined ? {} : { writtenAt }),
    ...(entry?.pulledAt === undefined ? {} : { pulledAt: entry.pulledAt.getTime() }),
    ...(entry?.undeletable === undefined ? {} : { undeletable: entry.undeletable }),
    ...(artifactTypeOf(encoded.manifest) === untaggedType ? { leftover: true as const } : {}),
  }
}

/** Blobs are the registry's own business: it collects those that no manifest names. */
function childrenOf({ manifest }: Encoded): Digest[] {
  if (!isIndex(manifest)) return []
  return manifest.manifests.filter((one) => isManifestType(one.mediaType)).map((one) => one.digest)
}

function ghost(store: ReadableStore, { digest, tags }: InventoryEntry): SlipwayError {
  const named = tags.length === 0 ? '' : ` (${tags.join(', ')})`
  return new SlipwayError(
    'MANIFEST_UNKNOWN',
    `${store.name}@${digest}${named}: it is listed, but not there`,
    {
      hint: 'The registry is damaged, or somebody deleted it just now; nothing of this repository is deleted.',
    },
  )
}

import { hasCode, SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { encode, type ImageIndex, isIndex } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { referrersTag } from '../oci/reference.ts'
import type { Call } from '../store/store.ts'
import { getManifest, putManifest, resolveManifest } from './manifests.ts'
import type { Repository } from './repository.ts'

/** Writers of other processes that may each take the tag in between before we give up. */
const rounds = 12
/** Milliseconds; the upper bound of the wait before the index is read again. */
const settle = 40
/** Registries without `If-Match` cannot lock a tag: entries that wait for one write, per index. */
const waiting = new WeakMap<Repository, Map<string, Map<string, Descriptor>>>()

/** The index under the fallback tag; undefined where there is none (distribution spec, "Referrers Tag Schema"). */
export async function readFallback(
  repository: Repository,
  subject: Descriptor,
  call: Call,
): Promise<ImageIndex | undefined> {
  const found = await getManifest(repository, referrersTag(subject.digest), call)
  // GitLab reads the tag as the digest it is made of and answers with the subject itself.
  if (found === undefined || found.descriptor.digest === subject.digest) return undefined
  return isIndex(found.manifest) ? found.manifest : undefined
}

/**
 * Adds a referrer to the index under its subject's fallback tag. Exact within one process; across processes
 * the index is read again after a random wait and repaired until the entry stays. Another process that read
 * before our write and writes after our last look can still drop it: registries offer no compare-and-swap.
 * @throws REFERRERS_UNSUPPORTED where the tag cannot hold an index
 */
export async function addToFallback(
  repository: Repository,
  subject: Descriptor,
  referrer: Descriptor,
  call: Call,
): Promise<void> {
  const tag = referrersTag(subject.digest)
  const queues = waiting.get(repository) ?? new Map<string, Map<string, Descriptor>>()
  waiting.set(repository, queues)
  const queue = queues.get(tag) ?? new Map<string, Descriptor>()
  queues.set(tag, queue)
  queue.set(referrer.digest, referrer)
  await repository.endpoint.serial.run(`${repository.path}:${tag}`, async () => {
    // Whoever comes first writes for all that wait; the others find themselves listed.
    const batch = queues.get(tag) ?? new Map<string, Descriptor>()
    queues.delete(tag)
    batch.set(referrer.digest, referrer)
    await converge(repository, subject, batch, call)
  })
}

async function converge(
  repository: Repository,
  subject: Descriptor,
  wanted: ReadonlyMap<string, Descriptor>,
  call: Call,
): Promise<void> {
  const { clock } = repository.endpoint
  const tag = referrersTag(subject.digest)
  let wrote = false
  for (let round = 1; round <= rounds; round++) {
    const index = (await readFallback(repository, subject, call)) ?? emptyIndex
    const listed = new Set(index.manifests.map((one) => one.digest))
    const lacking = [...wanted.values()].filter((one) => !listed.has(one.digest))
    if (lacking.length === 0) return
    if (wrote && round > 2 && index === emptyIndex) break
    await write(repository, subject, { ...index, manifests: [...index.manifests, ...lacking] }, call)
    wrote = true
    await clock.sleep(settle * round * (0.25 + clock.random() * 0.75), call.signal)
  }
  throw new SlipwayError(
    'REFERRERS_UNSUPPORTED',
    `${repository.at(tag)}: the registry has no referrers API, and the tag that stands in for it does not keep what is written`,
    { hint: 'Either the registry cannot list referrers, or too many others write to this tag; try again.' },
  )
}

async function write(
  repository: Repository,
  subject: Descriptor,
  index: ImageIndex,
  call: Call,
): Promise<void> {
  const tag = referrersTag(subject.digest)
  try {
    await putManifest(repository, encode(index), tag, call)
  } catch (error) {
    if (hasCode(error, 'TAG_IMMUTABLE'))
      throw new SlipwayError('TAG_IMMUTABLE', error.message, {
        hint: 'Without a referrers API this tag must be able to change: exempt sha256-* from the rule.',
        exit: error.exit,
        cause: error,
      })
    if (!hasCode(error, 'MANIFEST_BLOB_UNKNOWN')) throw error
    // Entries whose manifest was deleted make some registries refuse the whole index.
    const present = []
    for (const one of index.manifests)
      if ((await resolveManifest(repository, one.digest, call)) !== undefined) present.push(one)
    if (present.length === index.manifests.length) throw error
    await putManifest(repository, encode({ ...index, manifests: present }), tag, call)
  }
}

const emptyIndex: ImageIndex = { schemaVersion: 2, mediaType: mediaType.index, manifests: [] }

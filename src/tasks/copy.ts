import { badInput, onSide } from '../core/error.ts'
import { attachedTags, bringAttached, hasAttachedTags, withManifestsBelow } from '../mirroring/attached.ts'
import { Sums, showSkipped } from '../mirroring/outcome.ts'
import { select } from '../mirroring/platforms.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { parseTag } from '../oci/reference.ts'
import { type Address, showAddress } from '../store/address.ts'
import { type Counts, copy as copyGraph } from '../store/copy.ts'
import type { Store } from '../store/store.ts'
import type { Context } from './context.ts'

export interface CopyTaskOptions {
  /** One artifact, image or index; without tag and digest `latest`. */
  readonly source: Address
  /** Where it goes; without a tag it gets the source's, and none where the source names only a digest. */
  readonly destination: Address
  /** As in `mirror.yaml`. */
  readonly referrers: boolean | readonly string[]
  readonly platforms?: readonly string[]
  /** Requests in flight to one host. */
  readonly concurrency: number
}

export interface CopyTaskResult {
  readonly source: string
  readonly destination: string
  /** Of what was copied: with a choice of platforms another one than the source's. */
  readonly digest: Digest
  readonly mediaType: string
  readonly blobs: Counts
  readonly manifests: Counts
  readonly bytes: Counts
  /** Referrers that are at the destination now. */
  readonly referrers: number
  /** cosign's tags that came along. */
  readonly signatures: readonly Tag[]
  readonly milliseconds: number
}

/**
 * Copies one reference with everything below it and about it; its tag comes last.
 * @throws REFERENCE_UNKNOWN, ADDRESS_INVALID, MIRROR_PLATFORM_MISSING and what copying throws
 */
export async function copyReference(options: CopyTaskOptions, context: Context): Promise<CopyTaskResult> {
  const { source, destination, referrers, platforms, concurrency } = options
  const { signal, clock } = context
  const start = clock.now()
  const destinationName = showAddress(destination)
  if (destination.digest !== undefined)
    throw badInput('ADDRESS_INVALID', `${destinationName} names a digest, which the content decides`, {
      hint: 'Leave the digest out, and name a tag if you like.',
    })
  const reference = source.digest ?? source.tag ?? parseTag('latest')
  const tag =
    destination.tag ?? (source.digest === undefined ? (source.tag ?? parseTag('latest')) : source.tag)
  const from = (await context.open(source)).repository(source.repository)
  const target = await context.open(destination)
  const to = target.repository(destination.repository)
  const found = await from.manifest(reference, { signal }).catch((error: unknown) => {
    throw onSide('source', error)
  })
  if (found === undefined)
    throw badInput('REFERENCE_UNKNOWN', `${showAddress(source)} does not exist`, {
      hint: 'slipway tags shows what is there.',
    })
  const root = platforms === undefined ? found : select(found, platforms, showAddress(source))
  const changed = root.descriptor.digest !== found.descriptor.digest
  if (changed)
    context.report.emit({
      type: 'info',
      message: `An index of ${platforms?.join(', ')} was made; signatures of ${found.descriptor.digest} do not cover it`,
    })
  const sums = new Sums()
  const listed = referrers === false ? new Set<string>() : await tagsOf(from, signal)
  const common = { concurrency, signal, referrers, ...(referrers === false ? {} : { sourceTags: listed }) }
  const signatures = new Set<Tag>()
  const signed = hasAttachedTags(listed)
  const bring = async (one: Tag): Promise<readonly Digest[]> => {
    if (signatures.has(one)) return []
    signatures.add(one)
    const signature = await from.manifest(one, { signal })
    if (signature === undefined) return []
    const { descriptor } = signature
    const result = await copyGraph(from, descriptor, to, { ...common, manifest: signature, tags: [one] })
    sums.add(result)
    return [...(await below(descriptor, signature)), ...result.referrers.map(({ digest }) => digest)]
  }
  const below = (one: Descriptor, manifest: Encoded) =>
    withManifestsBelow(one, async (content) =>
      content.digest === one.digest ? manifest : from.manifest(content, { signal }),
    )
  const attached = async (about: readonly Digest[]) => {
    if (signed) await bringAttached(about, (digest) => attachedTags(digest, listed, referrers), bring)
  }
  await attached(signed ? await below(root.descriptor, root) : [])
  sums.add(
    await copyGraph(from, root.descriptor, to, {
      ...common,
      manifest: root,
      beforeTags: (all) => attached(all.map(({ digest }) => digest)),
      ...(tag === undefined ? {} : { tags: [tag] }),
    }),
  )
  const told = showSkipped(showAddress(source), sums.skipped)
  if (told !== undefined)
    context.report.emit({
      type: 'warning',
      code: 'MIRROR_REFERRER_SKIPPED',
      message: told,
      hint: 'Somebody deleted them and left the list; where they matter, publish them again.',
    })
  await target.finish()
  const { blobs, manifests, bytes } = sums
  return {
    source: showAddress(source),
    destination: showAddress({ ...destination, ...(tag === undefined ? {} : { tag }) }),
    digest: root.descriptor.digest,
    mediaType: root.descriptor.mediaType,
    blobs,
    manifests,
    bytes,
    referrers: sums.referrers.size,
    signatures: [...signatures],
    milliseconds: clock.now() - start,
  }
}

async function tagsOf(from: Store, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return new Set<string>(await Array.fromAsync(from.tags({ signal, fallback: true })))
}

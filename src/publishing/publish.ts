import { hasCode, SlipwayError } from '../core/error.ts'
import { isKclPackage } from '../kcl/artifact.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { type CopyOptions, type CopyResult, copy } from '../store/copy.ts'
import type { Call, ReadableStore, Store } from '../store/store.ts'
import { listTags, type MovedTag, type MovingOptions, moveTags } from './moving-tags.ts'
import { judge, sameContent, type Verdict } from './overwrite.ts'
import { readBack } from './read-back.ts'

export interface PublishOptions extends MovingOptions {
  /** The exact tag; set after everything else is proved to be there. */
  readonly tag: Tag
  readonly allowOverwrite: boolean
  /** Blobs and manifests in flight. */
  readonly concurrency?: number
  readonly onProgress?: (bytes: number) => void
}

export interface Published {
  readonly outcome: 'published' | 'unchanged' | 'overwritten'
  /** What the exact tag points to: for `unchanged`, the manifest that was there. */
  readonly artifact: Encoded
  readonly moved: readonly MovedTag[]
  /** Undefined where nothing had to be copied. */
  readonly copied?: CopyResult
}

/**
 * Publishes one artifact from a stage to one repository: overwrite rule, copy by digest with referrers,
 * read back, exact tag, moving tags. A run that was killed anywhere is completed by running it again.
 * @throws TAG_EXISTS, READ_BACK_FAILED, TAGS_NOT_QUIET and whatever the stores throw
 */
export async function publish(
  from: ReadableStore,
  artifact: Encoded,
  to: Store,
  asked: PublishOptions,
  call: Call = {},
): Promise<Published> {
  const options = isKclPackage(artifact.manifest) ? { ...asked, moving: [] } : asked
  const place = { store: to, tag: options.tag, allowOverwrite: options.allowOverwrite }
  // One listing tells whether the tag, and whether the repository, exists, and starts the moving tags.
  const before = options.moving.length === 0 ? undefined : await listTags(to, options.now, call)
  const existing = before?.tags.has(options.tag) === false ? undefined : await to.manifest(options.tag, call)
  const verdict = judge(existing, artifact, place)
  if (verdict === 'unchanged' && existing !== undefined) {
    const copied = await settle(from, artifact, existing, to, options, call)
    const known = { tag: options.tag, artifact: existing }
    const moved = await moveTags(to, options, known, before, call)
    return { outcome: 'unchanged', artifact: existing, moved, ...(copied === undefined ? {} : { copied }) }
  }
  const copied = await arrive(from, artifact, to, before?.tags.size === 0, options, call)
  const late = await raced(to, artifact, verdict, existing, options.tag, call)
  if (late === undefined) await to.tag(artifact, [options.tag], call)
  const standing = late ?? artifact
  const known = { tag: options.tag, artifact: standing }
  const moved = await moveTags(to, options, known, before, call)
  const outcome = late !== undefined ? 'unchanged' : verdict === 'overwrite' ? 'overwritten' : 'published'
  return { outcome, artifact: standing, moved, copied }
}

/** Copies, and proves that it is there. */
async function arrive(
  from: ReadableStore,
  artifact: Encoded,
  to: Store,
  empty: boolean,
  options: PublishOptions,
  call: Call,
): Promise<CopyResult> {
  const how = {
    ...call,
    referrers: true,
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  }
  const copied = await copy(from, artifact.descriptor, to, { ...how, ...(empty ? { check: 'new' } : {}) })
  return (await prove(from, artifact, to, artifact, how)) ?? copied
}

/**
 * Reads back what stands at the destination; what a registry lost is brought from the stage, once.
 * @returns the copy that was needed for that
 */
async function prove(
  from: ReadableStore,
  artifact: Encoded,
  to: Store,
  standing: Encoded,
  how: CopyOptions,
): Promise<CopyResult | undefined> {
  const call = how.signal === undefined ? {} : { signal: how.signal }
  try {
    await readBack(to, standing, call)
    return undefined
  } catch (error) {
    if (!hasCode(error, 'READ_BACK_FAILED')) throw error
    const repaired = await copy(from, artifact.descriptor, to, { ...how, check: 'deep' })
    await readBack(to, standing, call)
    return repaired
  }
}

/**
 * The same content stands under the tag. What refers to it may have come since (a signature), and a blob may
 * have been lost: both are brought.
 */
async function settle(
  from: ReadableStore,
  artifact: Encoded,
  existing: Encoded,
  to: Store,
  options: PublishOptions,
  call: Call,
): Promise<CopyResult | undefined> {
  if (existing.descriptor.digest === artifact.descriptor.digest)
    return await arrive(from, artifact, to, false, options, call)
  return await prove(from, artifact, to, existing, call)
}

/**
 * Copying takes time in which somebody else may have set the tag. One look right before writing narrows
 * that gap to a single request; what remains is said in docs/flow.md.
 * @returns the equal artifact that another release has tagged meanwhile
 */
async function raced(
  to: Store,
  artifact: Encoded,
  verdict: Verdict,
  before: Encoded | undefined,
  tag: Tag,
  call: Call,
): Promise<Encoded | undefined> {
  const now = await to.resolve(tag, call)
  if (
    now === undefined ||
    now.digest === before?.descriptor.digest ||
    now.digest === artifact.descriptor.digest
  )
    return undefined
  const standing = await to.manifest(now, call)
  if (standing !== undefined && sameContent(standing, artifact)) return standing
  if (verdict === 'overwrite') return undefined
  throw new SlipwayError(
    'TAG_CONTESTED',
    `${to.name}:${tag} was set to ${now.digest} by somebody else meanwhile`,
    {
      exit: 3,
      hint: 'Two releases of one version ran at once with different content. Find out which one is right.',
    },
  )
}

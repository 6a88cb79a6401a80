import { onSide, SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { type CopyOptions, copy, copyReferrersOf } from '../store/copy.ts'
import type { Store } from '../store/store.ts'
import { attachedTags, bringAttached, hasAttachedTags, isSignature, withManifestsBelow } from './attached.ts'
import type { Budget } from './budget.ts'
import type { Job } from './jobs.ts'
import { type MirrorFailure, mirrorFailure, type RepositoryOutcome, Sums } from './outcome.ts'
import { select } from './platforms.ts'
import { isAttached } from './select-tags.ts'

/** Both ends of a job, and what it shares with others. */
export interface Sides {
  readonly from: Store
  readonly to: Store
  /** The target's registry, by name. */
  readonly registry: string
  readonly budget: Budget
  readonly signal: AbortSignal
}

export type RepositoryResult = Omit<
  RepositoryOutcome,
  'mirror' | 'source' | 'target' | 'requests' | 'milliseconds'
>

interface Arrival {
  readonly state: 'copied' | 'unchanged'
  /** Manifests that are at the target now, about which there may be tags. */
  readonly manifests: readonly Digest[]
}

/**
 * One repository on its way to one target, with the fewest questions: the first tag tells whether this is the
 * first run. Where the target has it, each tag costs one HEAD a side; where not, the target is asked for its list
 * once, and nobody asks for what is not in it.
 */
export class RepositoryMirror {
  readonly #job: Job
  readonly #sides: Sides
  readonly #sums = new Sums()
  /** Every tag of the target, once it was asked. */
  #there: ReadonlySet<string> | undefined
  /** Tags that belong to another manifest, each brought once. */
  readonly #signatures = new Map<Tag, Promise<Arrival>>()
  /** Whether there are any: only then it matters which manifests an index holds. */
  readonly #signed: boolean
  /** Graphs that this run brought: several tags may stand on one. */
  readonly #brought = new Map<Digest, Promise<readonly Digest[]>>()

  constructor(job: Job, sides: Sides) {
    this.#job = job
    this.#sides = sides
    this.#signed = job.rule.referrers !== false && hasAttachedTags(job.listed)
  }

  /** @throws where not even the first tag can be asked for */
  async run(): Promise<RepositoryResult> {
    const { to, budget, signal } = this.#sides
    const [first, ...rest] = this.#job.tags
    const counts = { copied: 0, unchanged: 0, failed: 0 }
    const failures: MirrorFailure[] = []
    const bring = async (tag: Tag, known?: Descriptor) => {
      try {
        const { state } = await (isAttached(tag) ? this.#signature(tag) : this.#bring(tag, known))
        counts[state] += 1
      } catch (error) {
        if (signal.aborted) throw error
        counts.failed += 1
        failures.push(mirrorFailure(error, tag))
      }
    }
    if (first !== undefined) {
      const known = await this.#ask('destination', () => to.resolve(first, { signal }))
      if (known === undefined) this.#there = await this.#list()
      await Promise.all(
        [first, ...rest].map((tag) => budget.tags(() => bring(tag, tag === first ? known : undefined))),
      )
    }
    const { blobs, manifests, bytes, referrers, skipped } = this.#sums
    const good = counts.copied + counts.unchanged
    const state =
      counts.failed > 0 ? (good > 0 ? 'partial' : 'failed') : counts.copied > 0 ? 'copied' : 'unchanged'
    const moved = manifests.uploaded + blobs.uploaded + blobs.mounted
    return {
      // A signature that was added later is something that was copied, too.
      state: state === 'unchanged' && moved > 0 ? 'copied' : state,
      tags: counts,
      blobs,
      manifests,
      bytes,
      referrers: referrers.size,
      failures,
      ...(skipped.size === 0 ? {} : { skipped: [...skipped] }),
    }
  }

  #signature(tag: Tag): Promise<Arrival> {
    const running = this.#signatures.get(tag) ?? this.#bring(tag, undefined)
    this.#signatures.set(tag, running)
    return running
  }

  async #bring(tag: Tag, known: Descriptor | undefined): Promise<Arrival> {
    const { rule, expected } = this.#job
    const { from, to, signal } = this.#sides
    const absent = known === undefined && this.#there?.has(tag) === false
    const whole = absent || rule.platforms !== undefined
    const [there, read, told] = await Promise.all([
      absent ? undefined : (known ?? this.#ask('destination', () => to.resolve(tag, { signal }))),
      whole ? this.#ask('source', () => from.manifest(tag, { signal })) : undefined,
      whole ? undefined : this.#ask('source', () => from.resolve(tag, { signal })),
    ])
    const asked = read?.descriptor ?? told
    if (asked === undefined) throw vanished(from, tag)
    const wanted = expected?.get(tag)
    if (wanted !== undefined && wanted !== asked.digest) throw notLocked(from, tag, asked.digest, wanted)
    const manifest = read && rule.platforms ? select(read, rule.platforms, `${from.name}:${tag}`) : read
    const root = manifest?.descriptor ?? asked
    const load = async (one: Descriptor) =>
      (one.digest === root.digest && manifest) || (await this.#load(one))
    const manifests = this.#signed ? await withManifestsBelow(root, load) : []
    // What belongs to a signature is its parent's business: signatures of each other would wait for each other.
    const attached = isAttached(tag) ? async () => {} : (about: readonly Digest[]) => this.#attached(about)
    await attached(manifests)
    if (there?.digest !== root.digest) {
      const referrers = await this.#copy(root, manifest, tag, attached)
      return { state: 'copied', manifests: [...manifests, ...referrers] }
    }
    if (rule.referrers === false) return { state: 'unchanged', manifests }
    const options = { ...this.#options(), ...(manifest === undefined ? {} : { manifest }) }
    const result = await copyReferrersOf(from, root, to, options)
    this.#sums.add(result)
    const referrers = result.referrers.map((one) => one.digest)
    await attached(referrers)
    return { state: 'unchanged', manifests: [...manifests, ...referrers] }
  }

  /** Signatures that stand under tags of their own come before what they sign. */
  async #attached(about: readonly Digest[]): Promise<void> {
    if (!this.#signed) return
    const { rule, listed } = this.#job
    await bringAttached(
      about,
      (digest) => attachedTags(digest, listed, rule.referrers),
      async (tag) => (await this.#signature(tag)).manifests,
    )
  }

  /** Two tags may stand on one manifest: the second one needs no more than the tag. */
  async #copy(
    root: Descriptor,
    manifest: Encoded | undefined,
    tag: Tag,
    attached: (about: readonly Digest[]) => Promise<void>,
  ): Promise<readonly Digest[]> {
    const { from, to, signal } = this.#sides
    // A signature may stand for the very manifest that waits for it.
    const first = isAttached(tag) ? undefined : this.#brought.get(root.digest)
    if (first !== undefined) {
      const referrers = await first
      await attached(referrers)
      const again = manifest ?? (await this.#load(root))
      if (again === undefined) throw vanished(from, tag)
      await this.#ask('destination', () => to.tag(again, [tag], { signal }))
      return referrers
    }
    const copying = (async () => {
      const options = {
        ...this.#options(),
        tags: [tag],
        beforeTags: (referrers: readonly Descriptor[]) => attached(referrers.map((one) => one.digest)),
        ...(manifest === undefined ? {} : { manifest }),
      }
      const result = await copy(from, root, to, options)
      this.#sums.add(result)
      return result.referrers.map((one) => one.digest)
    })()
    if (!isAttached(tag)) this.#brought.set(root.digest, copying)
    return await copying
  }

  #options(): CopyOptions {
    const { rule, listed } = this.#job
    const { budget, registry, signal } = this.#sides
    return {
      referrers: rule.referrers,
      sourceTags: listed,
      unreferred: ({ artifactType }) => isSignature(artifactType),
      turn: budget.turnAt(registry),
      concurrency: budget.concurrency,
      signal,
      ...(this.#there === undefined ? {} : { destinationTags: this.#there }),
      ...(this.#there?.size === 0 ? { check: 'new' as const } : {}),
    }
  }

  async #list(): Promise<ReadonlySet<string>> {
    const { to, signal } = this.#sides
    return await this.#ask(
      'destination',
      async () => new Set<string>(await Array.fromAsync(to.tags({ signal, fallback: true }))),
    )
  }

  #load(root: Descriptor): Promise<Encoded | undefined> {
    const { from, signal } = this.#sides
    return this.#ask('source', () => from.manifest(root, { signal }))
  }

  async #ask<T>(side: 'source' | 'destination', work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw onSide(side, error)
    }
  }
}

function vanished(from: Store, tag: Tag): SlipwayError {
  return new SlipwayError('MANIFEST_UNKNOWN', `${from.name}:${tag} is listed, but is not there`, {
    side: 'source',
    hint: 'It was deleted a moment ago, or the registry is damaged; run again.',
  })
}

/** A tag whose content is not what a lock has. */
export function notLocked(from: Store, tag: Tag, digest: Digest, wanted: Digest): SlipwayError {
  return new SlipwayError(
    'MIRROR_NOT_LOCKED',
    `${from.name}:${tag} is ${digest}, but the lock has ${wanted}`,
    {
      side: 'source',
      hint: 'Somebody replaced a published version: find out who, or run slipway deps update and commit the lock.',
    },
  )
}

import { mapConcurrent } from '../core/concurrent.ts'
import { SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, children } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import { isForeign } from '../store/rules.ts'
import { attachedTags } from './attached.ts'
import type { Job } from './jobs.ts'
import { type MirrorFailure, mirrorFailure, noCounts } from './outcome.ts'
import { select } from './platforms.ts'
import type { RepositoryResult, Sides } from './repository.ts'

/** Manifests below one tag; a hostile graph ends here. */
const mostManifests = 10_000

/**
 * Whether the target has every tag with the source's digest, everything below it, and every referrer. Content is
 * asked for by its digest; a registry that says it has what it lost is not found out.
 */
export async function verifyRepository(job: Job, sides: Sides): Promise<RepositoryResult> {
  const counts = { copied: 0, unchanged: 0, failed: 0 }
  const failures: MirrorFailure[] = []
  const check = new Check(job, sides)
  await Promise.all(
    job.tags.map((tag) =>
      sides.budget.tags(async () => {
        try {
          await check.tag(tag)
          counts.unchanged += 1
        } catch (error) {
          if (sides.signal.aborted) throw error
          counts.failed += 1
          failures.push(mirrorFailure(error, tag))
        }
      }),
    ),
  )
  const state = counts.failed === 0 ? 'unchanged' : counts.unchanged > 0 ? 'partial' : 'failed'
  const nothing = { blobs: noCounts, manifests: noCounts, bytes: noCounts }
  return { state, tags: counts, ...nothing, referrers: check.referrers.size, failures }
}

class Check {
  readonly referrers = new Set<Digest>()
  readonly #job: Job
  readonly #sides: Sides
  readonly #seen = new Map<Digest, Promise<void>>()
  readonly #tags = new Map<Tag, Promise<void>>()

  constructor(job: Job, sides: Sides) {
    this.#job = job
    this.#sides = sides
  }

  /** @throws MIRROR_DIFFERS */
  tag(tag: Tag): Promise<void> {
    const running = this.#tags.get(tag) ?? this.#tag(tag)
    this.#tags.set(tag, running)
    return running
  }

  async #tag(tag: Tag): Promise<void> {
    const { from, to, signal } = this.#sides
    const { platforms } = this.#job.rule
    const [read, there] = await Promise.all([from.manifest(tag, { signal }), to.resolve(tag, { signal })])
    if (read === undefined) throw differs(`${from.name}:${tag} is listed, but is not there`)
    const root = platforms === undefined ? read : select(read, platforms, `${from.name}:${tag}`)
    const { digest } = root.descriptor
    if (there === undefined) throw differs(`${to.name}:${tag} is missing; at the source it is ${digest}`)
    if (there.digest !== digest)
      throw differs(`${to.name}:${tag} is ${there.digest}; at the source it is ${digest}`)
    // The tag shows that the root itself is there.
    this.#seen.set(digest, this.#below(root.descriptor, children(root.manifest)))
    await this.#seen.get(digest)
  }

  /** A manifest with everything below it and about it. */
  async #manifest(content: Descriptor): Promise<void> {
    const { from, to, signal } = this.#sides
    if (!(await to.exists(content, { signal }))) throw differs(`${to.name}@${content.digest} is missing`)
    const read = await from.manifest(content, { signal })
    if (read === undefined) throw differs(`${from.name}@${content.digest} is missing at the source`)
    await this.#below(content, children(read.manifest))
  }

  async #below(subject: Descriptor, all: readonly Descriptor[]): Promise<void> {
    const { to, signal, budget } = this.#sides
    await mapConcurrent(
      all.filter((one) => !isForeign(one)),
      budget.concurrency,
      async (one) => {
        if (isManifestType(one.mediaType)) return this.#once(one)
        if (!(await to.exists(one, { signal }))) throw differs(`${to.name}@${one.digest} is missing`)
      },
    )
    await this.#about(subject)
  }

  async #about(subject: Descriptor): Promise<void> {
    const { from, to, signal } = this.#sides
    const { rule, listed } = this.#job
    if (rule.referrers === false) return
    for (const tag of attachedTags(subject.digest, listed, rule.referrers)) await this.tag(tag)
    const wanted: Descriptor[] = []
    for await (const one of from.referrers(subject, { signal, tags: listed }))
      if (await this.#isWanted(one, subject)) wanted.push(one)
    if (wanted.length === 0) return
    const there = new Set<Digest>()
    for await (const one of to.referrers(subject, { signal })) there.add(one.digest)
    for (const one of wanted) {
      if (!there.has(one.digest))
        throw differs(`${to.name}@${subject.digest} has no referrer ${one.digest}, which the source lists`)
      this.referrers.add(one.digest)
      await this.#once(one)
    }
  }

  /** What a stale list names but the source does not have cannot have been copied. */
  async #isWanted(one: Descriptor, subject: Descriptor): Promise<boolean> {
    const { from, signal } = this.#sides
    const { referrers } = this.#job.rule
    const read = await from.manifest(one.digest, { signal })
    if (read?.manifest.subject?.digest !== subject.digest) return false
    const type = artifactTypeOf(read.manifest)
    return !Array.isArray(referrers) || (referrers as readonly (string | undefined)[]).includes(type)
  }

  #once(content: Descriptor): Promise<void> {
    const known = this.#seen.get(content.digest)
    if (known !== undefined) return known
    if (this.#seen.size >= mostManifests)
      throw differs(`${this.#sides.from.name}: more than ${mostManifests} manifests`)
    const visit = this.#manifest(content)
    this.#seen.set(content.digest, visit)
    return visit
  }
}

function differs(message: string): SlipwayError {
  return new SlipwayError('MIRROR_DIFFERS', message, {
    hint: 'Run slipway mirror without --verify to bring what is missing.',
  })
}

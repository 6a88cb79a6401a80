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
import { notLocked, type RepositoryResult, type Sides } from './repository.ts'

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

/** What has to be at the target once a manifest is. */
type Next = readonly (Descriptor | Tag)[]

class Check {
  readonly referrers = new Set<Digest>()
  readonly #job: Job
  readonly #sides: Sides
  /** Each tag and manifest is compared once, and none waits for another one: referrers may stand in a ring. */
  readonly #steps = new Map<string, Promise<Next>>()

  constructor(job: Job, sides: Sides) {
    this.#job = job
    this.#sides = sides
  }

  /** A tag with everything below it and about it. @throws MIRROR_DIFFERS, MIRROR_NOT_LOCKED */
  async tag(tag: Tag): Promise<void> {
    const seen = new Set<string>()
    for (let open: Next = [tag]; open.length > 0; ) {
      const fresh = open.filter((one) => !seen.has(keyOf(one)) && seen.add(keyOf(one)))
      if (seen.size > mostManifests)
        throw differs(`${this.#sides.from.name}:${tag} leads to more than ${mostManifests} manifests`)
      open = (await mapConcurrent(fresh, this.#sides.budget.concurrency, (one) => this.#step(one))).flat()
    }
  }

  #step(one: Descriptor | Tag): Promise<Next> {
    const known = this.#steps.get(keyOf(one))
    if (known !== undefined) return known
    const step = typeof one === 'string' ? this.#tag(one) : this.#manifest(one)
    this.#steps.set(keyOf(one), step)
    return step
  }

  async #tag(tag: Tag): Promise<Next> {
    const { from, to, signal } = this.#sides
    const { rule, expected } = this.#job
    const [read, there] = await Promise.all([from.manifest(tag, { signal }), to.resolve(tag, { signal })])
    if (read === undefined) throw differs(`${from.name}:${tag} is listed, but is not there`)
    const wanted = expected?.get(tag)
    if (wanted !== undefined && wanted !== read.descriptor.digest)
      throw notLocked(from, tag, read.descriptor.digest, wanted)
    const root = rule.platforms === undefined ? read : select(read, rule.platforms, `${from.name}:${tag}`)
    const { digest } = root.descriptor
    if (there === undefined) throw differs(`${to.name}:${tag} is missing; at the source it is ${digest}`)
    if (there.digest !== digest)
      throw differs(`${to.name}:${tag} is ${there.digest}; at the source it is ${digest}`)
    // The tag shows that the root itself is there.
    const known = this.#steps.get(digest)
    const below = known ?? this.#below(root.descriptor, children(root.manifest))
    this.#steps.set(digest, below)
    return await below
  }

  async #manifest(content: Descriptor): Promise<Next> {
    const { from, to, signal } = this.#sides
    if (!(await to.exists(content, { signal }))) throw differs(`${to.name}@${content.digest} is missing`)
    const read = await from.manifest(content, { signal })
    if (read === undefined) throw differs(`${from.name}@${content.digest} is missing at the source`)
    return await this.#below(content, children(read.manifest))
  }

  async #below(subject: Descriptor, all: readonly Descriptor[]): Promise<Next> {
    const { to, signal, budget } = this.#sides
    const needed = all.filter((one) => !isForeign(one))
    const blobs = needed.filter((one) => !isManifestType(one.mediaType))
    await mapConcurrent(blobs, budget.concurrency, async (one) => {
      if (!(await to.exists(one, { signal }))) throw differs(`${to.name}@${one.digest} is missing`)
    })
    return [...needed.filter((one) => isManifestType(one.mediaType)), ...(await this.#about(subject))]
  }

  async #about(subject: Descriptor): Promise<Next> {
    const { from, to, signal } = this.#sides
    const { rule, listed } = this.#job
    if (rule.referrers === false) return []
    const wanted: Descriptor[] = []
    for await (const one of from.referrers(subject, { signal, tags: listed })) {
      if (wanted.length === mostManifests)
        throw differs(`${from.name}@${subject.digest} has more than ${mostManifests} referrers`)
      if (await this.#isWanted(one, subject)) wanted.push(one)
    }
    const there = new Set<Digest>()
    if (wanted.length > 0) for await (const one of to.referrers(subject, { signal })) there.add(one.digest)
    for (const one of wanted) {
      if (!there.has(one.digest))
        throw differs(`${to.name}@${subject.digest} has no referrer ${one.digest}, which the source lists`)
      this.referrers.add(one.digest)
    }
    return [...attachedTags(subject.digest, listed, rule.referrers), ...wanted]
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
}

function keyOf(one: Descriptor | Tag): string {
  return typeof one === 'string' ? one : one.digest
}

function differs(message: string): SlipwayError {
  return new SlipwayError('MIRROR_DIFFERS', message, {
    hint: 'Run slipway mirror without --verify to bring what is missing.',
  })
}

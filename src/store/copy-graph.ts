import pLimit from 'p-limit'
import { systemClock } from '../core/clock.ts'
import { mapConcurrent } from '../core/concurrent.ts'
import { hasCode, onSide, SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { children, type Encoded, isIndex } from '../oci/manifest.ts'
import { isIndexType, isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import type { CopyOptions } from './copy.ts'
import { sourceContent } from './copy-content.ts'
import { Tally } from './copy-tally.ts'
import { Pushes } from './pushes.ts'
import { isForeign, unknown } from './rules.ts'
import type { Call, ReadableStore, Store } from './store.ts'

export interface SkippedReferrer {
  readonly descriptor: Descriptor
  readonly reason: 'missing at the source' | 'has another subject'
}

/** Indexes in indexes; real ones have one or two levels. */
const maxDepth = 16
/** Times a destination may deny children it was given, before it is believed. */
const maxPuts = 7

/** Manifests on their way, over all copies of this process: one at a time per (destination, digest). */
const manifests = new Pushes()

interface Arrival {
  readonly root: Descriptor
  /** Whether the root can be written under its tags at once, instead of under its digest first. */
  direct(): Promise<boolean>
}

/** One graph on its way from one store to another, children before parents. */
export class GraphCopy {
  readonly from: ReadableStore
  readonly to: Store
  readonly call: Call
  readonly tally = new Tally()
  readonly skipped: SkippedReferrer[] = []
  readonly concurrency: number
  /** What the source lists for a subject, each asked for once. */
  readonly listings = new Map<Digest, Promise<readonly Descriptor[]>>()
  readonly options: CopyOptions
  /** Whether the root got its tags on arrival. */
  tagged = false
  readonly #arrival: Arrival
  /** The root, which is needed again for its tags. */
  #root: Encoded | undefined
  /** Requests in flight, whatever they are for; never held while waiting for another one. */
  readonly #slots: ReturnType<typeof pLimit>
  /** Image manifests in memory. Indexes are not counted: they wait for these, and one of each level is open. */
  readonly #images: ReturnType<typeof pLimit>
  readonly #visited = new Map<Digest, Promise<void>>()
  #manifests = 0
  #blobs = 0

  constructor(from: ReadableStore, to: Store, options: CopyOptions, arrival: Arrival) {
    this.from = from
    this.to = to
    this.options = options
    this.#arrival = arrival
    this.#root = options.manifest
    this.call = options.signal === undefined ? {} : { signal: options.signal }
    this.concurrency = options.concurrency ?? 16
    this.#slots = pLimit(this.concurrency)
    this.#images = pLimit(this.concurrency)
  }

  get deep(): boolean {
    return this.options.check === 'deep'
  }

  /** Brings a manifest with all that is below it. */
  manifest(content: Descriptor, depth = 0): Promise<void> {
    return this.#once(content, () => {
      this.#manifests += 1
      this.boundManifests(this.#manifests)
      if (depth > maxDepth)
        throw new SlipwayError(
          'GRAPH_TOO_DEEP',
          `${this.from.name}@${content.digest} is an index in an index ${depth} levels down`,
          {
            side: 'source',
            hint: `At most ${maxDepth} levels are followed.`,
          },
        )
      const bring = () => this.#shared(content, depth)
      return isIndexType(content.mediaType) ? bring() : this.#images(bring)
    })
  }

  /** Brings one blob. */
  blob(content: Descriptor): Promise<void> {
    return this.#once(content, () => {
      this.#blobs += 1
      this.#bound('blobs', this.#blobs, this.options.maxBlobs ?? 100_000)
      return this.#push(content)
    })
  }

  /**
   * Brings a manifest that refers to another one. It is put even where it exists already: putting is what
   * makes the destination list it.
   */
  async referrer(manifest: Encoded): Promise<void> {
    this.#manifests += 1
    this.boundManifests(this.#manifests)
    const put = async () => {
      this.#refuseManifestLayers(manifest)
      await this.#below(manifest, 0)
      this.tally.note(manifest.descriptor, await this.#put(manifest, 0))
      return true
    }
    const mine = await manifests.run(manifest.descriptor, this.call, put, `${this.to.id}|referrer`)
    if (mine === undefined) this.tally.note(manifest.descriptor, 'present')
  }

  /** @throws GRAPH_TOO_LARGE */
  boundManifests(count: number): void {
    this.#bound('manifests', count, this.options.maxManifests ?? 10_000)
  }

  /** A manifest's bytes from the source. */
  async load(content: Descriptor): Promise<Encoded | undefined> {
    if (this.#root?.descriptor.digest === content.digest) return this.#root
    const found = await this.request('source', () => this.from.manifest(content, this.call))
    if (content.digest === this.#arrival.root.digest) this.#root = found
    return found
  }

  /** Runs one request within the bound on all of them; its failure says on which side it happened. */
  request<T>(side: 'source' | 'destination', work: () => Promise<T>): Promise<T> {
    return this.#slots(async () => {
      this.call.signal?.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        throw onSide(side, error)
      }
    })
  }

  #once(content: Descriptor, work: () => Promise<void>): Promise<void> {
    const running = this.#visited.get(content.digest)
    if (running !== undefined) return running
    const visit = (async () => work())()
    this.#visited.set(content.digest, visit)
    return visit
  }

  async #shared(content: Descriptor, depth: number): Promise<void> {
    const mine = await manifests.run(
      content,
      this.call,
      async () => {
        await this.#bring(content, depth)
        return true
      },
      this.to.id,
    )
    if (mine === undefined) this.tally.note(content, 'present')
  }

  async #bring(content: Descriptor, depth: number): Promise<void> {
    if (this.options.check !== 'deep' && this.options.check !== 'new') {
      const present = await this.request('destination', () => this.to.exists(content, this.call))
      if (present) return this.tally.note(content, 'present')
    }
    const manifest = await this.load(content)
    if (manifest === undefined) throw onSide('source', unknown(content, this.from.name))
    // Bounds and waiting differ for the two: an index that calls itself an image must not slip through.
    if (isIndexType(manifest.descriptor.mediaType) !== isIndexType(content.mediaType))
      throw new SlipwayError(
        'MANIFEST_INVALID',
        `${this.from.name}@${content.digest} is called ${content.mediaType}, but is ${manifest.descriptor.mediaType}`,
        { side: 'source', hint: 'What points to it is damaged or hostile; build it again.' },
      )
    this.#refuseManifestLayers(manifest)
    await this.#below(manifest, depth)
    const direct = content.digest === this.#arrival.root.digest && (await this.#arrival.direct())
    this.tally.note(content, await this.#put(manifest, depth, direct ? this.options.tags : undefined))
    this.tagged ||= direct
  }

  /**
   * Only an index leads to manifests. Images that lead to images would wait for each other's place, and be held
   * in memory all at once.
   * @throws MANIFEST_INVALID
   */
  #refuseManifestLayers({ descriptor, manifest }: Encoded): void {
    if (isIndex(manifest)) return
    const child = children(manifest).find((one) => isManifestType(one.mediaType))
    if (child === undefined) return
    throw new SlipwayError(
      'MANIFEST_INVALID',
      `${this.from.name}@${descriptor.digest} is an image, but its ${child.digest} is called ${child.mediaType}`,
      { side: 'source', hint: 'Only an index holds manifests: it is damaged or hostile; build it again.' },
    )
  }

  /** Indexes below an index come in turn: each of them is held in memory until it is done. */
  async #below(manifest: Encoded, depth: number): Promise<void> {
    const all = children(manifest.manifest).filter((child) => !isForeign(child))
    const indexes = all.filter((child) => isIndexType(child.mediaType))
    const others = all.filter((child) => !isIndexType(child.mediaType))
    await mapConcurrent(others, this.concurrency, (child) => this.#child(child, depth))
    await mapConcurrent(indexes, 1, (child) => this.#child(child, depth))
  }

  #child(child: Descriptor, depth: number): Promise<void> {
    return isManifestType(child.mediaType) ? this.manifest(child, depth + 1) : this.blob(child)
  }

  /**
   * distribution 2.8 can forget a blob that two clients upload at once and then denies a manifest's children:
   * they are brought again, since the store looks anew after such an answer.
   */
  async #put(manifest: Encoded, depth: number, tags?: readonly Tag[]): Promise<'uploaded' | 'present'> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.request('destination', async () => {
          if (tags === undefined) return this.to.put(manifest, this.call)
          await this.to.tag(manifest, tags, this.call)
          return 'uploaded'
        })
      } catch (error) {
        if (!hasCode(error, 'MANIFEST_BLOB_UNKNOWN') || attempt === maxPuts) throw error
      }
      await systemClock.sleep(100 * 2 ** attempt * systemClock.random(), this.call.signal)
      for (const child of children(manifest.manifest)) this.#visited.delete(child.digest)
      await this.#below(manifest, depth)
    }
  }

  async #push(content: Descriptor): Promise<void> {
    const source = sourceContent(this.from, content, this.call, this.options.onProgress)
    const push = () =>
      this.request('destination', async () => {
        try {
          return await this.to.push(content, source, this.call)
        } catch (error) {
          // A store may dress up the failure of the stream it was given: the source's own word is the better one.
          throw source.failure() ?? error
        }
      })
    const { turn } = this.options
    this.tally.note(content, await (turn === undefined ? push() : turn(content, push)))
  }

  #bound(what: string, count: number, limit: number): void {
    if (count > limit)
      throw new SlipwayError(
        'GRAPH_TOO_LARGE',
        `${this.from.name}: the graph has more than ${limit} ${what}`,
        {
          side: 'source',
          hint: 'It is damaged or hostile; if it is meant to be so large, raise the limit.',
        },
      )
  }
}

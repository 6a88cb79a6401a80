import type { Descriptor } from '../oci/descriptor.ts'
import { decode, type Encoded } from '../oci/manifest.ts'
import type { Tag } from '../oci/reference.ts'
import { collect } from '../store/rules.ts'
import type { Call, Store } from '../store/store.ts'
import { offline } from './failure.ts'
import type { ManifestCache } from './manifest-cache.ts'
import type { SourceCounts } from './source.ts'

/** How often sources ask, kept by whoever counts. */
export type Tally = { -readonly [K in keyof SourceCounts]: number }

export interface DocumentsOptions {
  /** `oci://HOST/REPOSITORY`: the name in errors, and the key in the cache. */
  readonly where: string
  /** Opens the repository when it is first asked. */
  readonly store: () => Promise<Store>
  readonly cache: ManifestCache | undefined
  readonly offline: boolean
  readonly tally: Tally
}

/**
 * What one repository tells of its versions: from the registry, or from what an earlier run kept. With a kept
 * manifest a tag costs one small request, which says whether it still stands for that manifest.
 */
export class Documents {
  readonly #options: DocumentsOptions

  constructor(options: DocumentsOptions) {
    this.#options = options
  }

  /** Every tag. @throws OFFLINE where no earlier run asked */
  async tags(call?: Call): Promise<readonly Tag[]> {
    const { where, cache, tally } = this.#options
    if (this.#options.offline) {
      const kept = await cache?.tags(where)
      if (kept === undefined) throw offline(where)
      tally.hits++
      return kept
    }
    const tags = await Array.fromAsync((await this.#ask()).tags(call))
    await cache?.keepTags(where, tags)
    return tags
  }

  /** What a tag stands for; undefined where it does not exist. @throws OFFLINE where it is not kept */
  async manifest(tag: Tag, call?: Call): Promise<Encoded | undefined> {
    const { where, cache, tally } = this.#options
    const known = await cache?.digest(where, tag)
    const kept = known === undefined ? undefined : await cache?.content(known)
    if (this.#options.offline) {
      if (kept === undefined) throw offline(`${where}:${tag}`)
      tally.hits++
      return decode(kept, undefined, `${where}:${tag}`)
    }
    if (kept !== undefined) {
      const now = await (await this.#ask()).resolve(tag, call)
      if (now === undefined) return undefined
      if (now.digest === known) {
        tally.hits++
        return decode(kept, now.mediaType, `${where}:${tag}`)
      }
    }
    const found = await (await this.#ask()).manifest(tag, call)
    if (found !== undefined) {
      await cache?.keep(found.descriptor.digest, found.bytes)
      await cache?.keepDigest(where, tag, found.descriptor.digest)
    }
    return found
  }

  /** A blob as a whole, which is kept like a manifest. @throws OFFLINE where it is not kept */
  async blob(content: Descriptor, call?: Call): Promise<Uint8Array> {
    const { where, cache, tally } = this.#options
    const kept = await cache?.content(content.digest)
    if (kept !== undefined) {
      tally.hits++
      return kept
    }
    if (this.#options.offline) throw offline(`${where}@${content.digest}`)
    const bytes = await collect((await this.#ask()).fetch(content, call))
    await cache?.keep(content.digest, bytes)
    return bytes
  }

  #ask(): Promise<Store> {
    this.#options.tally.requests++
    return this.#options.store()
  }
}

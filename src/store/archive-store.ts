import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { decode, type Encoded } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import type { Contents } from './archive-contents.ts'
import type { ArchivePool } from './archive-pool.ts'
import type { Pushes } from './pushes.ts'
import { collect, isDigestReference, requireChildren, unknown } from './rules.ts'
import { type Call, type Content, contentOf, type PushOutcome, type Store } from './store.ts'

/** The open archive as one of its repositories sees it. */
export interface View {
  readonly pool: ArchivePool
  readonly contents: Contents
  /** Blobs that an earlier archive has, with sizes in bytes. */
  readonly earlier?: ReadonlyMap<Digest, number> | undefined
}

/** One repository of an archive. */
export class ArchiveStore implements Store {
  readonly id: string
  readonly name: string
  readonly #view: () => Promise<View>
  readonly #changed: () => void
  readonly #pushes: Pushes

  /** `pushes` is the archive's: blobs are staged once, whichever repository they are for. */
  constructor(name: string, view: () => Promise<View>, changed: () => void, pushes: Pushes) {
    this.id = name
    this.name = name
    this.#view = view
    this.#changed = changed
    this.#pushes = pushes
  }

  async resolve(reference: Tag | Digest, call?: Call): Promise<Descriptor | undefined> {
    call?.signal?.throwIfAborted()
    const { contents } = await this.#view()
    const digest = isDigestReference(reference) ? reference : contents.tags.get(reference)
    const found = digest && contents.manifests.get(digest)
    return found && plain(found)
  }

  async manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined> {
    const descriptor = typeof reference === 'string' ? await this.resolve(reference, call) : reference
    if (descriptor === undefined || !(await this.#holds(descriptor))) return undefined
    const bytes = await collect(this.fetch(plain(descriptor), call))
    return decode(bytes, descriptor.mediaType, `${this.name}@${descriptor.digest}`)
  }

  async exists(content: Descriptor, call?: Call): Promise<boolean> {
    call?.signal?.throwIfAborted()
    return this.#holds(content)
  }

  async *fetch(content: Descriptor, call?: Call & { readonly offset?: number }): AsyncGenerator<Uint8Array> {
    call?.signal?.throwIfAborted()
    const { pool, contents } = await this.#view()
    if (!contents.holds(content.digest)) throw unknown(content, this.name)
    yield* pool.read(content, call)
  }

  async *tags(call?: Call): AsyncGenerator<Tag> {
    call?.signal?.throwIfAborted()
    yield* [...(await this.#view()).contents.tags.keys()].sort()
  }

  async *referrers(
    subject: Descriptor,
    filter: Call & { readonly artifactType?: string } = {},
  ): AsyncGenerator<Descriptor> {
    filter.signal?.throwIfAborted()
    const { contents } = await this.#view()
    for (const one of contents.referrers.get(subject.digest)?.values() ?? [])
      if (filter.artifactType === undefined || one.artifactType === filter.artifactType) yield one
  }

  async push(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome> {
    if (await this.exists(content, call)) return 'present'
    const { pool, contents } = await this.#view()
    const inPool = () => pool.size(content.digest) === content.size
    const bring = async () => {
      if (inPool()) return false
      await pool.stage(content, bytes.open(), call)
      contents.pushed.add(content.digest)
      return true
    }
    const uploaded = inPool() ? false : await this.#pushes.run(content, call, bring)
    // Whoever waited finds it here, or takes over what was brought for a neighbour.
    const outcome = uploaded === true ? 'uploaded' : contents.holds(content.digest) ? 'present' : 'mounted'
    contents.pushed.add(content.digest)
    return outcome
  }

  async put(manifest: Encoded, call?: Call): Promise<'uploaded' | 'present'> {
    call?.signal?.throwIfAborted()
    await requireChildren(manifest, this.name, (child) => this.#holds(child))
    await this.push(manifest.descriptor, contentOf(manifest.bytes), call)
    const { contents } = await this.#view()
    if (!contents.add(manifest)) return 'present'
    this.#changed()
    return 'uploaded'
  }

  async tag(manifest: Encoded, tags: readonly Tag[], call?: Call): Promise<void> {
    await this.put(manifest, call)
    const { contents } = await this.#view()
    for (const tag of tags) contents.tags.set(tag, manifest.descriptor.digest)
    if (tags.length > 0) this.#changed()
  }

  async #holds(content: Descriptor): Promise<boolean> {
    const { pool, contents, earlier } = await this.#view()
    if (contents.holds(content.digest) && pool.size(content.digest) === content.size) return true
    return !isManifestType(content.mediaType) && earlier?.get(content.digest) === content.size
  }
}

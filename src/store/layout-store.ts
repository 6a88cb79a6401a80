import { mkdir } from 'node:fs/promises'
import { mapConcurrent } from '../core/concurrent.ts'
import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, decode, type Encoded, referrerDescriptor } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import { isTag, type Tag } from '../oci/reference.ts'
import { BlobFolder } from './blob-folder.ts'
import { writeFailure } from './file-failure.ts'
import { IndexFile, refName } from './layout-index.ts'
import { Pushes } from './pushes.ts'
import { collect, decodeManifest, isDigestReference, manifestLimit, requireChildren } from './rules.ts'
import { type Call, type Content, contentOf, type PushOutcome, type Reading, type Store } from './store.ts'

/** One folder that is an OCI image layout, or becomes one with the first write. */
export class LayoutStore implements Store {
  readonly id: string
  readonly name: string
  readonly #blobs: BlobFolder
  readonly #index: IndexFile
  readonly #folder: string
  readonly #check: () => Promise<void>
  #prepared: Promise<void> | undefined
  readonly #pushes = new Pushes()
  /** What a manifest refers to never changes: read once. */
  readonly #referring = new Map<
    Digest,
    { readonly subject: Digest; readonly entry: Descriptor } | undefined
  >()

  /** `check` runs before the first write: it may refuse, and it writes what belongs to the registry. */
  constructor(folder: string, name: string, check: () => Promise<void>) {
    this.id = `layout:${folder}`
    this.name = name
    this.#blobs = new BlobFolder(folder, 'LAYOUT')
    this.#index = new IndexFile(folder)
    this.#folder = folder
    this.#check = check
  }

  async resolve(reference: Tag | Digest, call?: Call): Promise<Descriptor | undefined> {
    call?.signal?.throwIfAborted()
    const { entries } = await this.#index.read()
    if (!isDigestReference(reference)) {
      const entry = entries.findLast((one) => refName(one) === reference)
      return entry && plain(entry)
    }
    const entry = entries.find((one) => one.digest === reference)
    // What only an index points to has no entry of its own.
    return entry ? plain(entry) : (await this.#unlisted(reference))?.descriptor
  }

  async manifest(reference: Tag | Digest | Descriptor, call?: Call): Promise<Encoded | undefined> {
    const descriptor = typeof reference === 'string' ? await this.resolve(reference, call) : reference
    if (descriptor === undefined) return undefined
    const size = await this.#blobs.size(descriptor.digest)
    if (size === undefined) return undefined
    const where = `${this.name}@${descriptor.digest}`
    return decode(await collect(this.#blobs.read(plain(descriptor), call)), descriptor.mediaType, where)
  }

  async exists(content: Descriptor, call?: Call): Promise<boolean> {
    call?.signal?.throwIfAborted()
    return (await this.#blobs.size(content.digest)) === content.size
  }

  fetch(content: Descriptor, call?: Reading): AsyncIterable<Uint8Array> {
    return this.#blobs.read(content, call)
  }

  async *tags(call?: Call): AsyncGenerator<Tag> {
    call?.signal?.throwIfAborted()
    const { entries } = await this.#index.read()
    const names = entries.map(refName).filter((name) => isTag(name))
    yield* [...new Set(names)].sort()
  }

  async *referrers(
    subject: Descriptor,
    filter: Call & { readonly artifactType?: string } = {},
  ): AsyncGenerator<Descriptor> {
    filter.signal?.throwIfAborted()
    const { entries } = await this.#index.read()
    const listed = [...new Map(entries.map((one) => [one.digest, one])).values()]
    const unread = listed.filter((one) => isManifestType(one.mediaType) && !this.#referring.has(one.digest))
    await mapConcurrent(unread, 16, (one) => this.#readSubject(one, filter))
    for (const { digest } of listed) {
      const referring = this.#referring.get(digest)
      if (referring?.subject !== subject.digest) continue
      if (filter.artifactType === undefined || referring.entry.artifactType === filter.artifactType)
        yield referring.entry
    }
  }

  async push(content: Descriptor, bytes: Content, call?: Call): Promise<PushOutcome> {
    const bring = async () => {
      await this.#prepare()
      if (await this.exists(content, call)) return 'present' as const
      await this.#blobs.write(content, bytes.open(), call)
      return 'uploaded' as const
    }
    return (await this.#pushes.run(content, call, bring)) ?? 'present'
  }

  async put(manifest: Encoded, call?: Call): Promise<'uploaded' | 'present'> {
    return this.#list(manifest, [], call)
  }

  async tag(manifest: Encoded, tags: readonly Tag[], call?: Call): Promise<void> {
    await this.#list(manifest, tags, call)
  }

  async #list(manifest: Encoded, names: readonly Tag[], call?: Call): Promise<'uploaded' | 'present'> {
    const { descriptor } = manifest
    await requireChildren(manifest, this.name, (child) => this.exists(child, call))
    const outcome = await this.push(descriptor, contentOf(manifest.bytes), call)
    await this.#prepare()
    const artifactType = artifactTypeOf(manifest.manifest)
    const entry = { ...plain(descriptor), ...(artifactType !== undefined && { artifactType }) }
    await this.#index.change({ manifest: entry, names }, call)
    return outcome === 'present' ? 'present' : 'uploaded'
  }

  async #prepare(): Promise<void> {
    this.#prepared ??= this.#check()
      .then(() => mkdir(this.#folder, { recursive: true }))
      .then(() => {})
    try {
      await this.#prepared
    } catch (error) {
      this.#prepared = undefined
      throw writeFailure('LAYOUT', this.#folder, error)
    }
  }

  async #readSubject(entry: Descriptor, call: Call): Promise<void> {
    const manifest = await this.manifest(plain(entry), call)
    // An entry whose blob is not there may get it later: sparse layouts are allowed.
    if (manifest === undefined) return
    const subject = manifest.manifest.subject?.digest
    this.#referring.set(entry.digest, subject && { subject, entry: referrerDescriptor(manifest) })
  }

  async #unlisted(digest: Digest): Promise<Encoded | undefined> {
    const size = await this.#blobs.size(digest)
    if (size === undefined || size > manifestLimit) return undefined
    const content = { mediaType: 'application/octet-stream', digest, size }
    return decodeManifest(await collect(this.#blobs.read(content)), `${this.name}@${digest}`)
  }
}

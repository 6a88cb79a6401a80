import { hasCode, SlipwayError } from '../core/error.ts'
import { SingleFlight } from '../core/single-flight.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { children, type Encoded } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import type { Tag } from '../oci/reference.ts'
import type { Call, Content, Listing, PushOutcome, ReferrersFilter, Store } from '../store/store.ts'
import { blobExists, fetchBlob } from './blobs.ts'
import { anyMissing, getManifest, putManifest, resolveManifest } from './manifests.ts'
import { ensureListed, listReferrers } from './referrers.ts'
import type { Repository } from './repository.ts'
import { listTags } from './tags.ts'
import { uploadBlob } from './upload.ts'

/** Bytes; in a repository that the registry does not know yet, smaller blobs are sent without asking first. */
const notWorthAsking = 1024 * 1024

/** One repository of a registry over HTTP. */
export class RepositoryStore implements Store {
  readonly id: string
  readonly name: string
  readonly #repository: Repository
  readonly #pushes = new SingleFlight<PushOutcome>()
  /** Manifests that are here and, where they have a subject, listed under it. */
  readonly #settled = new Set<Digest>()
  readonly #puts = new SingleFlight<'uploaded' | 'present'>()

  constructor(repository: Repository) {
    this.id = repository.id
    this.name = repository.name
    this.#repository = repository
  }

  resolve(reference: Tag | Digest, call: Call = {}): Promise<Descriptor | undefined> {
    return resolveManifest(this.#repository, reference, only(call))
  }

  async manifest(reference: Tag | Digest | Descriptor, call: Call = {}): Promise<Encoded | undefined> {
    if (typeof reference === 'string') return getManifest(this.#repository, reference, only(call))
    const found = await getManifest(this.#repository, reference.digest, only(call))
    if (found !== undefined && found.bytes.byteLength !== reference.size)
      throw wrongSize(this.#repository, reference, found.bytes.byteLength)
    return found
  }

  async exists(content: Descriptor, call: Call = {}): Promise<boolean> {
    if (!isManifestType(content.mediaType)) return blobExists(this.#repository, content, only(call))
    return (await this.resolve(content.digest, call)) !== undefined
  }

  async *fetch(
    content: Descriptor,
    call: Call & { readonly offset?: number } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { offset = 0 } = call
    if (!isManifestType(content.mediaType)) {
      yield* fetchBlob(this.#repository, content, offset, only(call))
      return
    }
    const found = await this.manifest(content, call)
    if (found === undefined)
      throw new SlipwayError('MANIFEST_UNKNOWN', `${this.#repository.at(content.digest)}: no such manifest`)
    yield found.bytes.subarray(offset)
  }

  tags(call: Listing = {}): AsyncGenerator<Tag> {
    return listTags(this.#repository, call)
  }

  referrers(subject: Descriptor, filter: ReferrersFilter = {}): AsyncGenerator<Descriptor> {
    return listReferrers(this.#repository, subject, filter)
  }

  requests(): number {
    return this.#repository.requests
  }

  async push(content: Descriptor, bytes: Content, call: Call = {}): Promise<PushOutcome> {
    const repository = this.#repository
    repository.writing = true
    for (;;) {
      call.signal?.throwIfAborted()
      if (repository.known.has(content.digest)) return 'present'
      const { first, result } = this.#pushes.run(content.digest, () =>
        this.#bring(content, bytes, only(call)),
      )
      if (first) return result
      try {
        await result
        return 'present'
      } catch (error) {
        if (!isTheirs(error)) throw error
      }
    }
  }

  async put(manifest: Encoded, call: Call = {}): Promise<'uploaded' | 'present'> {
    const repository = this.#repository
    const { digest } = manifest.descriptor
    repository.writing = true
    for (;;) {
      call.signal?.throwIfAborted()
      if (this.#settled.has(digest)) return 'present'
      const { first, result } = this.#puts.run(digest, () => this.#write(manifest, only(call)))
      if (first) return result
      try {
        await result
        return 'present'
      } catch (error) {
        if (!isTheirs(error)) throw error
      }
    }
  }

  async tag(manifest: Encoded, tags: readonly Tag[], call: Call = {}): Promise<void> {
    this.#repository.writing = true
    // With a subject it must also be listed as a referrer, which only `put` sees to.
    if (manifest.manifest.subject !== undefined) await this.put(manifest, call)
    for (const tag of tags) await this.#insist(manifest, tag, only(call))
  }

  /**
   * distribution 2.8 rewrites a blob's link in place when somebody pushes that blob again, and denies for that
   * moment that it has it. A denial is believed when it stays.
   */
  async #insist(manifest: Encoded, tag: Tag, call: Call): Promise<void> {
    const { clock } = this.#repository.endpoint
    for (let attempt = 1; ; attempt++) {
      try {
        await putManifest(this.#repository, manifest, tag, call)
        return
      } catch (error) {
        if (!hasCode(error, 'MANIFEST_BLOB_UNKNOWN') || attempt === patience) throw error
        await clock.sleep(25 * 2 ** attempt * (0.5 + clock.random()), call.signal)
        if (attempt > 2 && (await anyMissing(this.#repository, children(manifest.manifest), call)))
          throw error
      }
    }
  }

  async #bring(content: Descriptor, bytes: Content, call: Call): Promise<PushOutcome> {
    const repository = this.#repository
    if (!this.#surelyAbsent(content.digest, content.size) && (await this.#hasBlob(content, call)))
      return 'present'
    const outcome = await uploadBlob(repository, content, bytes, call)
    repository.see(content.digest)
    repository.endpoint.remember(content.digest, repository.path)
    return outcome
  }

  async #write(manifest: Encoded, call: Call): Promise<'uploaded' | 'present'> {
    const repository = this.#repository
    const { digest, size } = manifest.descriptor
    let subject: string | undefined
    let outcome: 'uploaded' | 'present' = 'present'
    if (this.#surelyAbsent(digest, size) || !(await this.#hasManifest(digest, call))) {
      subject = (await putManifest(repository, manifest, digest, call)).subject
      outcome = 'uploaded'
    }
    await ensureListed(repository, manifest, subject, call)
    this.#settled.add(digest)
    return outcome
  }

  #surelyAbsent(digest: Digest, size: number): boolean {
    return this.#repository.absent.delete(digest) || (this.#repository.fresh && size < notWorthAsking)
  }

  /** Who may not look may still write: then the write's answer counts. */
  async #hasBlob(content: Descriptor, call: Call): Promise<boolean> {
    try {
      return await blobExists(this.#repository, content, call)
    } catch (error) {
      if (hasCode(error, 'REGISTRY_ERROR', 'DENIED')) return false
      throw error
    }
  }

  async #hasManifest(digest: Digest, call: Call): Promise<boolean> {
    try {
      return (await resolveManifest(this.#repository, digest, call)) !== undefined
    } catch (error) {
      if (hasCode(error, 'REGISTRY_ERROR', 'DENIED')) return false
      throw error
    }
  }
}

/** Attempts at a tag whose content the registry denies to have: about ten seconds. */
const patience = 9

/** Failures of the one who went first that say nothing of those who waited: a cancelled call, wrong bytes. */
function isTheirs(error: unknown): boolean {
  return !(error instanceof SlipwayError) || hasCode(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')
}

function only(call: Call): Call {
  return call.signal === undefined ? {} : { signal: call.signal }
}

function wrongSize(repository: Repository, expected: Descriptor, size: number): SlipwayError {
  const where = repository.at(expected.digest)
  return new SlipwayError('SIZE_MISMATCH', `${where}: should be ${expected.size} bytes, but is ${size}`, {
    hint: 'What points to it is damaged; build or fetch it again.',
  })
}

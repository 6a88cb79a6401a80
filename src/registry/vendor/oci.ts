import { mapConcurrent } from '../../core/concurrent.ts'
import { SlipwayError } from '../../core/error.ts'
import type { HttpResponse } from '../../http/transport.ts'
import type { Digest } from '../../oci/digest.ts'
import { isTag, type Tag } from '../../oci/reference.ts'
import {
  type Abilities,
  type Deleted,
  type Inventory,
  type InventoryEntry,
  inventoryChanged,
  sameTags,
  tagsChanged,
} from '../../store/inventory.ts'
import type { Call } from '../../store/store.ts'
import { failed, readFaults } from '../errors.ts'
import { resolveManifest } from '../manifests.ts'
import type { Repository } from '../repository.ts'
import { listEntries } from '../tags.ts'

/** Milliseconds for which it is believed where tags point; those of what is deleted are read again each time. */
const believed = 10_000

/** Answers that mean "not here" rather than "not now" or "not you". */
const unsupported = new Set([400, 404, 405, 501])

/**
 * The inventory that the distribution specification alone allows ("Deleting Manifests", "Deleting tags"): what
 * has no tag is not listed, and no time is told. Whether tags can go alone only trying tells: distribution 3
 * and zot do it, distribution 2.8 does not.
 */
export class OciInventory implements Inventory {
  readonly can: Abilities
  readonly #repository: Repository
  #seen: { readonly at: number; readonly tags: ReadonlyMap<Tag, Digest> } | undefined

  constructor(repository: Repository, untag: Abilities['untag'] = 'perhaps') {
    this.#repository = repository
    this.can = {
      untag,
      delete: true,
      listUntagged: false,
      listReferrers: false,
      pushedAt: false,
      pulledAt: false,
      restoreDays: 0,
    }
  }

  async *entries(call: Call = {}): AsyncGenerator<InventoryEntry> {
    const digests = new Map<Digest, Tag[]>()
    for (const [tag, digest] of await this.#read(call)) {
      const tags = digests.get(digest)
      if (tags === undefined) digests.set(digest, [tag])
      else tags.push(tag)
    }
    for (const [digest, tags] of digests) yield { digest, tags }
  }

  async untag(tag: Tag, expect: Digest, call: Call = {}): Promise<void> {
    const repository = this.#repository
    const found = await resolveManifest(repository, tag, call)
    if (found?.digest !== expect) throw inventoryChanged(repository.at(tag), expect, found?.digest)
    const response = await this.#delete(tag, call)
    this.#seen = undefined
    if (isDone(response)) return await response.discard()
    const faults = await readFaults(response)
    // An answer that was lost on the way makes the next attempt find nothing.
    if (response.status === 404 && (await resolveManifest(repository, tag, call)) === undefined) return
    const error = failed(repository.endpoint, repository.at(tag), 'deleting the tag', response, faults)
    if (!unsupported.has(response.status)) throw error
    throw new SlipwayError('UNTAG_UNSUPPORTED', error.message, {
      hint: 'This registry cannot take a tag away and keep its content; the tag stays.',
      cause: error,
    })
  }

  async delete(digest: Digest, expectTags: readonly Tag[], call: Call = {}): Promise<Deleted> {
    const repository = this.#repository
    const where = repository.at(digest)
    const seen = await this.#look(call)
    const tags = [...seen].flatMap(([tag, to]) => (to === digest ? [tag] : []))
    if (!sameTags(tags, expectTags)) throw tagsChanged(where, expectTags, tags)
    for (const tag of expectTags) {
      const found = await resolveManifest(repository, tag, call)
      if (found?.digest !== digest) throw inventoryChanged(repository.at(tag), digest, found?.digest)
    }
    const response = await this.#delete(digest, call)
    if (isDone(response)) {
      await response.discard()
      this.#forget(digest, seen)
      return {}
    }
    const faults = await readFaults(response)
    if (response.status === 404 && (await resolveManifest(repository, digest, call)) === undefined) return {}
    const error = failed(repository.endpoint, where, 'deleting', response, faults)
    const refusesAll = faults.some((one) => one.code === 'UNSUPPORTED') || response.status === 501
    if (refusesAll || (response.status === 405 && faults.every((one) => one.code !== 'DENIED')))
      throw new SlipwayError('DELETE_UNSUPPORTED', error.message, {
        hint: 'Deleting is switched off there: distribution wants REGISTRY_STORAGE_DELETE_ENABLED=true (storage.delete.enabled), ghcr.io and Harbor have an API of their own (--backend).',
        cause: error,
      })
    throw error
  }

  #delete(reference: Tag | Digest, call: Call): Promise<HttpResponse> {
    const { path } = this.#repository
    return this.#repository.send({
      method: 'DELETE',
      to: `manifests/${reference}`,
      also: [{ repository: path, actions: ['delete'] }],
      ...call,
    })
  }

  async #look(call: Call): Promise<ReadonlyMap<Tag, Digest>> {
    const { clock } = this.#repository.endpoint
    const seen = this.#seen
    return seen !== undefined && clock.now() - seen.at < believed ? seen.tags : await this.#read(call)
  }

  /** Every tag and where it points; also those that stand in for the referrers API. */
  async #read(call: Call): Promise<ReadonlyMap<Tag, Digest>> {
    const repository = this.#repository
    const at = repository.endpoint.clock.now()
    const names = new Set<Tag>()
    for await (const entry of listEntries(repository, call)) if (isTag(entry)) names.add(entry)
    const found = await mapConcurrent(names, repository.endpoint.limits.concurrency, async (tag) => {
      const descriptor = await resolveManifest(repository, tag, call)
      if (descriptor !== undefined) return [tag, descriptor.digest] as const
      throw new SlipwayError(
        'MANIFEST_UNKNOWN',
        `${repository.at(tag)}: the tag is listed, but has no manifest`,
        {
          hint: 'The registry is damaged, or somebody deleted it just now; nothing of this repository is deleted.',
        },
      )
    })
    this.#seen = { at, tags: new Map(found) }
    return this.#seen.tags
  }

  #forget(digest: Digest, seen: ReadonlyMap<Tag, Digest>): void {
    this.#repository.forget(digest)
    const at = this.#seen?.at
    if (at === undefined) return
    this.#seen = { at, tags: new Map([...seen].filter(([, to]) => to !== digest)) }
  }
}

function isDone({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

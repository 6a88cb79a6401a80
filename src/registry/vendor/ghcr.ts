import { randomUUID } from 'node:crypto'
import { badInput, SlipwayError } from '../../core/error.ts'
import { descriptorOf } from '../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { encode } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'
import { isTag, type Tag } from '../../oci/reference.ts'
import {
  type Abilities,
  type Deleted,
  type Inventory,
  type InventoryEntry,
  inventoryChanged,
  sameTags,
  tagsChanged,
  untaggedType,
} from '../../store/inventory.ts'
import { type Call, contentOf, type Store } from '../../store/store.ts'
import type { Repository } from '../repository.ts'
import { latest, messageIn, timeOf, unexpected } from './api.ts'
import { type GithubApi, githubApi } from './github-api.ts'

const empty = new TextEncoder().encode('{}')

/** A listing that is longer never ends. */
const mostPages = 1000

/** A digest and its tags, as GitHub counts them. */
interface Version {
  readonly id: number
  readonly digest: Digest
  readonly tags: readonly Tag[]
  readonly pushedAt: Date | undefined
}

/**
 * ghcr.io through GitHub's Packages API ("REST API endpoints for packages"), since it answers 405 to OCI's
 * DELETE. What can be deleted there is a version: a digest with all its tags. A tag goes alone by putting an
 * empty manifest in its place and deleting that.
 */
export class GhcrInventory implements Inventory {
  readonly can: Abilities = {
    untag: true,
    delete: true,
    listUntagged: true,
    listReferrers: true,
    pushedAt: true,
    pulledAt: false,
    restoreDays: 30,
  }
  readonly #repository: Repository
  readonly #store: Store
  readonly #api: GithubApi
  readonly #ids = new Map<Digest, number>()

  constructor(repository: Repository, store: Store, api: URL) {
    this.#repository = repository
    this.#store = store
    this.#api = githubApi(repository.endpoint, api)
  }

  async *entries(call: Call = {}): AsyncGenerator<InventoryEntry> {
    for await (const { id, digest, tags, pushedAt } of this.#versions(call)) {
      this.#ids.set(digest, id)
      yield { digest, tags, ...(pushedAt === undefined ? {} : { pushedAt }) }
    }
  }

  async untag(tag: Tag, expect: Digest, call: Call = {}): Promise<void> {
    const where = this.#repository.at(tag)
    const found = await this.#store.resolve(tag, call)
    if (found?.digest !== expect) throw inventoryChanged(where, expect, found?.digest)
    const config = descriptorOf(mediaType.empty, empty)
    const substitute = encode({
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      artifactType: untaggedType,
      config,
      layers: [],
      annotations: { 'dev.slipway.untagged': `${tag} ${randomUUID()}` },
    })
    await this.#store.push(config, contentOf(empty), call)
    await this.#store.tag(substitute, [tag], call)
    await this.#deleteOnce(substitute.descriptor.digest, [tag], call)
  }

  async delete(digest: Digest, expectTags: readonly Tag[], call: Call = {}): Promise<Deleted> {
    const id = this.#ids.get(digest) ?? (await this.#find(digest, call))?.id
    if (id === undefined) return {}
    const request = {
      ...(await this.#at(`/${id}`, call)),
      method: 'GET',
      what: 'reading the version',
    } as const
    const answer = await this.#api.send(request, call)
    if (answer.status === 404) return {}
    if (answer.status !== 200) throw this.#api.failure(request, answer)
    const version = versionOf(answer.body)
    if (version?.digest !== digest) throw unexpected(request)
    if (!sameTags(version.tags, expectTags)) throw tagsChanged(request.where, expectTags, version.tags)
    const deletion = { ...request, method: 'DELETE', what: `deleting ${digest}` } as const
    const done = await this.#api.send(deletion, call)
    if (done.status === 404) return {}
    if (done.status < 200 || done.status > 299) {
      const error = this.#api.failure(deletion, done)
      // Both are said with 400: above 5,000 downloads, or the last version that has a tag.
      if (!/cannot (be )?delete/i.test(messageIn(done.body))) throw error
      throw new SlipwayError('UNDELETABLE', error.message, {
        hint: 'GitHub keeps public versions with more than 5,000 downloads, and the last one with a tag.',
        cause: error,
      })
    }
    this.#ids.delete(digest)
    this.#repository.forget(digest)
    return { restore: `gh api --method POST ${request.url.pathname.replace(/^\/api\/v3/, '')}/restore` }
  }

  /** What was just written may take a moment to appear. */
  async #deleteOnce(digest: Digest, tags: readonly Tag[], call: Call): Promise<void> {
    const { endpoint } = this.#repository
    for (let failures = 1; ; failures++) {
      const found = await this.#find(digest, call)
      if (found !== undefined && sameTags(found.tags, tags)) {
        this.#ids.set(digest, found.id)
        await this.delete(digest, tags, call)
        return
      }
      if (failures > endpoint.limits.retries)
        throw new SlipwayError(
          'REGISTRY_ERROR',
          `${this.#repository.at(digest)}: GitHub does not list the manifest that was put in place of the tag`,
          { hint: 'The next run deletes it.' },
        )
      await endpoint.backOff(failures, call.signal)
    }
  }

  async #find(digest: Digest, call: Call): Promise<Version | undefined> {
    for await (const version of this.#versions(call)) if (version.digest === digest) return version
    return undefined
  }

  async *#versions(call: Call): AsyncGenerator<Version> {
    const first = await this.#at('?per_page=100&state=active', call)
    const seen = new Set<string>()
    for (let url: URL | undefined = first.url; url !== undefined; ) {
      const request = { ...first, url, method: 'GET', what: 'listing versions' } as const
      if (seen.has(url.href) || seen.size >= mostPages) throw unexpected(request)
      seen.add(url.href)
      const answer = await this.#api.send(request, call)
      if (answer.status !== 200) throw this.#api.failure(request, answer)
      if (!Array.isArray(answer.body)) throw unexpected(request)
      for (const one of answer.body) {
        const version = versionOf(one)
        if (version === undefined) throw unexpected(request)
        yield version
      }
      const next = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(answer.response.header('link') ?? '')?.[1]
      url = next === undefined ? undefined : (URL.parse(next, url.href) ?? undefined)
      // The token goes along.
      if (url !== undefined && url.origin !== this.#api.base.origin) throw unexpected(request)
    }
  }

  async #at(rest: string, call: Call): Promise<{ readonly url: URL; readonly where: string }> {
    const { path, name } = this.#repository
    const [owner = '', ...parts] = path.split('/')
    if (parts.length === 0)
      throw badInput('REPOSITORY_INVALID', `${name} names no package of an owner`, {
        hint: 'Repositories of ghcr.io are OWNER/PACKAGE.',
      })
    const base = await this.#api.ownerPath(owner, name, call)
    const packageName = encodeURIComponent(parts.join('/'))
    return {
      where: name,
      url: new URL(`${base}/packages/container/${packageName}/versions${rest}`, this.#api.base),
    }
  }
}

/** One version as GitHub writes it; undefined for anything else. */
function versionOf(value: unknown): Version | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, name, created_at, updated_at, metadata } = value as Record<string, unknown>
  const tags = (metadata as { container?: { tags?: unknown } } | undefined)?.container?.tags
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || !isDigest(name)) return undefined
  if (!Array.isArray(tags) || !tags.every(isTag)) return undefined
  return { id, digest: name, tags, pushedAt: latest([timeOf(created_at), timeOf(updated_at)]) }
}

import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, SlipwayError } from '../core/error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { isManifestType } from '../oci/media-type.ts'
import { isRepository, isTag, type Tag } from '../oci/reference.ts'
import { requiredChildren } from '../store/rules.ts'
import type { Call, Registry, Store } from '../store/store.ts'

/** What one repository of a bundle holds, or goes on from. */
export interface BundleRepository {
  readonly tags: ReadonlyMap<Tag, Digest>
  /** Everything that its tags lead to, and what refers to that, with sizes in bytes. */
  readonly content: ReadonlyMap<Digest, number>
}

/** What stands in an archive, by repository. */
export type Bundle = ReadonlyMap<string, BundleRepository>

/** Bytes of a lock: some hundred thousand digests. */
export const largestBundleLock = 256 * 1024 * 1024

/** Reads what tags lead to, and what refers to that; nothing but manifests is fetched. */
export async function bundleOf(registry: Registry, call: Call): Promise<Bundle> {
  const names = await Array.fromAsync(registry.repositories(call))
  const all = await mapConcurrent(
    names.sort(),
    4,
    async (name) => [name, await repositoryOf(registry.repository(name), call)] as const,
  )
  return new Map(all)
}

export async function repositoryOf(store: Store, call: Call): Promise<BundleRepository> {
  const tags = new Map<Tag, Digest>()
  const content = new Map<Digest, number>()
  const open: Descriptor[] = []
  for await (const tag of store.tags(call)) {
    const root = await store.resolve(tag, call)
    if (root === undefined) continue
    tags.set(tag, root.digest)
    open.push(root)
  }
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (content.has(one.digest)) continue
    content.set(one.digest, one.size)
    if (!isManifestType(one.mediaType)) continue
    const manifest = await store.manifest(one, call)
    if (manifest !== undefined) open.push(...requiredChildren(manifest.manifest))
    for await (const referrer of store.referrers(one, call)) open.push(referrer)
  }
  return { tags, content }
}

/** The lock of a bundle: sorted, so that the same content makes the same bytes. */
export function writeBundleLock(bundle: Bundle): string {
  const repositories = sorted(bundle).map(([name, { tags, content }]) => [
    name,
    { tags: Object.fromEntries(sorted(tags)), content: Object.fromEntries(sorted(content)) },
  ])
  return `${JSON.stringify({ version: 1, repositories: Object.fromEntries(repositories) }, null, 1)}\n`
}

/** @throws BUNDLE_LOCK_INVALID, BUNDLE_LOCK_NEWER */
export function readBundleLock(text: string, where: string): Bundle {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw invalid(where, 'it is not JSON')
  }
  if (!isObject(document)) throw invalid(where, 'it is no object')
  if (typeof document.version === 'number' && document.version > 1)
    throw new SlipwayError('BUNDLE_LOCK_NEWER', `${where} has version ${document.version}`, {
      hint: 'A newer slipway wrote it: use that one.',
    })
  if (document.version !== 1 || !isObject(document.repositories)) throw invalid(where, 'no version 1')
  return new Map(
    Object.entries(document.repositories).map(([name, value]) => {
      if (name !== '' && !isRepository(name))
        throw invalid(where, `${JSON.stringify(name.slice(0, 200))} is no repository`)
      if (!isObject(value) || !isObject(value.tags) || !isObject(value.content))
        throw invalid(where, `${name} has no tags or no content`)
      const tags = Object.entries(value.tags).map(([tag, digest]): [Tag, Digest] => {
        if (!isTag(tag) || !isDigest(digest)) throw invalid(where, `a wrong tag of ${name}`)
        return [tag, digest]
      })
      const content = Object.entries(value.content).map(([digest, size]): [Digest, number] => {
        if (!isDigest(digest) || !Number.isSafeInteger(size) || (size as number) < 0)
          throw invalid(where, `a wrong digest or size in ${name}`)
        return [digest, size as number]
      })
      return [name, { tags: new Map(tags), content: new Map(content) }]
    }),
  )
}

function invalid(where: string, what: string) {
  return badInput('BUNDLE_LOCK_INVALID', `${where} is no lock of a bundle: ${what}`, {
    hint: 'Name the lock that slipway registry backup wrote beside the earlier archive.',
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted<K extends string, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

import { type Descriptor, plain } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, type Encoded, referrerDescriptor } from '../oci/manifest.ts'
import { isManifestType } from '../oci/media-type.ts'
import { isRepository, isTag, type Tag } from '../oci/reference.ts'
import { named, refName } from './layout-index.ts'
import { requiredChildren } from './rules.ts'

/** Says to which repository of an archive a manifest without tag belongs. */
export const repositoryAnnotation = 'dev.slipway.repository'

/** What one repository of an archive holds; the bytes are in the pool that all of them share. */
export class Contents {
  readonly tags = new Map<Tag, Digest>()
  readonly manifests = new Map<Digest, Descriptor>()
  readonly referrers = new Map<Digest, Map<Digest, Descriptor>>()
  /** Everything its manifests name, and themselves. */
  readonly reached = new Set<Digest>()
  /** Brought here, but not named by any manifest yet. */
  readonly pushed = new Set<Digest>()

  holds(digest: Digest): boolean {
    return this.reached.has(digest) || this.pushed.has(digest)
  }

  /** @returns whether it was new */
  add(manifest: Encoded): boolean {
    const { digest } = manifest.descriptor
    if (this.manifests.has(digest)) return false
    const artifactType = artifactTypeOf(manifest.manifest)
    this.manifests.set(digest, {
      ...plain(manifest.descriptor),
      ...(artifactType !== undefined && { artifactType }),
    })
    for (const child of requiredChildren(manifest.manifest)) this.reached.add(child.digest)
    this.reached.add(digest)
    const subject = manifest.manifest.subject?.digest
    if (subject === undefined) return true
    const listed = this.referrers.get(subject) ?? new Map<Digest, Descriptor>()
    this.referrers.set(subject, listed.set(digest, referrerDescriptor(manifest)))
    return true
  }
}

type Load = (descriptor: Descriptor) => Promise<Encoded | undefined>

/** Sorts an archive's entries into repositories by their names, and reads what is below them. */
export async function readContents(
  entries: readonly Descriptor[],
  load: Load,
): Promise<Map<string, Contents>> {
  const repositories = new Map<string, Contents>()
  let loose: Encoded[] = []
  for (const entry of entries) {
    const { repository, tag } = placeOf(entry)
    const manifest = await load(plain(entry))
    if (manifest === undefined) continue
    if (repository === undefined) {
      loose.push(manifest)
      continue
    }
    const contents = contentsOf(repositories, repository)
    await addBelow(contents, manifest, load)
    if (tag !== undefined) contents.tags.set(tag, entry.digest)
  }
  // Others' archives do not say where a signature belongs: to its subject, which can be a signature too.
  for (let before = -1; before !== loose.length; ) {
    before = loose.length
    const left: Encoded[] = []
    for (const manifest of loose) {
      const subject = manifest.manifest.subject?.digest
      const homes = [...repositories.values()].filter(
        (one) => subject !== undefined && one.reached.has(subject),
      )
      for (const contents of homes) await addBelow(contents, manifest, load)
      if (homes.length === 0) left.push(manifest)
    }
    loose = left
  }
  for (const manifest of loose) await addBelow(contentsOf(repositories, ''), manifest, load)
  return repositories
}

export function contentsOf(repositories: Map<string, Contents>, path: string): Contents {
  const contents = repositories.get(path) ?? new Contents()
  repositories.set(path, contents)
  return contents
}

/** The entries of index.json for all repositories; the same content makes the same list. */
export function entriesOf(repositories: ReadonlyMap<string, Contents>): Descriptor[] {
  return sorted(repositories).flatMap(([repository, contents]) =>
    sorted(contents.manifests).flatMap(([digest, manifest]) => {
      const tags = [...contents.tags].flatMap(([tag, target]) => (target === digest ? [tag] : [])).sort()
      if (tags.length > 0)
        return tags.map((tag) => named(manifest, repository === '' ? tag : `${repository}:${tag}`))
      return [
        repository === '' ? manifest : { ...manifest, annotations: { [repositoryAnnotation]: repository } },
      ]
    }),
  )
}

export function sorted<K extends string, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

async function addBelow(contents: Contents, manifest: Encoded, load: Load): Promise<void> {
  const open = [manifest]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (!contents.add(one)) continue
    for (const child of requiredChildren(one.manifest)) {
      const below = isManifestType(child.mediaType) ? await load(child) : undefined
      if (below !== undefined) open.push(below)
    }
  }
}

/** `repository:tag` is ours; a bare tag, as other tools write it, belongs to the repository without a name. */
function placeOf(entry: Descriptor): { readonly repository: string | undefined; readonly tag?: Tag } {
  const name = refName(entry)
  if (name !== undefined) {
    const colon = name.lastIndexOf(':')
    const tag = name.slice(colon + 1)
    const repository = name.slice(0, Math.max(colon, 0))
    if (isTag(tag) && (colon < 0 || isRepository(repository))) return { repository, tag }
  }
  const repository = entry.annotations?.[repositoryAnnotation]
  return { repository: repository !== undefined && isRepository(repository) ? repository : undefined }
}

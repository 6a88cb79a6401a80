import { createReadStream } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, onSide, refused, SlipwayError } from '../core/error.ts'
import { readManifest } from '../extension/manifest.ts'
import { largestYaml } from '../extension/yaml.ts'
import type { LockedPackage } from '../lockfile/lock.ts'
import { absoluteSource } from '../lockfile/source.ts'
import { annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { packageLayer } from '../oci/manifest.ts'
import { pack } from '../package/pack.ts'
import { packKcl } from '../package/pack-kcl.ts'
import { parseAddress, showAddress } from '../store/address.ts'
import { collect } from '../store/rules.ts'
import { openStage } from '../store/stage.ts'
import type { Store } from '../store/store.ts'
import { folderTree } from '../tree/folder.ts'
import { listed } from '../tree/listed.ts'
import { treeSize } from '../tree/size.ts'
import { readBytes } from '../tree/text.ts'
import type { Tree } from '../tree/tree.ts'
import { nameOf } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import { offline } from './failure.ts'
import { gitRemote } from './git-remote.ts'
import { gitSource } from './git-source.ts'
import type { PlacesOptions, Surroundings } from './package-sources.ts'
import { checkHeld, checkPublished } from './same-package.ts'
import { tarballSource } from './tarball-source.ts'

/** The archive of one locked package. */
export interface Archive {
  /** What its bytes must have: as the lock says, or, for a folder, as they are now. */
  readonly layer: Digest
  readonly mediaType?: string
  open(): AsyncIterable<Uint8Array>
}

export type ArchiveOptions = Pick<PlacesOptions, 'directory' | 'layouts' | 'offline'> & {
  readonly signal: AbortSignal
}

/**
 * Where the bytes of a locked package come from. A registry or host is asked when the archive is opened; a
 * folder or a git tag is packed at once, since only that tells its digest.
 * What is asked when it is opened may throw LOCKED_PACKAGE_GONE, LOCK_DIGEST_MISMATCH and LOCK_IDENTITY_MISMATCH.
 * @throws LOCK_DIGEST_MISSING, PACKAGE_SOURCE_MISSING, LOCKED_CONTENT_CHANGED for a git tag that was moved, and what packing and git throw
 */
export async function archiveOf(
  locked: LockedPackage,
  options: ArchiveOptions,
  surroundings: Surroundings,
): Promise<Archive> {
  const { id, source, layer } = locked
  const { signal } = options
  if (source === undefined)
    throw badInput('PACKAGE_SOURCE_MISSING', `slipway.lock does not say where ${id} is`, { hint: anew })
  const place = absoluteSource(source, options.directory)
  if (place.startsWith('path:'))
    return await packed(locked, folderTree(place.slice('path:'.length)), signal, surroundings)
  if (place.startsWith('git+')) return await fromGit(locked, place, options, surroundings)
  if (layer === undefined)
    throw badInput('LOCK_DIGEST_MISSING', `slipway.lock has no layer digest for ${id}`, { hint: anew })
  if (/^https?:/.test(place))
    return {
      layer,
      open: async function* () {
        const { offline } = options
        const { scratch } = surroundings
        const transport = await surroundings.transport()
        const tarball = tarballSource({ id, url: place, digest: layer, transport, scratch, offline })
        const held = await tarball.candidate(id, parseVersion(locked.version), { signal })
        checkHeld(held, locked, tarball.name)
        yield* createReadStream(await tarball.file({ signal }))
      },
    }
  return { layer, open: () => published(locked, place, layer, options, surroundings) }
}

const anew = 'Run slipway deps resolve to write it anew.'

async function* published(
  locked: LockedPackage,
  place: string,
  layer: Digest,
  { signal, offline: asksNothing }: ArchiveOptions,
  { open }: Surroundings,
): AsyncGenerator<Uint8Array> {
  const { manifest } = locked
  if (manifest === undefined)
    throw badInput('LOCK_DIGEST_MISSING', `slipway.lock has no manifest digest for ${locked.id}`, {
      hint: anew,
    })
  const address = parseAddress(place)
  if (asksNothing && address.scheme === 'oci') throw offline(`${showAddress(address)}@${manifest}`)
  try {
    const store = (await open(address)).repository(address.repository)
    const where = `${showAddress(address)}@${manifest}`
    const content = await layerOf(store, { ...locked, manifest, layer }, where, signal)
    yield* store.fetch(content, { signal })
  } catch (error) {
    throw onSide('source', error)
  }
}

/** @throws LOCKED_PACKAGE_GONE, LOCK_DIGEST_MISMATCH, LOCK_IDENTITY_MISMATCH */
async function layerOf(
  store: Store,
  locked: LockedPackage & { readonly manifest: Digest; readonly layer: Digest },
  where: string,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { layer, manifest, version } = locked
  const found = await store.manifest(manifest, { signal })
  if (found === undefined)
    throw new SlipwayError('LOCKED_PACKAGE_GONE', `${where} (${version}) does not exist any more`, {
      hint: 'It was deleted from the registry: restore it there, or run slipway deps update.',
    })
  const content = packageLayer(found.manifest)
  if (content?.digest !== layer)
    throw badInput(
      'LOCK_DIGEST_MISMATCH',
      `${where} has the layer ${content?.digest ?? 'of no package'}, not ${layer}`,
      {
        hint: 'slipway.lock was edited or merged wrongly: run slipway deps resolve.',
      },
    )
  await checkPublished(found, locked, where, (blob) => collect(store.fetch(blob, { signal })))
  return content
}

async function fromGit(
  locked: LockedPackage,
  place: string,
  { layouts, offline, signal }: ArchiveOptions,
  surroundings: Surroundings,
): Promise<Archive> {
  const { id, kind, version } = locked
  const { environment, scratch } = surroundings
  const sharp = place.lastIndexOf('#')
  const tag = place.slice(sharp + 1)
  // Of its own: several packages of one repository are fetched at once, and git locks what it fetches into.
  const folder = mkdtemp(join(await scratch(), 'git-'))
  const url = place.slice('git+'.length, sharp)
  await using remote = gitRemote({ url, environment, scratch: () => folder, offline })
  // The version is the last thing that a git tag says.
  const form = tag.endsWith(version) ? `${tag.slice(0, -version.length)}{version}` : tag
  const source = gitSource({ remote, kind, name: nameOf(id), tag: form, layouts })
  const tree = await source.tree(parseVersion(version), { signal })
  if (tree === undefined)
    throw new SlipwayError('LOCKED_PACKAGE_GONE', `${locked.source} does not exist any more`, {
      hint: 'The git tag was deleted or moved: push it again, or run slipway deps update.',
    })
  const archive = await packed(locked, tree, signal, surroundings)
  if (locked.layer === undefined || locked.layer === archive.layer) return archive
  throw refused(
    'LOCKED_CONTENT_CHANGED',
    `${locked.source} has other content than was locked: ${locked.layer} → ${archive.layer}`,
    { hint: `The git tag was moved. Find out why; if it is right, run slipway deps update ${id}.` },
  )
}

/**
 * The same packages with the digests of what only packing them tells: a git tag moves without a trace, so the
 * lock says what it held.
 * @throws what archiveOf throws
 */
export async function withDigests(
  packages: readonly LockedPackage[],
  options: ArchiveOptions,
  surroundings: Surroundings,
): Promise<LockedPackage[]> {
  return await mapConcurrent(packages, 4, async (one) => {
    if (one.source?.startsWith('git+') !== true) return one
    return { ...one, layer: (await archiveOf(one, options, surroundings)).layer }
  })
}

/** Packs a tree as a release of it would be. */
async function packed(
  { id, kind, version }: LockedPackage,
  tree: Tree,
  signal: AbortSignal,
  { scratch }: Surroundings,
): Promise<Archive> {
  const files = await listed(tree)
  const stage = await openStage(await treeSize([files]), scratch)
  const store = stage.repository(nameOf(id))
  const name = nameOf(id)
  const options = { signal, scratch: await scratch() }
  const manifest = kind === 'kcl' ? undefined : await manifestOf(files)
  const { layer, encoded } =
    kind === 'kcl'
      ? await packKcl({ name, tree: files }, store, options)
      : await pack({ kind, name, version, tree: files, ...(manifest && { manifest }) }, store, options)
  const found =
    kind === 'kcl' ? encoded.manifest.annotations?.[annotation.kclVersion] : (manifest?.version ?? version)
  if (found !== version)
    throw new SlipwayError('LOCKED_PACKAGE_GONE', `${tree.name} is at ${found} now, not ${id} ${version}`, {
      hint: 'Check out the commit that has this version, or run slipway deps resolve.',
    })
  return { layer: layer.digest, mediaType: layer.mediaType, open: () => store.fetch(layer, { signal }) }
}

async function manifestOf(tree: Tree): Promise<Record<string, unknown> | undefined> {
  const file = await tree.file('manifest.yaml')
  if (file === undefined) return undefined
  const { document } = readManifest(await readBytes(file, tree.name, largestYaml), 'manifest.yaml')
  return document
}

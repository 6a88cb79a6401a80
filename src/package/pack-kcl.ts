import { badInput } from '../core/error.ts'
import { checkKcl, type NamedKclMod } from '../kcl/check.ts'
import { kclFiles } from '../kcl/files.ts'
import { kclSum } from '../kcl/sum.ts'
import { annotation } from '../oci/annotations.ts'
import { type Descriptor, descriptorOf } from '../oci/descriptor.ts'
import { encode, type ImageManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { contentOf, type Store } from '../store/store.ts'
import { compressSync, defaultCompression } from '../tarball/compress.ts'
import { checkCompressor } from '../tarball/golden.ts'
import { arrange, writeTarSync } from '../tarball/write.ts'
import { readBytes } from '../tree/text.ts'
import type { Tree, TreeFile } from '../tree/tree.ts'
import { showTime } from './annotations.ts'
import { type Packed, type PackOptions, secondsOf } from './pack.ts'

/** Bytes of all files: KCL packages are source text, made in memory in one reading. */
const largest = 128 * 1024 * 1024
const mostFiles = 100_000

export interface PackKclInput {
  /** For messages. */
  readonly name: string
  /** The package's own folder. */
  readonly tree: Tree
}

/**
 * Packs a KCL package as `kpm push` (0.12.8) writes it: artifactType and layer are the same tar+gzip, titled
 * `<name>_<version>.tgz`; the config is empty, with its data; annotations tell name, version, description and
 * sum. `off` writes the plain tar of kpm 0.12.4. Files stand in the order of kpm's walk; folders have no
 * entries of their own, as in every archive of Slipway's. The shape `image` means nothing here.
 * @throws COMPRESSOR_DIFFERS, KCL_PACKAGE_INVALID, KCL_PACKAGE_TOO_LARGE, PATH_UNSAFE, TREE_*
 */
export async function packKcl(input: PackKclInput, stage: Store, options: PackOptions = {}): Promise<Packed> {
  const { compression = defaultCompression, signal } = options
  if (options.allowIrreproducible !== true) checkCompressor(compression)
  const { tree } = input
  const mod = await modOf(input)
  const entries = await readAll(await kclFiles(tree, mod), tree.name, signal)
  const sum = await kclSum(entries.map(({ entry, bytes }) => ({ ...entry, open: () => once(bytes) })))
  const seconds = secondsOf(options)
  const tar = writeTarSync(entries, seconds)
  const off = compression === 'off'
  const bytes = off ? tar : compressSync(tar, compression)
  const type = off ? mediaType.layerTar : mediaType.layerTarGzip
  const title = `${mod.name}_${mod.version}.${off ? 'tar' : 'tgz'}`
  const layer: Descriptor = { ...descriptorOf(type, bytes), annotations: { [annotation.title]: title } }
  const empty = new TextEncoder().encode('{}')
  const config: Descriptor = { ...descriptorOf(mediaType.empty, empty), data: 'e30=' }
  const encoded = encode<ImageManifest>({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    artifactType: type,
    config,
    layers: [layer],
    annotations: {
      [annotation.kclDescription]: mod.description ?? '',
      [annotation.kclName]: mod.name,
      [annotation.kclSum]: sum,
      [annotation.kclVersion]: mod.version,
      [annotation.created]: showTime(tree.time ?? new Date(seconds * 1000)),
    },
  })
  const call = signal === undefined ? {} : { signal }
  await stage.push(layer, contentOf(bytes), call)
  await stage.push(config, contentOf(empty), call)
  await stage.put(encoded, call)
  return { encoded, layer, config, title, files: entries.length, uncompressed: tar.byteLength }
}

/** Whoever plans a release has told the findings with their places already. */
async function modOf({ name, tree }: PackKclInput): Promise<NamedKclMod> {
  const { mod, findings } = await checkKcl(tree, '')
  if (mod !== undefined) return mod
  throw badInput('KCL_PACKAGE_INVALID', `${tree.name}: ${name} cannot be packed as a KCL package`, {
    findings,
    hint: 'Each error stands above with its place.',
  })
}

/** Once, so that sum and archive are of the same bytes. */
async function readAll(files: readonly TreeFile[], where: string, signal: AbortSignal | undefined) {
  const total = files.reduce((sum, file) => sum + file.size, 0)
  if (total > largest || files.length > mostFiles)
    throw badInput(
      'KCL_PACKAGE_TOO_LARGE',
      `${where} has ${files.length} files of ${total} bytes; a KCL package has at most ${mostFiles} of ${largest}`,
      { hint: 'Name what does not belong into the package in exclude of kcl.mod.' },
    )
  // For its checks of paths alone: kpm's order stays.
  arrange(files, where)
  const entries: { entry: TreeFile; bytes: Uint8Array }[] = []
  for (const entry of files) {
    signal?.throwIfAborted()
    entries.push({ entry, bytes: await readBytes(entry, where, largest) })
  }
  return entries
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

import { badInput } from '../core/error.ts'
import { defaultLimits } from '../core/limits.ts'
import { kclAnnotation } from '../kcl/annotation.ts'
import { readKclModOf } from '../kcl/check.ts'
import { annotation } from '../oci/annotations.ts'
import { type Annotations, type Descriptor, descriptorOf } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { type Encoded, encode, type ImageManifest } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { contentOf, type Store } from '../store/store.ts'
import { type Compression, defaultCompression } from '../tarball/compress.ts'
import { checkCompressor } from '../tarball/golden.ts'
import { subtree } from '../tree/subtree.ts'
import type { Tree } from '../tree/tree.ts'
import { type ManifestDocument, showTime, staticAnnotations } from './annotations.ts'
import { chooseFiles } from './choose.ts'
import { makeLayer } from './layer.ts'

/** Media type of the config blob: the whole manifest as JSON. */
export const manifestConfigType = 'application/vnd.slipway.manifest.v1+json'

export function artifactTypeFor(kind: string): string {
  return `application/vnd.slipway.${kind}.v1`
}

export interface PackInput {
  readonly kind: string
  readonly name: string
  /** Semver without a leading v. */
  readonly version: string
  /** The parsed manifest.yaml; default, for a plain folder: name, type and version. */
  readonly manifest?: ManifestDocument
  /** More annotations that depend on the files alone; they come into the archive too. */
  readonly annotations?: Annotations
  /** More annotations of the outer manifest only. */
  readonly outerAnnotations?: Annotations
  readonly tree: Tree
}

/** `artifact` has a config and type of its own; `image` is for registries that refuse unknown types. */
export type Shape = 'artifact' | 'image'

export interface PackOptions {
  /** Default 6. */
  readonly compression?: Compression
  /** SOURCE_DATE_EPOCH: seconds since 1970 for the times in the archive, and for `created` without a commit. */
  readonly sourceDateEpoch?: number
  readonly shape?: Shape
  /** Packs although this Node compresses differently. */
  readonly allowIrreproducible?: boolean
  /** Folder for the layer of a large package; default: the system's. */
  readonly scratch?: string
  readonly signal?: AbortSignal
}

export interface Packed {
  readonly encoded: Encoded<ImageManifest>
  readonly layer: Descriptor
  readonly config: Descriptor
  /** File name of the layer. */
  readonly title: string
  /** Files and links in the archive, `oci-manifest.json` included. */
  readonly files: number
  /** Bytes of the tar inside the layer. */
  readonly uncompressed: number
}

/**
 * Packs a tree into a store as one OCI artifact: layer, config, then the manifest, without a tag. Layer and
 * config depend on the files, the manifest and the options; the commit and its time stand in the outer
 * manifest only.
 * @throws COMPRESSOR_DIFFERS, PACKAGE_*, TREE_*, PATH_UNSAFE and what reading the tree or the store throws
 */
export async function pack(input: PackInput, stage: Store, options: PackOptions = {}): Promise<Packed> {
  const { compression = defaultCompression, shape = 'artifact', signal } = options
  if (options.allowIrreproducible !== true) checkCompressor(compression)
  const { kind, name, version, tree } = input
  const manifest = input.manifest ?? { name, type: kind, version }
  const fixed = { ...staticAnnotations(name, version, manifest), ...input.annotations }
  const call = signal === undefined ? {} : { signal }
  await using made = await makeLayer({
    files: await chooseFiles(tree),
    name: tree.name,
    artifactType: artifactTypeFor(kind),
    annotations: fixed,
    compression,
    seconds: secondsOf(options),
    ...(options.scratch === undefined ? {} : { scratch: options.scratch }),
    ...call,
  })
  const off = compression === 'off'
  const title = `${name}-${version}.tar${off ? '' : '.gz'}`
  const layer: Descriptor = {
    mediaType: off ? mediaType.layerTar : mediaType.layerTarGzip,
    digest: made.digest,
    size: made.size,
    annotations: { [annotation.title]: title },
  }
  const configBytes = encodeConfig(shape, manifest, fixed, made.diffId)
  const config = descriptorOf(shape === 'image' ? mediaType.imageConfig : manifestConfigType, configBytes)
  const encoded = encode<ImageManifest>({
    schemaVersion: 2,
    mediaType: mediaType.manifest,
    ...(shape === 'image' ? {} : { artifactType: artifactTypeFor(kind) }),
    config,
    layers: [layer],
    annotations: {
      ...fixed,
      ...outer(input, options),
      ...(await schemaOf(tree)),
      [annotation.manifest]: JSON.stringify(manifest),
    },
  })
  if (encoded.bytes.byteLength > defaultLimits.manifest)
    throw badInput('PACKAGE_MANIFEST_TOO_LARGE', `${tree.name}: the manifest is too large for a registry`, {
      hint: 'Move long texts from manifest.yaml into files beside it.',
    })
  await stage.push(layer, made.content, call)
  await stage.push(config, contentOf(configBytes), call)
  await stage.put(encoded, call)
  return { encoded, layer, config, title, files: made.count, uncompressed: made.uncompressed }
}

/** What the schema in `kcl/` needs of other KCL packages: a solver shall not have to fetch the archive. */
async function schemaOf(tree: Tree): Promise<Annotations> {
  const { mod } = await readKclModOf(subtree(tree, 'kcl'), 'kcl')
  const text = mod === undefined ? undefined : kclAnnotation(mod)
  return text === undefined ? {} : { [annotation.kcl]: text }
}

/** Annotations that tell where the files come from; two commits with equal files differ here only. */
function outer(input: PackInput, options: PackOptions): Annotations {
  const { tree } = input
  const time = tree.time ?? new Date(secondsOf(options) * 1000)
  return {
    [annotation.created]: showTime(time),
    ...(tree.commit === undefined ? {} : { [annotation.revision]: tree.commit }),
    ...input.outerAnnotations,
  }
}

/** Image spec v1.1, config.md: `created` is left out, since it would tie the config to a commit. */
function encodeConfig(
  shape: Shape,
  manifest: ManifestDocument,
  labels: Annotations,
  diffId: Digest,
): Uint8Array {
  const document =
    shape === 'artifact'
      ? manifest
      : {
          // Required fields; the content is for every platform, and this one passes the most filters.
          architecture: 'amd64',
          os: 'linux',
          config: { Labels: labels },
          rootfs: { type: 'layers', diff_ids: [diffId] },
        }
  return new TextEncoder().encode(JSON.stringify(document))
}

/** The latest second that a tar header and a date can both hold. */
const latest = 0o77777777777

/** @throws SOURCE_DATE_EPOCH_INVALID */
export function secondsOf(options: PackOptions): number {
  const seconds = options.sourceDateEpoch ?? 0
  if (Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= latest) return seconds
  throw badInput('SOURCE_DATE_EPOCH_INVALID', `${seconds} is not a time in seconds since 1970`, {
    hint: 'Set SOURCE_DATE_EPOCH to whole seconds, such as $(git log -1 --format=%ct).',
  })
}

import { badInput } from '../core/error.ts'
import { kclRanges, kclSources } from '../kcl/annotation.ts'
import { modFile } from '../kcl/files.ts'
import { type KclMod, readKclMod } from '../kcl/mod.ts'
import { largestToml } from '../kcl/toml.ts'
import { annotation } from '../oci/annotations.ts'
import { type Encoded, packageLayer } from '../oci/manifest.ts'
import type { Call, ReadableStore } from '../store/store.ts'
import { readTar } from '../tarball/read.ts'
import type { ArchiveLimits } from '../tarball/unpack.ts'

/** What a KCL package tells of itself in its archive. */
export interface KclDescription {
  readonly name: string
  readonly version: string
  /** Name to range, as far as it takes part in solving: `{k8s: '>=1.31.2'}`. */
  readonly dependencies: Readonly<Record<string, string>>
  /** Name to `oci://HOST/REPOSITORY`, where kcl.mod says where a package is. */
  readonly sources: Readonly<Record<string, string>>
  readonly mod: KclMod
}

export interface KclPackage extends KclDescription {
  /** kpm's sum, as the manifest says it; undefined where nobody wrote one. */
  readonly sum?: string
}

/** As far as an archive is unpacked to find kcl.mod: behind what sorts before it, at its root. */
const limits: Partial<ArchiveLimits> = { bytes: 256 * 1024 * 1024 }

/**
 * Reads a KCL package that kpm or Slipway pushed, as far as to its `kcl.mod`.
 * @throws KCL_PACKAGE_INVALID, ARCHIVE_*, and what the store throws
 */
export async function readKclPackage(
  store: ReadableStore,
  found: Encoded,
  call: Call = {},
): Promise<KclPackage> {
  const where = `${store.name}@${found.descriptor.digest}`
  const layer = packageLayer(found.manifest)
  if (layer === undefined) throw invalid(where, 'it is not one archive layer')
  const description = await readKclArchive(store.fetch(layer, call), where, call)
  const sum = found.manifest.annotations?.[annotation.kclSum]
  return { ...description, ...(sum === undefined ? {} : { sum }) }
}

/**
 * The `kcl.mod` of an archive; the rest of the archive is not read.
 * @param where for messages
 * @throws KCL_PACKAGE_INVALID, ARCHIVE_DAMAGED, ARCHIVE_TOO_LARGE, ARCHIVE_UNSAFE
 */
export async function readKclArchive(
  archive: AsyncIterable<Uint8Array>,
  where: string,
  call: Call = {},
): Promise<KclDescription> {
  for await (const entry of readTar(archive, { name: where, limits, ...call })) {
    if (entry.type !== 'file' || entry.path.replace(/^\.\//, '') !== modFile) continue
    if (entry.size > largestToml) throw invalid(where, `kcl.mod has ${entry.size} bytes`)
    const { mod } = readKclMod(Buffer.concat(await Array.fromAsync(entry.body)), modFile)
    if (mod === undefined) throw invalid(where, 'kcl.mod is not TOML')
    const { name, version } = mod
    if (name === undefined || version === undefined)
      throw invalid(where, 'kcl.mod has no usable name and version')
    return { name, version, dependencies: kclRanges(mod), sources: kclSources(mod), mod }
  }
  throw invalid(where, 'it has no kcl.mod at its root')
}

function invalid(where: string, what: string) {
  return badInput('KCL_PACKAGE_INVALID', `${where} is not a KCL package: ${what}`, {
    hint: 'Pack it with kpm or with Slipway from a folder that has kcl.mod.',
  })
}

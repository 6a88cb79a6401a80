import * as z from 'zod/mini'
import { badInput, SlipwayError } from '../core/error.ts'
import type { Kind } from '../extension/kinds.ts'
import { manifestSchema, mostDependencies } from '../extension/manifest.ts'
import { namePattern } from '../extension/name.ts'
import { annotation } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Encoded, isIndex, packageLayer } from '../oci/manifest.ts'
import { manifestConfigType } from '../package/pack.ts'
import { readKclArchive } from '../package/read-kcl.ts'
import { isRepositoryAddress } from '../store/address.ts'
import { isKcl, type PackageId } from '../version/package-id.ts'
import { rangeOf } from '../version/range.ts'
import type { Version } from '../version/version.ts'
import { extensionRequirements, kclRequirements } from './requirements.ts'
import type { Candidate, Withheld } from './source.ts'

/** What was asked for; the manifest has to say the same. */
export interface Asked {
  readonly id: PackageId
  readonly version: Version
  /** Kinds that this repository may hold. */
  readonly kinds: readonly Kind[]
  /** The name in the manifest. */
  readonly name: string
  readonly source: string
}

/** Reads a whole blob that the manifest points to, where its annotations do not tell enough. */
export type ReadBlob = (content: Descriptor) => Promise<Uint8Array>

/** Bytes of a manifest.yaml as JSON: four times what a file may have. */
const largestDocument = 1024 * 1024

/** Bytes of a KCL package that is fetched only to learn its dependencies. */
const largestKcl = 32 * 1024 * 1024

/** Only what solving needs: a broken homepage is no reason to leave a version out. */
const solvingSchema = z.pick(manifestSchema, {
  name: true,
  type: true,
  version: true,
  dependencies: true,
  platforms: true,
  min_provisioning_version: true,
  retracted: true,
})

const kclSchema = z.object({
  name: z.optional(z.string()),
  version: z.optional(z.string()),
  dependencies: z.optional(
    z
      .record(
        z.string().check(z.regex(namePattern)),
        z.string().check(z.refine((text) => rangeOf(text) !== undefined)),
      )
      .check(z.refine((all) => Object.keys(all).length <= mostDependencies)),
  ),
  sources: z.optional(
    z
      .record(z.string().check(z.regex(namePattern)), z.string().check(z.refine(isRepositoryAddress)))
      .check(z.refine((all) => Object.keys(all).length <= mostDependencies)),
  ),
})

/**
 * The candidate that a manifest describes. What it says of itself comes from whoever could push it: a name,
 * version or kind other than what was asked for withholds it.
 */
export async function readCandidate(
  found: Encoded,
  asked: Asked,
  blob: ReadBlob,
): Promise<Candidate | Withheld> {
  const layer = packageLayer(found.manifest)
  if (layer === undefined) return unreadable('is not a package of one archive layer')
  const read = isKcl(asked.id)
    ? await readKcl(found, layer, asked, blob)
    : await readExtension(found, asked, blob)
  if ('unavailable' in read) return read
  return {
    id: asked.id,
    version: asked.version,
    source: asked.source,
    manifest: found.descriptor.digest,
    layer,
    ...read,
  }
}

/** A version that is there, but whose description is not to be trusted. */
export function unreadable(reason: string): Withheld {
  return { unavailable: { cause: 'unreadable', reason } }
}

type Read = Pick<Candidate, 'kind' | 'requires' | 'platforms' | 'retracted'>

async function readExtension(found: Encoded, asked: Asked, blob: ReadBlob): Promise<Read | Withheld> {
  const text = await manifestText(found, blob)
  if (text === undefined) return unreadable('has no manifest of Slipway')
  const result = solvingSchema.safeParse(parse(text))
  if (!result.success) return unreadable(`has a broken manifest${at(result.error.issues[0]?.path)}`)
  const { data } = result
  const kind = asked.kinds.find((one) => one === data.type)
  const fault = disagreement(asked, data)
  if (fault !== undefined) return unreadable(fault)
  if (kind === undefined) return unreadable(`has a manifest of type ${data.type}, which has no place there`)
  const kcl = annotated(found, annotation.kcl)
  const facts = kcl === undefined ? undefined : kclSchema.safeParse(parse(kcl))
  if (facts?.success === false) return unreadable('has a broken description of its KCL package')
  return {
    kind,
    requires: [
      ...extensionRequirements(data),
      ...kclRequirements(facts?.data.dependencies ?? {}, facts?.data.sources),
    ],
    platforms: data.platforms ?? [],
    retracted: data.retracted ?? {},
  }
}

async function readKcl(
  found: Encoded,
  layer: Descriptor,
  asked: Asked,
  blob: ReadBlob,
): Promise<Read | Withheld> {
  const text = annotated(found, annotation.kcl)
  const facts = text === undefined ? await unpackedKcl(layer, asked, blob) : parse(text)
  if (facts instanceof SlipwayError) return unreadable(`cannot be read: ${facts.message}`)
  const result = kclSchema.safeParse(facts)
  if (!result.success) return unreadable(`has a broken description${at(result.error.issues[0]?.path)}`)
  const fault = disagreement(asked, result.data)
  if (fault !== undefined) return unreadable(fault)
  return {
    kind: 'kcl',
    requires: kclRequirements(result.data.dependencies ?? {}, result.data.sources),
    platforms: [],
    retracted: {},
  }
}

/** What the archive says, or why it is not to be used; what goes wrong on the way to it is thrown. */
async function unpackedKcl(layer: Descriptor, asked: Asked, blob: ReadBlob): Promise<unknown> {
  if (layer.size > largestKcl)
    return badInput('ARCHIVE_TOO_LARGE', `a package of ${layer.size} bytes is not fetched for its kcl.mod`)
  try {
    return await readKclArchive(once(await blob(layer)), `${asked.source}@${layer.digest}`)
  } catch (error) {
    if (error instanceof SlipwayError && error.exit === 2) return error
    throw error
  }
}

/** The manifest from the annotation, so that one request is enough; else from the config. */
async function manifestText(found: Encoded, blob: ReadBlob): Promise<string | undefined> {
  const text = annotated(found, annotation.manifest)
  if (text !== undefined || isIndex(found.manifest)) return text
  const { config } = found.manifest
  if (config.mediaType !== manifestConfigType || config.size > largestDocument) return undefined
  return new TextDecoder().decode(await blob(config))
}

function annotated(found: Encoded, key: string): string | undefined {
  const { annotations = {} } = found.manifest
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined
}

function parse(text: string): unknown {
  if (text.length > largestDocument) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function disagreement(
  asked: Asked,
  { name = '', version = '' }: { name?: string | undefined; version?: string | undefined },
): string | undefined {
  if (name !== asked.name) return `has the manifest of ${name === '' ? 'nobody' : shown(name)}`
  if (version !== asked.version.version)
    return `has the manifest of ${version === '' ? 'no version' : `version ${shown(version)}`}`
  return undefined
}

/** Where a document breaks the schema; its own keys are text from outside. */
function at(path: readonly PropertyKey[] | undefined): string {
  return path === undefined || path.length === 0 ? '' : ` at ${shown(path.map(String).join('.'))}`
}

function shown(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, ' ').slice(0, 100)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

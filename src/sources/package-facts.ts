import * as z from 'zod/mini'
import { type Kind, kinds } from '../extension/kinds.ts'
import { manifestSchema, mostDependencies } from '../extension/manifest.ts'
import { namePattern } from '../extension/name.ts'
import { isKclPackage } from '../kcl/artifact.ts'
import { annotation } from '../oci/annotations.ts'
import { artifactTypeOf, type Encoded, isIndex } from '../oci/manifest.ts'
import { showPlatform } from '../oci/platform.ts'
import { artifactTypeFor } from '../package/pack.ts'

/** What one manifest tells a reader of its package, without fetching a blob. */
export interface PackageFacts {
  readonly kind: Kind | null
  readonly description: string | null
  /** Words to find it by. */
  readonly keywords: readonly string[]
  /** Name to version range; null where only the package's files tell. */
  readonly dependencies: Readonly<Record<string, string>> | null
  readonly platforms: readonly string[]
  /** Why what it says of itself is not told. */
  readonly problem: string | null
}

/** Characters of a manifest.yaml as JSON: four times what a file may have. */
const longestDocument = 1024 * 1024

/** Characters of a description; platforms of an index. Whoever could push wrote them. */
const longestDescription = 4096
const mostPlatforms = 50

const kclDependencies = z
  .record(z.string().check(z.regex(namePattern), z.maxLength(100)), z.string().check(z.maxLength(256)))
  .check(z.refine((all) => Object.keys(all).length <= mostDependencies))

const word = z.string().check(z.regex(/^[\w.]{1,40}$/))
const platformSchema = z.object({ os: word, architecture: word, variant: z.optional(word) })

/**
 * What the annotations say of a package. Fields that break the rules of a manifest.yaml are left out one by one: a
 * broken list of tags is no reason to hide the description.
 * @param name the package that its repository is for; the manifest of another one tells nothing
 */
export function factsOf(found: Encoded, name: string): PackageFacts {
  const { manifest } = found
  const text = annotated(found, annotation.manifest)
  const document = text === undefined ? undefined : documentIn(text)
  const foreign = document !== undefined && document.name !== name
  if (foreign || (text !== undefined && document === undefined))
    return {
      ...nothing,
      kind: kindOfArtifact(found),
      problem: foreign ? 'its manifest is that of another package' : 'its manifest cannot be read',
    }
  const { description, tags, dependencies, platforms, type } = manifestSchema.shape
  const field = <T>(schema: z.ZodMiniType<T>, value: unknown): T | undefined => {
    const read = schema.safeParse(value)
    return read.success ? read.data : undefined
  }
  const of = document ?? {}
  const kcl = documentIn(annotated(found, annotation.kcl) ?? '')
  const bare = document === undefined
  return {
    kind: field(type, of.type) ?? kindOfArtifact(found) ?? (bare && isKclPackage(manifest) ? 'kcl' : null),
    description: field(description, of.description) ?? (bare ? described(found) : undefined) ?? null,
    keywords: field(tags, of.tags) ?? [],
    dependencies: bare
      ? (field(kclDependencies, kcl?.dependencies) ?? null)
      : of.dependencies === undefined
        ? {}
        : (field(dependencies, of.dependencies) ?? null),
    platforms: field(platforms, of.platforms) ?? (isIndex(manifest) ? platformsOf(manifest.manifests) : []),
    problem: null,
  }
}

export const nothing: PackageFacts = {
  kind: null,
  description: null,
  keywords: [],
  dependencies: null,
  platforms: [],
  problem: null,
}

function annotated({ manifest: { annotations = {} } }: Encoded, key: string): string | undefined {
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined
}

/** Own keys only: what a prototype has, no document says. */
function documentIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.length > longestDocument) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.assign(Object.create(null) as Record<string, unknown>, value)
  } catch {
    return undefined
  }
}

function kindOfArtifact({ manifest }: Encoded): Kind | null {
  const type = artifactTypeOf(manifest)
  return kinds.find((kind) => artifactTypeFor(kind) === type) ?? null
}

function described(found: Encoded): string | undefined {
  const text = annotated(found, annotation.description) ?? annotated(found, annotation.kclDescription)
  return text?.slice(0, longestDescription) || undefined
}

/** A descriptor's platform is checked by nobody before. `unknown/unknown` is how build tools mark what is none. */
function platformsOf(manifests: readonly { readonly platform?: unknown }[]): string[] {
  const shown = manifests.flatMap(({ platform }) => {
    const read = platformSchema.safeParse(platform)
    if (!read.success || read.data.os === 'unknown') return []
    const { os, architecture, variant } = read.data
    return [showPlatform(variant === undefined ? { os, architecture } : { os, architecture, variant })]
  })
  return [...new Set(shown)].slice(0, mostPlatforms)
}

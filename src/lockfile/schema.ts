import * as z from 'zod/mini'
import { kinds } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { isDigest } from '../oci/digest.ts'
import { core, nameOf, type PackageId } from '../version/package-id.ts'
import { versionPattern } from '../version/version.ts'
import { sourceFault } from './source.ts'

const line = z
  .string()
  .check(
    z.minLength(1),
    z.maxLength(1000),
    z.regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'must be one line without control characters'),
  )

/** Characters of an id: `kcl:` and a name. */
const id = z.string().check(
  z.maxLength(110),
  z.refine((text) => isName(nameOf(text as PackageId)), 'is not a package: a name, kcl:<name> or core'),
)

const option = z.string().check(z.regex(/^[a-z][a-zA-Z0-9-]{0,99}$/, 'is not the name of an option'))

const digest = z.string().check(z.refine(isDigest, 'is not a digest'))

const platform = z
  .string()
  .check(z.maxLength(64), z.regex(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/, 'is not a platform'))

const source = line.check((context) => {
  const fault = sourceFault(context.value)
  if (fault !== undefined)
    context.issues.push({ code: 'custom', message: fault, input: context.value, continue: true })
})

const version = z.string().check(z.maxLength(127), z.regex(versionPattern, 'is not a full semantic version'))

/** How many entries a mapping of a lock has at most. */
export const mostPackages = 20_000

const lockedPackage = z.strictObject({
  kind: z.enum(kinds),
  version,
  source: z.optional(source),
  manifest: z.optional(digest),
  layer: z.optional(digest),
  dependencies: z.optional(z.record(id, line)),
  platforms: z.optional(z.array(platform).check(z.maxLength(50))),
})

export type PackageBlock = z.infer<typeof lockedPackage>

/** `slipway.lock` as it is written; the port `Lock` is what the program works with. */
export const lockSchema = z.strictObject({
  version: z.literal(1),
  requirements: digest,
  options: z.record(option, line),
  roots: z.record(id, line),
  packages: z.record(id, lockedPackage),
})

/**
 * What must hold between the parts of a block; completes "kubernetes …". Undefined where it does.
 * An artifact without digests could be replaced unseen, so it has them wherever it comes from.
 */
export function blockFault(of: string, block: PackageBlock): string | undefined {
  if ((of === core) !== (block.kind === 'core')) return `cannot be of kind ${block.kind}`
  if (of.startsWith('kcl:') !== (block.kind === 'kcl')) return `cannot be of kind ${block.kind}`
  if (block.source === undefined) return block.kind === 'core' ? undefined : 'has no source'
  if (block.kind === 'core') return undefined
  if (/^(oci|layout|archive):/.test(block.source) && block.manifest === undefined)
    return 'has no digest of its manifest'
  if (!block.source.startsWith('path:') && block.layer === undefined) return 'has no digest of its layer'
  return undefined
}

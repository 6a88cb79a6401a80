import type { GitTag } from '../extension/git-tag.ts'
import { isExtensionKind } from '../extension/kinds.ts'
import { readKclModOf } from '../kcl/check.ts'
import { requirementOf } from '../kcl/dependency.ts'
import { annotation } from '../oci/annotations.ts'
import type { Encoded } from '../oci/manifest.ts'
import { subtree } from '../tree/subtree.ts'
import { core, extensionId, kclId } from '../version/package-id.ts'
import { rangeOf } from '../version/range.ts'
import { versionOf } from '../version/version.ts'
import { exactly, setOf } from '../version/version-set.ts'
import { packageIdOf } from './graph.ts'
import type { Elsewhere, Ordered, OrderedPackage, Required } from './order.ts'
import type { PlannedRelease } from './plan.ts'

type Document = Readonly<Record<string, unknown>>

/** A planned release in its place; what its `kcl.mod` asks for counts too. */
export async function orderedRelease(one: PlannedRelease): Promise<Ordered> {
  const { kind, name, version, repository, tag } = one
  // Not everything has a manifest.yaml: KCL packages have none, and the core may do without.
  const own = orderedPackage(one.manifest ?? { name, type: kind, version })
  const requires = [...(own?.requires ?? []), ...(await kclOf(one))]
  return { repository, tag, package: own && { ...own, requires } }
}

async function kclOf({ kind, folder, tree, manifest }: PlannedRelease): Promise<Required[]> {
  if (kind !== 'kcl' && !isExtensionKind(kind)) return []
  const { mod } = await readKclModOf(kind === 'kcl' ? tree : subtree(tree, 'kcl'), folder)
  const needed = (mod?.dependencies ?? []).flatMap((one) => requirementOf(one) ?? [])
  return manifest?.publish_kcl === true ? [...needed, ...schemaIn(mod)] : needed
}

/** An extension comes after the KCL package that is published from it: whoever finds one finds both. */
function schemaIn(facts: { readonly name?: unknown; readonly version?: unknown } | undefined): Required[] {
  const { name, version: text } = facts ?? {}
  const version = typeof text === 'string' ? versionOf(text) : undefined
  return typeof name === 'string' && version !== undefined ? [{ id: kclId(name), set: exactly(version) }] : []
}

/**
 * An artifact in its place, as far as its annotations tell; they may come from anywhere and hold anything.
 * @param kcl name to range: what a KCL package needs, which stands in its archive alone
 */
export function orderedArtifact(
  artifact: Encoded,
  repository: string,
  tag: string,
  kcl: Readonly<Record<string, string>> = {},
): Ordered {
  const { annotations = {} } = artifact.manifest
  const { [annotation.kclName]: name, [annotation.kclVersion]: version } = annotations
  const document = documentIn(annotations[annotation.manifest])
  const own = orderedPackage(name === undefined ? document : { name, type: 'kcl', version })
  const schema = documentIn(annotations[annotation.kcl])
  const needed = [...ranges(schema?.dependencies), ...ranges(kcl)].map(([key, set]) => ({
    id: kclId(key),
    set,
  }))
  const more = document?.publish_kcl === true ? [...needed, ...schemaIn(schema)] : needed
  return { repository, tag, package: own && { ...own, requires: [...own.requires, ...more] } }
}

/**
 * What a manifest.yaml document says of the order. `min_provisioning_version` makes a package wait for the
 * core where both are released at once.
 */
export function orderedPackage(document: Document | undefined): OrderedPackage | undefined {
  const { name, type, version: text, dependencies, min_provisioning_version: least } = document ?? {}
  const version = typeof text === 'string' ? versionOf(text) : undefined
  if (typeof name !== 'string' || version === undefined) return undefined
  const requires: Required[] = ranges(dependencies).map(([key, set]) => ({ id: extensionId(key), set }))
  if (typeof least === 'string')
    requires.push(...ranges({ core: `>=${least}` }).map(([, set]) => ({ id: core, set })))
  const id = type === 'core' ? core : type === 'kcl' ? kclId(name) : extensionId(name)
  return { id, version, requires }
}

/** A git tag's version as others may ask for it. */
export function elsewhere(tag: Pick<GitTag, 'kind' | 'name' | 'version'>): Elsewhere {
  return { id: packageIdOf(tag) ?? extensionId(tag.name), version: tag.version }
}

/** The ranges of a mapping from names; what is none is left out. */
function ranges(mapping: unknown) {
  if (typeof mapping !== 'object' || mapping === null) return []
  return Object.entries(mapping).flatMap(([name, text]) =>
    typeof text === 'string' && rangeOf(text) !== undefined ? [[name, setOf(text)] as const] : [],
  )
}

function documentIn(text: string | undefined): Document | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Document) : undefined
  } catch {
    return undefined
  }
}

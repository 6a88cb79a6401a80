import { badInput } from '../core/error.ts'
import { parseRepository, parseTag, type Tag } from '../oci/reference.ts'
import type { Version } from '../version/version.ts'

/** Every kind, in the order in which they are tried and listed. */
export const kinds = ['provider', 'taskserv', 'cluster', 'kcl', 'core', 'platform'] as const

/** What a package is; decides its git tag, repository, artifactType and registry tag. */
export type Kind = (typeof kinds)[number]

/** Kinds that are folders with a `manifest.yaml` and scripts. */
export const extensionKinds = ['provider', 'taskserv', 'cluster'] as const
export type ExtensionKind = (typeof extensionKinds)[number]

export function isExtensionKind(kind: Kind): kind is ExtensionKind {
  return (extensionKinds as readonly Kind[]).includes(kind)
}

/** How one kind is laid out; every field can be changed in `slipway.yaml`. */
export interface KindLayout {
  /** Folder under the repository's root that holds the packages: `taskservs`. Empty for core and platform. */
  readonly folder: string
  /** Git tag with `{folder}`, `{name}` and `{version}`. After `{folder}` a category folder may follow. */
  readonly gitTag: string
  /** Repository under the target's prefix, with `{name}`. */
  readonly repository: string
  /** Registry tag with `{version}`. */
  readonly registryTag: string
  /** Put between a target's prefix and the repository; usually empty. */
  readonly prefix: string
  /** The one package of a kind whose git tag holds no `{name}`. */
  readonly name?: string
}

export type Layouts = Readonly<Record<Kind, KindLayout>>

const inFolder = (folder: string): KindLayout => ({
  folder,
  gitTag: '{folder}/{name}/v{version}',
  repository: '{name}',
  registryTag: '{version}',
  prefix: '',
})

export const defaultLayouts: Layouts = {
  provider: inFolder('providers'),
  taskserv: inFolder('taskservs'),
  cluster: inFolder('clusters'),
  kcl: { ...inFolder('kcl'), prefix: 'provisioning-kcl' },
  core: { ...inFolder(''), gitTag: 'v{version}', registryTag: 'v{version}', name: 'provisioning-core' },
  platform: {
    ...inFolder(''),
    gitTag: '{name}/v{version}',
    registryTag: 'v{version}',
    prefix: 'provisioning-platform',
  },
}

/** What `slipway.yaml` changes of the defaults. */
export type LayoutChanges = {
  readonly [K in Kind]?: { readonly [F in keyof KindLayout]?: KindLayout[F] | undefined } | undefined
}

/**
 * The defaults with the changes of `slipway.yaml`.
 * @throws KINDS_AMBIGUOUS when one git tag would mean two kinds, or a tag without `{name}` no package
 */
export function layoutsWith(changes: LayoutChanges): Layouts {
  const layouts = { ...defaultLayouts }
  for (const kind of kinds) {
    const set = Object.entries(changes[kind] ?? {}).filter(([, value]) => value !== undefined)
    layouts[kind] = { ...layouts[kind], ...Object.fromEntries(set) }
  }
  const seen = new Map<string, Kind>()
  for (const kind of kinds) {
    const { gitTag, folder, name } = layouts[kind]
    if (!gitTag.includes('{name}') && name === undefined)
      throw badInput('KINDS_AMBIGUOUS', `The git tag "${gitTag}" of kind ${kind} does not tell a package`, {
        hint: `Put {name} into kinds.${kind}.gitTag, or set kinds.${kind}.name.`,
      })
    const pattern = gitTag.replaceAll('{folder}', folder)
    const other = seen.get(pattern)
    if (other !== undefined)
      throw badInput('KINDS_AMBIGUOUS', `A git tag "${pattern}" would be both a ${other} and a ${kind}`, {
        hint: `Change kinds.${other}.gitTag or kinds.${kind}.gitTag.`,
      })
    seen.set(pattern, kind)
  }
  return layouts
}

/**
 * Where a package is published, relative to a target's prefix: `kubernetes`, `provisioning-kcl/network`.
 * @throws REPOSITORY_INVALID
 */
export function repositoryOf(layouts: Layouts, kind: Kind, name: string): string {
  const { prefix, repository } = layouts[kind]
  const path = repository.replaceAll('{name}', name)
  return parseRepository(prefix === '' ? path : `${prefix}/${path}`)
}

/** The exact tag of a version: `1.28.0`, or `v3.5.0` for core. @throws TAG_INVALID */
export function registryTagOf(layouts: Layouts, kind: Kind, version: Version): Tag {
  return parseTag(layouts[kind].registryTag.replaceAll('{version}', version.version))
}

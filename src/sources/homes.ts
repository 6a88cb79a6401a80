import { extensionKinds, type Kind, type Layouts, repositoryOf } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { core, extensionId, isKcl, kclId, nameOf, type PackageId } from '../version/package-id.ts'
import { type Version, versionOf } from '../version/version.ts'

/** A repository, below a target's prefix, that can hold a package, and how its versions are tagged there. */
export interface Home {
  readonly repository: string
  /** With `{version}`. */
  readonly registryTag: string
  /** What may be published there under the name. */
  readonly kinds: readonly [Kind, ...Kind[]]
  /** The package's name in its manifest. */
  readonly name: string
}

/** Every place of a package: extensions of all kinds share one namespace, but perhaps not one repository. */
export function homesOf(layouts: Layouts, id: PackageId): Home[] {
  const homes = new Map<string, Home>()
  const name = id === core ? (layouts.core.name ?? core) : nameOf(id)
  // No registry has a repository for it, and none needs to be asked.
  if (!isName(name)) return []
  for (const kind of kindsOf(id)) {
    const { registryTag } = layouts[kind]
    const repository = repositoryOf(layouts, kind, name)
    const key = `${repository} ${registryTag}`
    const known = homes.get(key)
    homes.set(key, { repository, registryTag, name, kinds: known ? [...known.kinds, kind] : [kind] })
  }
  return [...homes.values()]
}

/** The full version a tag of this form stands for; moving tags are none. */
export function versionOfTag(tag: string, registryTag: string): Version | undefined {
  const [before = '', after = ''] = registryTag.split('{version}')
  if (!tag.startsWith(before) || !tag.endsWith(after)) return undefined
  return versionOf(tag.slice(before.length, tag.length - after.length))
}

/** The package that a repository below the prefix would be; undefined for what no template makes. */
export function idOfRepository(layouts: Layouts, repository: string): PackageId | undefined {
  if (homesOf(layouts, core).some((home) => home.repository === repository)) return core
  for (const kind of ['kcl', ...extensionKinds] as const) {
    const { prefix, repository: template } = layouts[kind]
    const [before = '', after = ''] = (prefix === '' ? template : `${prefix}/${template}`).split('{name}')
    if (!repository.startsWith(before) || !repository.endsWith(after)) continue
    const name = repository.slice(before.length, repository.length - after.length)
    if (isName(name)) return kind === 'kcl' ? kclId(name) : extensionId(name)
  }
  return undefined
}

function kindsOf(id: PackageId): readonly Kind[] {
  if (id === core) return ['core']
  return isKcl(id) ? ['kcl'] : extensionKinds
}

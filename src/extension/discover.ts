import { badInput } from '../core/error.ts'
import type { Finding } from '../core/finding.ts'
import type { Tree } from '../tree/tree.ts'
import { core } from '../version/package-id.ts'
import { isExtensionKind, type Kind, kinds, type Layouts, repositoryOf } from './kinds.ts'
import { isCategory, isName, nameHint } from './name.ts'
import { didYouMean } from './nearest.ts'

/** A folder of the repository that is, or claims to be, a package. */
export interface Package {
  readonly kind: Kind
  /** The folder's name, or the fixed name of a kind such as core. */
  readonly name: string
  /** Relative to the repository, with `/`; empty for the repository itself. */
  readonly folder: string
  readonly category?: string
}

export interface Discovery {
  /** The tree that was searched, for messages. */
  readonly where: string
  /** By folder. Without those whose name no package can have. */
  readonly packages: readonly Package[]
  /** Names no package can have, and packages that claim one repository. */
  readonly findings: readonly Finding[]
}

/** What makes a folder a package, so that a category is never taken for one. */
const markers: readonly string[] = ['manifest.yaml', 'scripts/install.nu']

/**
 * Finds every package of a repository by its place: `{kind's folder}/[{category}/]{name}`. Reads no file,
 * only where files are.
 */
export async function discover(tree: Tree, layouts: Layouts): Promise<Discovery> {
  const paths: string[] = []
  for await (const file of tree.files()) paths.push(file.path)
  const found = kinds.flatMap((kind) => packagesOf(kind, layouts, paths))
  const packages = found.filter(isNamed).sort((a, b) => (a.folder < b.folder ? -1 : 1))
  const misnamed = found.filter((one) => !isNamed(one))
  return {
    where: tree.name,
    packages,
    findings: [
      ...misnamed.map((one) => ({
        code: 'PACKAGE_NAME_INVALID',
        level: 'error' as const,
        message: `No ${one.name === core ? one.kind : 'package'} can be named ${JSON.stringify(one.name.slice(0, 200))}`,
        place: { file: fileIn(one, 'manifest.yaml') },
        hint:
          one.name === core ? 'The provisioning system itself has this name: rename the folder.' : nameHint,
      })),
      ...collisions(packages, layouts),
    ],
  }
}

/** Extensions share their names with the core: who depends on `core` means the provisioning system. */
function isNamed({ kind, name }: Package): boolean {
  return isName(name) && !(isExtensionKind(kind) && name === core)
}

/** Two packages that would be published into one repository, whatever their kinds. */
export function collisions(packages: readonly Package[], layouts: Layouts): Finding[] {
  const owners = new Map<string, Package>()
  const found: Finding[] = []
  for (const one of packages) {
    const repository = repositoryOf(layouts, one.kind, one.name)
    const other = owners.get(repository)
    if (other === undefined) owners.set(repository, one)
    else
      found.push({
        code: 'PACKAGE_COLLISION',
        level: 'error',
        message: `${show(other)} and ${show(one)} both claim the repository ${repository}`,
        place: { file: fileIn(one, 'manifest.yaml') },
        hint: `Rename one, or set kinds.${one.kind}.prefix in slipway.yaml.`,
      })
  }
  return found
}

/**
 * The package a git tag speaks of.
 * @throws EXTENSION_NOT_FOUND, PACKAGE_COLLISION when another one claims its repository
 */
export function findPackage(
  found: Discovery,
  layouts: Layouts,
  wanted: { readonly kind: Kind; readonly name: string; readonly category?: string | undefined },
): Package {
  const { kind, name, category } = wanted
  const named = found.packages.filter((one) => one.kind === kind && one.name === name)
  const match = named.find((one) => category === undefined || one.category === category)
  if (match === undefined) {
    const { folder } = layouts[kind]
    const place = [folder, category, folder === '' ? undefined : name].filter(Boolean).join('/')
    throw badInput('EXTENSION_NOT_FOUND', `There is no ${kind} ${name} in ${found.where}`, {
      hint:
        remedy(found, wanted, named[0]) ??
        `It would be ${place === '' ? '' : `${place}/`}${kind === 'kcl' ? 'kcl.mod' : 'manifest.yaml'}.`,
    })
  }
  const claims = collisions(
    found.packages.filter((one) => sameRepository(layouts, one, match)),
    layouts,
  )
  if (claims[0] !== undefined)
    throw badInput('PACKAGE_COLLISION', claims[0].message, {
      findings: claims,
      ...(claims[0].hint === undefined ? {} : { hint: claims[0].hint }),
    })
  return match
}

function remedy(
  found: Discovery,
  wanted: { readonly kind: Kind; readonly name: string },
  elsewhere: Package | undefined,
): string | undefined {
  if (elsewhere !== undefined) return `It lies in ${elsewhere.folder}.`
  const other = found.packages.find((one) => one.name === wanted.name)
  if (other !== undefined) return `There is a ${other.kind} of this name in ${other.folder}.`
  const names = found.packages.filter((one) => one.kind === wanted.kind).map((one) => one.name)
  const guess = didYouMean(wanted.name, names)
  if (guess !== undefined || names.length === 0) return guess
  const shown = names.slice(0, 10).join(', ')
  return `There ${names.length === 1 ? 'is' : 'are'} ${shown}${names.length > 10 ? ' and others' : ''}.`
}

function packagesOf(kind: Kind, layouts: Layouts, paths: readonly string[]): Package[] {
  const { folder, name: fixed } = layouts[kind]
  if (fixed !== undefined) {
    const path = folder === '' ? 'manifest.yaml' : `${folder}/manifest.yaml`
    return paths.includes(path) ? [{ kind, name: fixed, folder }] : []
  }
  // Platform services are prebuilt images: nothing in the repository is packed.
  if (folder === '') return []
  const wanted = kind === 'kcl' ? ['kcl.mod'] : markers
  const direct = new Set<string>()
  const below = new Set<string>()
  for (const path of paths) {
    if (!path.startsWith(`${folder}/`)) continue
    const parts = path.slice(folder.length + 1).split('/')
    if (wanted.includes(parts.slice(1).join('/'))) direct.add(parts[0] ?? '')
    else if (wanted.includes(parts.slice(2).join('/'))) below.add(parts.slice(0, 2).join('/'))
  }
  const nested = [...below].map((path) => path.split('/') as [string, string])
  return [
    ...[...direct].map((name) => ({ kind, name, folder: `${folder}/${name}` })),
    ...nested
      .filter(([category]) => !direct.has(category) && isCategory(category))
      .map(([category, name]) => ({ kind, name, category, folder: `${folder}/${category}/${name}` })),
  ]
}

function sameRepository(layouts: Layouts, a: Package, b: Package): boolean {
  return repositoryOf(layouts, a.kind, a.name) === repositoryOf(layouts, b.kind, b.name)
}

function show(one: Package): string {
  return `${one.kind} ${one.folder === '' ? one.name : one.folder}`
}

/** A file of a package, relative to the repository. */
export function fileIn(one: Package, path: string): string {
  return one.folder === '' ? path : `${one.folder}/${path}`
}

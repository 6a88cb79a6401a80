import { hasCode, type SlipwayError } from '../core/error.ts'
import { type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { Tag } from '../oci/reference.ts'
import type { Target } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { isKcl, nameOf } from '../version/package-id.ts'
import { parseVersion } from '../version/version.ts'
import { exactly } from '../version/version-set.ts'
import { homesOf, idOfRepository, versionOfTag } from './homes.ts'
import { providerOf } from './provider.ts'
import { registrySource } from './registry-source.ts'
import { resolve } from './resolve.ts'

/** A package by where it stands below a target's prefix. */
export interface PublishedPackage {
  readonly repository: string
  readonly tag: Tag
}

export interface ClosureOptions {
  readonly target: Target
  readonly layouts: Layouts
  readonly open: () => Promise<Registry>
  /** Requests at once. */
  readonly concurrency: number
  readonly signal: AbortSignal
  /** Who asks, for explanations. */
  readonly origin: string
}

export interface Closure {
  readonly packages: readonly PublishedPackage[]
  /** Roots without a solution; what they need is not among the packages. */
  readonly unsolved: readonly { readonly root: PublishedPackage; readonly error: SlipwayError }[]
}

/**
 * What published packages need: for each the one solution of its dependencies, with nothing but the target to
 * choose from. The core is left out. What is no exact version of a package, such as a moving tag, needs nothing.
 * @throws what the target throws
 */
export async function closureOf(
  roots: readonly PublishedPackage[],
  options: ClosureOptions,
): Promise<Closure> {
  const { target, layouts, concurrency, signal, origin } = options
  const source = registrySource({ target, layouts, concurrency, open: () => options.open() })
  const sourcesOf = () => [source]
  await using provider = providerOf({ sourcesOf, core: [], locked: new Map(), signal, concurrency })
  const found = new Map<string, PublishedPackage>()
  const unsolved: { readonly root: PublishedPackage; readonly error: SlipwayError }[] = []
  for (const root of roots) {
    const id = idOfRepository(layouts, root.repository)
    const versions =
      id === undefined ? [] : homesOf(layouts, id).map((home) => versionOfTag(root.tag, home.registryTag))
    const version = versions.find((one) => one !== undefined)
    if (id === undefined || version === undefined) continue
    const asked = {
      id,
      set: exactly(version),
      text: version.version,
      origin: `${origin}, ${root.repository}:${root.tag}`,
    }
    try {
      // KCL's own client takes the lowest version that all requirements allow.
      const { packages } = await resolve(provider, { roots: [asked], lowest: isKcl, signal })
      for (const one of packages) {
        const repository = repositoryOf(layouts, one.kind, nameOf(one.id))
        const tag = registryTagOf(layouts, one.kind, parseVersion(one.version))
        found.set(`${repository}:${tag}`, { repository, tag })
      }
    } catch (error) {
      if (!hasCode(error, 'UNSATISFIABLE')) throw error
      unsolved.push({ root, error })
    }
  }
  return { packages: [...found.values()], unsolved }
}

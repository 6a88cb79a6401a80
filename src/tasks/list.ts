import { mapConcurrent } from '../core/concurrent.ts'
import type { Tag } from '../oci/reference.ts'
import { showTarget, type Target } from '../store/address.ts'
import { compareTags, highestTag, isVersionTag } from '../version/version-tag.ts'
import type { Context } from './context.ts'

export interface ListedRepository {
  readonly repository: string
  /** The highest stable version, else the highest of all. */
  readonly highest?: Tag
  readonly versions: number
}

export interface ListResult {
  readonly target: string
  readonly repositories: readonly ListedRepository[]
}

/** Every repository under a target and its highest version. @throws UNSUPPORTED where there is no catalog */
export async function list(
  options: { readonly target: Target; readonly concurrency: number },
  context: Context,
): Promise<ListResult> {
  const { target } = options
  const call = { signal: context.signal }
  const registry = await context.open(target)
  const prefix = target.prefix === '' ? '' : `${target.prefix}/`
  const paths: string[] = []
  for await (const path of registry.repositories(call)) if (path.startsWith(prefix)) paths.push(path)
  const repositories = await mapConcurrent(paths.sort(), options.concurrency, async (repository) => {
    const versions: Tag[] = []
    for await (const tag of registry.repository(repository).tags(call))
      if (isVersionTag(tag)) versions.push(tag)
    versions.sort((a, b) => compareTags(b, a))
    const highest = highestTag(versions)
    return { repository, versions: versions.length, ...(highest === undefined ? {} : { highest }) }
  })
  return { target: showTarget(target), repositories }
}

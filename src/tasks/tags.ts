import type { Tag } from '../oci/reference.ts'
import { type Address, showAddress } from '../store/address.ts'
import { compareTags, isVersionTag } from '../version/version-tag.ts'
import type { Context } from './context.ts'

export interface TagsResult {
  readonly repository: string
  /** Versions from the highest down, then all other tags by name. */
  readonly tags: readonly Tag[]
  readonly versions: readonly Tag[]
}

/** Every tag of one repository. */
export async function tags(options: { readonly address: Address }, context: Context): Promise<TagsResult> {
  const { address } = options
  const store = (await context.open(address)).repository(address.repository)
  const found: Tag[] = []
  for await (const tag of store.tags({ signal: context.signal })) found.push(tag)
  const versions = found.filter(isVersionTag).sort((a, b) => compareTags(b, a))
  const others = found.filter((tag) => !isVersionTag(tag)).sort()
  const { tag: _tag, digest: _digest, ...repository } = address
  return { repository: showAddress(repository), tags: [...versions, ...others], versions }
}

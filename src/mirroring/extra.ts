import { mapConcurrent } from '../core/concurrent.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { showAddress } from '../store/address.ts'
import { locksDisagree, type Selected, sourceOf } from './jobs.ts'
import type { MirrorRule } from './rule.ts'
import type { Selecting } from './select.ts'

/** A tag that comes along because something needs it. */
export interface Extra {
  /** Below the source's prefix. */
  readonly repository: string
  readonly tag: Tag
  /** What a lock says that it is. */
  readonly digest?: Digest
}

/** The selection of a rule with what comes along; repositories that are new to it are listed. */
export async function withExtras(
  rule: MirrorRule,
  selected: readonly Selected[],
  extras: readonly Extra[],
  how: Selecting,
): Promise<Selected[]> {
  if (extras.length === 0) return [...selected]
  const registry = await how.open(rule)
  const known = new Map(selected.map((one) => [one.name, one]))
  const names = new Set(extras.map((one) => one.repository))
  const added = await mapConcurrent(names, how.concurrency, async (name): Promise<Selected> => {
    const before = known.get(name)
    const own = extras.filter((one) => one.repository === name)
    const expected = new Map<Tag, Digest>()
    for (const { tag, digest } of own) {
      if (digest === undefined) continue
      const known = expected.get(tag) ?? digest
      if (known !== digest) throw locksDisagree(showAddress({ ...sourceOf(rule, name), tag }), known, digest)
      expected.set(tag, digest)
    }
    const store = registry.repository(sourceOf(rule, name).repository)
    return {
      rule,
      name,
      tags: [...new Set([...(before?.tags ?? []), ...own.map((one) => one.tag)])],
      listed:
        before?.listed ??
        new Set<string>(await Array.fromAsync(store.tags({ signal: how.signal, fallback: true }))),
      ...(expected.size === 0 ? {} : { expected }),
    }
  })
  return [...selected.filter((one) => !names.has(one.name)), ...added]
}

import type { SlipwayError } from '../core/error.ts'
import type { Finding, Place } from '../core/finding.ts'

/** A place where packages are published that could not be asked. */
export interface Unasked {
  /** `oci://ghcr.io/example/provisioning` */
  readonly source: string
  /** What nobody knows now: `etcd`, `kubernetes 1.28.0`. */
  readonly about: string
  readonly error: SlipwayError
  /** What would have been checked with the answer. */
  readonly place: Place
}

/** One finding for each source and kind of failure, at the first place that it leaves unchecked. */
export function unavailable(unasked: readonly Unasked[]): Finding[] {
  const groups = new Map<string, { readonly first: Unasked; readonly about: Set<string> }>()
  for (const one of unasked) {
    const key = `${one.source} ${one.error.code}`
    const group = groups.get(key) ?? { first: one, about: new Set() }
    groups.set(key, group)
    group.about.add(one.about)
  }
  return [...groups.values()].map(({ first: { source, error, place }, about }) => ({
    code: 'SOURCE_UNAVAILABLE',
    level: 'error',
    message: `${source} could not be asked about ${listed([...about])}: ${error.message} [${error.code}]`,
    place,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  }))
}

/** What a message lists; the rest is a number. */
const mostListed = 5

/** `a, b and c`, or the first few and how many more. */
export function listed(texts: readonly string[]): string {
  const rest = texts.length - mostListed
  const shown = rest > 0 ? [...texts.slice(0, mostListed), `${rest} more`] : texts
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

import type { Effective } from '../config/effective.ts'
import type { Report } from '../core/report.ts'
import { parseTarget, type Target } from '../store/address.ts'

/**
 * Where a step looks for what is published: the sources that somebody named, else the targets, since what is
 * released goes there. A fresh checkout has nothing in the default of either: with none named, it is said
 * that nothing is compared.
 */
export function publishedIn({ source, to }: Pick<Effective, 'source' | 'to'>, report?: Report): Target[] {
  const named = [source, to].find((one) => one.origin !== 'default')
  if (named === undefined)
    report?.emit({
      type: 'warning',
      code: 'SOURCES_MISSING',
      message:
        'Neither dependencies nor versions are compared with what is published: nothing says where that is',
      hint: 'Name it with sources in slipway.yaml, or with the input source.',
    })
  return named?.value.map(parseTarget) ?? []
}

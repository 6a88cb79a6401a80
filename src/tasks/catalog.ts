import { hasCode, SlipwayError } from '../core/error.ts'
import type { Layouts } from '../extension/kinds.ts'
import { type CataloguedPackage, readCatalogue, type UnreadRepository } from '../sources/catalog.ts'
import { showTarget, type Target } from '../store/address.ts'
import type { Context } from './context.ts'

/** What `slipway catalog --json` prints: the same registries give the same document, byte by byte. */
export interface CatalogResult {
  /** Of this form; one that means something else gets another number. */
  readonly version: 1
  readonly sources: readonly string[]
  readonly packages: readonly CataloguedPackage[]
  readonly unread: readonly UnreadRepository[]
}

export interface CatalogOptions {
  readonly targets: readonly Target[]
  readonly layouts: Layouts
  readonly concurrency: number
  /** Below each target's prefix, instead of asking for a list. */
  readonly repositories?: readonly string[]
}

/**
 * Every package of these targets as its highest version describes it. What single repositories throw is told in the
 * result.
 * @throws UNSUPPORTED where a registry has no list of repositories, and none were named
 */
export async function catalog(options: CatalogOptions, context: Context): Promise<CatalogResult> {
  const { targets, layouts, concurrency, repositories } = options
  const packages: CataloguedPackage[] = []
  const unread: UnreadRepository[] = []
  for (const target of targets) {
    const id = `catalog ${showTarget(target)}`
    const label = `Reading ${showTarget(target)}`
    const emit = (state: 'running' | 'done' | 'failed', more = '') =>
      context.report.emit({ type: 'progress', id, label: `${label}${more}`, state })
    emit('running')
    try {
      const read = await readCatalogue(await context.open(target), {
        target,
        layouts,
        concurrency,
        signal: context.signal,
        progress: (done, all) => emit('running', `: ${done} of ${all} repositories`),
        ...(repositories === undefined ? {} : { repositories }),
      })
      packages.push(...read.packages)
      unread.push(...read.unread)
      emit('done', `: ${read.packages.length} packages`)
    } catch (error) {
      emit('failed')
      throw hasCode(error, 'UNSUPPORTED') ? unlisted(error) : error
    }
  }
  return { version: 1, sources: targets.map(showTarget), packages, unread }
}

function unlisted(error: SlipwayError): SlipwayError {
  return new SlipwayError('UNSUPPORTED', error.message, {
    cause: error,
    hint: 'Name the repositories: slipway catalog TARGET --repositories kubernetes,containerd.',
  })
}

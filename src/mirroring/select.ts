import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, SlipwayError } from '../core/error.ts'
import type { Tag } from '../oci/reference.ts'
import { showTarget } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { type Selected, sourceOf } from './jobs.ts'
import { isLiteral, patternOf } from './pattern.ts'
import type { MirrorRule } from './rule.ts'
import { selectTags } from './select-tags.ts'

/** A repository that could not be listed; the others go on. */
export interface Unlisted {
  readonly rule: MirrorRule
  readonly name: string
  readonly error: SlipwayError
}

export interface Selection {
  readonly selected: readonly Selected[]
  readonly unlisted: readonly Unlisted[]
  /** Patterns of `exclude` that met nothing. */
  readonly idle: readonly string[]
}

export interface Selecting {
  readonly open: (rule: MirrorRule) => Promise<Registry>
  /** Repositories listed at once. */
  readonly concurrency: number
  readonly signal: AbortSignal
}

/**
 * What a rule takes: one list of repositories where a pattern needs it, one list of tags for each repository.
 * @throws MIRROR_NO_MATCH for whatever was to find something and found nothing, UNSUPPORTED where patterns need
 *   a catalog that the source does not have
 */
export async function selectFrom(rule: MirrorRule, how: Selecting): Promise<Selection> {
  const registry = await how.open(rule)
  const names = await repositoriesOf(rule, registry, how.signal)
  const unlisted: Unlisted[] = []
  const used = new Set<string>()
  const found = await mapConcurrent(names, how.concurrency, async (name): Promise<Selected[]> => {
    const store = registry.repository(sourceOf(rule, name).repository)
    try {
      const listed = new Set<Tag>()
      for await (const tag of store.tags({ signal: how.signal, fallback: true })) listed.add(tag)
      const { tags, used: here } = selectTags(listed, rule.tags)
      for (const text of here) used.add(text)
      return [{ rule, name, tags, listed }]
    } catch (error) {
      if (!(error instanceof SlipwayError) || how.signal.aborted) throw error
      unlisted.push({ rule, name, error })
      return []
    }
  })
  const selected = found.flat()
  // Whether a filter finds something is known only when everything could be looked at.
  if (unlisted.length === 0) refuseIdle(rule, used, selected)
  const idle = unlisted.length > 0 ? [] : (rule.tags.exclude ?? []).filter((text) => !used.has(text))
  return { selected, unlisted, idle }
}

async function repositoriesOf(rule: MirrorRule, registry: Registry, signal: AbortSignal): Promise<string[]> {
  const names = new Set(rule.repositories.filter(isLiteral))
  const globs = rule.repositories.filter((text) => !isLiteral(text))
  if (globs.length > 0) {
    const start = rule.from.prefix === '' ? '' : `${rule.from.prefix}/`
    const idle = new Set(globs)
    for await (const path of registry.repositories({ signal })) {
      if (!path.startsWith(start)) continue
      const name = path.slice(start.length)
      for (const glob of globs) {
        if (patternOf(glob)?.matches(name) !== true) continue
        idle.delete(glob)
        names.add(name)
      }
    }
    for (const glob of idle) throw noMatch(rule, `no repository matches ${JSON.stringify(glob)}`)
  }
  return [...names].sort()
}

function refuseIdle(rule: MirrorRule, used: ReadonlySet<string>, selected: readonly Selected[]): void {
  for (const one of selected)
    if (one.listed.size === 0 && rule.repositories.includes(one.name))
      throw noMatch(rule, `${one.name} does not exist or has no tags`)
  const { semver, match = [] } = rule.tags
  if (semver !== undefined && !used.has('semver'))
    throw noMatch(rule, `no tag of any repository meets semver ${JSON.stringify(semver)}`)
  const idle = match.find((text) => !used.has(text))
  if (idle !== undefined) throw noMatch(rule, `no tag of any repository matches ${JSON.stringify(idle)}`)
  if (selected.every((one) => one.tags.length === 0))
    throw noMatch(rule, 'all filters together leave no tag of any repository')
}

function noMatch(rule: MirrorRule, what: string): SlipwayError {
  return badInput('MIRROR_NO_MATCH', `${rule.name}, from ${showTarget(rule.from)}: ${what}`, {
    hint: 'A filter that finds nothing is mostly a slip of the pen; correct it or take it out.',
  })
}

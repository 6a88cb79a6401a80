import { badInput } from '../core/error.ts'
import { cycles, showCycle } from '../core/waves.ts'
import type { Digest } from '../oci/digest.ts'
import type { Tag } from '../oci/reference.ts'
import { type Place, showAddress, showPlace, type Target, under } from '../store/address.ts'
import { isLiteral, patternOf } from './pattern.ts'
import type { MirrorRule } from './rule.ts'

/** A repository of a place, by its full path there. */
export type Repository = Place & { readonly repository: string }

/** What one rule takes from one repository. */
export interface Selected {
  readonly rule: MirrorRule
  /** Below the source's prefix. */
  readonly name: string
  readonly tags: readonly Tag[]
  /** Every tag of the repository, with those that stand in for the referrers API. */
  readonly listed: ReadonlySet<string>
  /** Digests that a lock expects, by tag. */
  readonly expected?: ReadonlyMap<Tag, Digest>
}

/** Tags on their way from one repository to another. */
export interface Job extends Omit<Selected, 'name'> {
  readonly from: Repository
  readonly to: Repository
}

/** Where a repository of a rule comes from. */
export function sourceOf({ from }: MirrorRule, name: string): Repository {
  return { ...placeOf(from), repository: under(from, name) }
}

/** Where a repository of a rule goes at one of its targets. @throws REPOSITORY_INVALID */
export function destinationOf({ rename = '{repository}' }: MirrorRule, name: string, to: Target): Repository {
  const values: Readonly<Record<string, string>> = {
    '{repository}': name,
    '{name}': name.slice(name.lastIndexOf('/') + 1),
  }
  const renamed = rename.replace(/\{(?:repository|name)\}/g, (slot) => values[slot] ?? slot)
  return { ...placeOf(to), repository: under(to, renamed) }
}

/**
 * What is to be done, each tag once for each target.
 * @throws MIRROR_OVERLAP, MIRROR_CYCLE
 */
export function jobsOf(selected: readonly Selected[], rules: readonly MirrorRule[]): Job[] {
  refuseCycles(selected, rules)
  const writers = new Map<string, { readonly source: string; readonly rule: MirrorRule }>()
  const locked = lockedBy(selected)
  const jobs: Job[] = []
  for (const one of selected)
    for (const target of one.rule.to) {
      const from = sourceOf(one.rule, one.name)
      const to = destinationOf(one.rule, one.name, target)
      const tags = one.tags.filter((tag) => claim(writers, { from, to, tag, rule: one.rule }))
      if (tags.length === 0) continue
      const { rule, listed } = one
      const expected = new Map<Tag, Digest>()
      for (const tag of tags) {
        const digest = locked.get(showAddress({ ...from, tag }))
        if (digest !== undefined) expected.set(tag, digest)
      }
      jobs.push({ rule, from, to, tags, listed, ...(expected.size === 0 ? {} : { expected }) })
    }
  return jobs
}

/** What locks expect, by source: it holds for a tag whichever rule brings it. @throws MIRROR_OVERLAP */
function lockedBy(selected: readonly Selected[]): ReadonlyMap<string, Digest> {
  const locked = new Map<string, Digest>()
  for (const { rule, name, expected = new Map<Tag, Digest>() } of selected)
    for (const [tag, digest] of expected) {
      const source = showAddress({ ...sourceOf(rule, name), tag })
      const known = locked.get(source) ?? digest
      if (known !== digest) throw locksDisagree(source, known, digest)
      locked.set(source, digest)
    }
  return locked
}

/** Two locks that cannot both hold. */
export function locksDisagree(source: string, one: Digest, other: Digest) {
  return badInput('MIRROR_OVERLAP', `One lock has ${source} as ${one}, another one as ${other}`, {
    hint: 'Find out which is right, then run slipway deps update where the other one is.',
  })
}

/** Whether nobody brings this tag there yet. @throws MIRROR_OVERLAP where somebody brings another one */
function claim(
  writers: Map<string, { readonly source: string; readonly rule: MirrorRule }>,
  { from, to, tag, rule }: { readonly from: Repository; readonly to: Repository; tag: Tag; rule: MirrorRule },
): boolean {
  const place = showAddress({ ...to, tag })
  const source = `${showAddress({ ...from, tag })}${conditionsOf(rule)}`
  const known = writers.get(place)
  writers.set(place, known ?? { source, rule })
  if (known === undefined) return true
  if (known.source === source) return false
  throw badInput(
    'MIRROR_OVERLAP',
    `${known.rule.name} brings ${known.source} to ${place}, and ${rule.name} brings ${source} there`,
    { hint: 'Give one of them a rename or another target, or exclude the tag.' },
  )
}

/** What makes other content of the same source: a choice of platforms, or of what comes along. */
function conditionsOf({ platforms, referrers }: MirrorRule): string {
  const chosen = platforms === undefined ? '' : ` for ${[...platforms].sort().join(', ')}`
  if (referrers === true) return chosen
  return `${chosen} ${referrers === false ? 'without referrers' : `with referrers of ${[...referrers].sort().join(', ')}`}`
}

/**
 * Follows each repository through the rules that would take it on, whether it is there yet or not.
 * @throws MIRROR_CYCLE
 */
function refuseCycles(selected: readonly Selected[], rules: readonly MirrorRule[]): void {
  const edges = new Map<string, Set<string>>()
  const seen = new Set<string>()
  const lead = (from: Repository, to: Repository) => {
    const node = showAddress(from)
    edges.set(node, (edges.get(node) ?? new Set()).add(showAddress(to)))
    return to
  }
  // What comes along as a dependency is taken though no pattern of the rule says so.
  let open = selected.flatMap(({ rule, name }) => {
    const from = sourceOf(rule, name)
    return [from, ...rule.to.map((target) => lead(from, destinationOf(rule, name, target)))]
  })
  for (let round = 0; open.length > 0; round++) {
    const next: Repository[] = []
    for (const repository of open) {
      const node = showAddress(repository)
      if (seen.has(node)) continue
      seen.add(node)
      for (const rule of rules) {
        const name = nameIn(rule, repository)
        if (name === undefined) continue
        for (const target of rule.to) next.push(lead(repository, destinationOf(rule, name, target)))
        // Names that grow from rule to rule: more steps than rules is a rule that feeds itself.
        if (round > rules.length)
          throw cycle(`${rule.name} takes its own repositories on and on, as far as ${node}`)
      }
    }
    open = next
  }
  const nodes = new Set([...edges.keys(), ...[...edges.values()].flatMap((all) => [...all])])
  const itself = [...edges].find(([node, to]) => to.has(node))
  if (itself !== undefined) throw cycle(`${itself[0]} is brought to itself`)
  const [found] = cycles(nodes, (node) => edges.get(node) ?? [])
  if (found !== undefined) throw cycle(`Mirrors lead back to where they begin: ${showCycle(found)}`)
}

/** What a rule calls a repository; undefined where it does not take it. */
function nameIn({ from, repositories }: MirrorRule, repository: Repository): string | undefined {
  if (showPlace(from) !== showPlace(repository)) return undefined
  const start = from.prefix === '' ? '' : `${from.prefix}/`
  if (!repository.repository.startsWith(start)) return undefined
  const name = repository.repository.slice(start.length)
  const takes = repositories.some((text) =>
    isLiteral(text) ? text === name : patternOf(text)?.matches(name) === true,
  )
  return takes ? name : undefined
}

function placeOf(target: Target): Place {
  return target.scheme === 'oci'
    ? { scheme: 'oci', host: target.host }
    : { scheme: target.scheme, path: target.path }
}

function cycle(message: string) {
  return badInput('MIRROR_CYCLE', message, {
    hint: 'Take one direction out, or keep the repositories of the two directions apart.',
  })
}

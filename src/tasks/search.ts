import { hasCode } from '../core/error.ts'
import { type Kind, type Layouts, repositoryOf } from '../extension/kinds.ts'
import { isName } from '../extension/name.ts'
import { nearest } from '../extension/nearest.ts'
import {
  type Catalogue,
  type CataloguedPackage,
  readCatalogue,
  type UnreadRepository,
} from '../sources/catalog.ts'
import { homesOf } from '../sources/homes.ts'
import { showTarget, type Target } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { core, extensionId, kclId } from '../version/package-id.ts'
import type { Context } from './context.ts'

export interface SearchOptions {
  /** A package is found when every one of them is in it. */
  readonly words: readonly string[]
  readonly kind?: Kind
  readonly sources: readonly Target[]
  readonly layouts: Layouts
  readonly concurrency: number
}

export interface SearchResult {
  readonly words: readonly string[]
  /** The best first. */
  readonly packages: readonly CataloguedPackage[]
  /** Where nothing was found: names that somebody may have meant. */
  readonly suggestions: readonly string[]
  /** Sources that have no list of repositories: only these very names were looked for there. */
  readonly unlisted: readonly string[]
  readonly unread: readonly UnreadRepository[]
}

const mostSuggestions = 3

/**
 * Finds packages by name, words of their description, tags and kind. Costs a list of tags and one manifest for each
 * repository of the sources.
 */
export async function search(options: SearchOptions, context: Context): Promise<SearchResult> {
  const { sources, kind } = options
  const words = options.words.map((one) => one.toLowerCase())
  const all: CataloguedPackage[] = []
  const unread: UnreadRepository[] = []
  const unlisted: string[] = []
  for (const target of sources) {
    const { read, listed } = await readSource(target, words, options, context)
    all.push(...read.packages)
    unread.push(...read.unread)
    if (!listed) unlisted.push(showTarget(target))
  }
  const wanted = kind === undefined ? all : all.filter((one) => one.kind === kind)
  const ranked = wanted
    .map((one) => ({ one, rank: rankOf(one, words) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank || compare(a.one.name, b.one.name))
  return {
    words: options.words,
    packages: ranked.map(({ one }) => one),
    suggestions: ranked.length > 0 ? [] : suggest(words, wanted),
    unlisted,
    unread,
  }
}

async function readSource(
  target: Target,
  words: readonly string[],
  { layouts, concurrency }: SearchOptions,
  context: Context,
): Promise<{ readonly read: Catalogue; readonly listed: boolean }> {
  const source = showTarget(target)
  const registry: Registry = await context.open(target)
  const common = { target, layouts, concurrency, signal: context.signal }
  const label = `Searching ${source}`
  const emit = (state: 'running' | 'done' | 'failed', more = '') =>
    context.report.emit({ type: 'progress', id: `search ${source}`, label: `${label}${more}`, state })
  emit('running')
  try {
    const progress = (done: number, all: number) => emit('running', `: ${done} of ${all} repositories`)
    const read = await readCatalogue(registry, { ...common, progress })
    emit('done')
    return { read, listed: true }
  } catch (error) {
    const unlisted = hasCode(error, 'UNSUPPORTED')
    emit(unlisted ? 'done' : 'failed')
    if (!unlisted) throw error
    context.report.emit({
      type: 'warning',
      code: 'SEARCH_LIMITED',
      message: `${error.message}; only packages of exactly these names were looked for`,
      hint: `Write a package's whole name; where it is private, log in. slipway catalog ${source} --repositories NAMES reads what you name.`,
    })
    const read = await readCatalogue(registry, { ...common, repositories: guesses(words, layouts) })
    // Such registries answer alike for what is private and for what does not exist: of a guess that says nothing.
    const told = read.unread.filter(({ code }) => code !== 'DENIED' && code !== 'UNAUTHORIZED')
    const packages = read.packages.filter((one) => one.versions.length > 0)
    return { read: { packages, unread: told }, listed: false }
  }
}

/** Where packages of these names would be. */
function guesses(words: readonly string[], layouts: Layouts): string[] {
  const named = words.filter(isName)
  return named.flatMap((name) => [
    ...[extensionId(name), kclId(name), ...(name === layouts.core.name ? [core] : [])].flatMap((id) =>
      homesOf(layouts, id).map(({ repository }) => repository),
    ),
    repositoryOf(layouts, 'platform', name),
  ])
}

/** How well a package fits; 0 where a word is nowhere in it. */
function rankOf(one: CataloguedPackage, words: readonly string[]): number {
  let sum = 0
  for (const word of words) {
    const rank = rankOfWord(one, word)
    if (rank === 0) return 0
    sum += rank
  }
  return sum
}

function rankOfWord({ name, keywords, kind, description }: CataloguedPackage, word: string): number {
  if (word === '') return 0
  if (name === word) return 100
  if (name.startsWith(word)) return 60
  if (name.split(/[-_.]/).some((part) => part.startsWith(word))) return 50
  if (keywords.some((one) => one.toLowerCase() === word)) return 40
  if (name.includes(word)) return 30
  if (kind === word) return 25
  if (keywords.some((one) => hasWord(one, word))) return 20
  return hasWord(description ?? '', word) ? 10 : 0
}

/** Whether a word of a text begins like this. */
function hasWord(text: string, word: string): boolean {
  const lower = text.toLowerCase()
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1))
    if (at === 0 || !/[\p{L}\p{N}]/u.test(lower.charAt(at - 1))) return true
  return false
}

function suggest(words: readonly string[], packages: readonly CataloguedPackage[]): string[] {
  const found = new Set<string>()
  for (const word of words) {
    const left = new Set(packages.map(({ name }) => name))
    for (let best = nearest(word, [...left]); best !== undefined; best = nearest(word, [...left])) {
      if (found.size >= mostSuggestions) break
      found.add(best)
      left.delete(best)
    }
  }
  return [...found]
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

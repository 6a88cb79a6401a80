import { mapConcurrent } from '../core/concurrent.ts'
import { badInput, onSide } from '../core/error.ts'
import type { GitTag } from '../extension/git-tag.ts'
import { type Layouts, registryTagOf, repositoryOf } from '../extension/kinds.ts'
import type { Tag } from '../oci/reference.ts'
import { type Target, under } from '../store/address.ts'
import type { Call, ReadableStore, Registry } from '../store/store.ts'
import { isPrerelease, versionOf } from '../version/version.ts'
import { compareTags } from '../version/version-tag.ts'
import { type Candidates, releaseTags, workingVersions } from './candidates.ts'
import type { PlanOptions, SelectOptions } from './plan.ts'
import type { Sources } from './sources.ts'

/** Asks for every package of a kind of state instead of naming git tags. */
export interface ManyOptions {
  /** Every package of the working tree whose version is not at every target. */
  readonly allChanged?: boolean
  /** Of those the ones that changed since the checked-out commit parted from this branch, tag or commit. */
  readonly since?: string
  /** Every git tag of a release that is not at every target, each from its own commit. */
  readonly missingTags?: boolean
}

/** What there is to release. */
export interface Chosen {
  readonly options: PlanOptions
  /** Versions that are at every target already; where git tags were named, nobody has looked. */
  readonly present: readonly GitTag[]
  /** Why there is nothing to release, as a sentence; undefined where there is something. */
  readonly nothing?: string
}

/** Where versions may be missing. */
export interface Targets {
  readonly targets: readonly Target[]
  open(target: Target): Promise<Registry>
  /** Repositories asked at once. */
  readonly concurrency: number
  /** Whether `latest` must stand at the highest version, too. */
  readonly latest: boolean
}

/**
 * Turns what was asked for into git tags: those that were named, or every version that a target lacks. A
 * target that does not answer is an error, since nobody can tell what it lacks.
 * @throws SELECTION_CONFLICT, and what reading the repository and asking the targets throws
 */
export async function choose(
  options: SelectOptions & ManyOptions,
  sources: Sources,
  at: Targets,
  call: Call,
): Promise<Chosen> {
  const many = kindOf(options)
  if (many === undefined) return { options, present: [] }
  const candidates =
    many === 'missing-tags'
      ? await releaseTags(options.layouts, sources)
      : await workingVersions(options.layouts, sources, options.since)
  const missing = await lacking(candidates.tags, options.layouts, at, call)
  const present = candidates.tags.filter((one) => !missing.has(one))
  return {
    present,
    options: {
      ...options,
      gitTags: [...missing].map((one) => one.tag),
      requireGitTag: false,
      ...(many === 'missing-tags' ? { apart: true } : { committed: true }),
    },
    ...(missing.size > 0 ? {} : { nothing: whyNothing(candidates) }),
  }
}

/** @throws SELECTION_CONFLICT */
function kindOf(options: SelectOptions & ManyOptions): 'changed' | 'missing-tags' | undefined {
  const given = [
    ...(options.gitTags.length > 0 ? ['git tags'] : []),
    ...(options.missingTags === true ? ['missing-tags'] : []),
    // since alone says that all-changed is meant.
    ...(options.since !== undefined ? ['since'] : options.allChanged === true ? ['all-changed'] : []),
  ]
  const many = options.missingTags === true || options.since !== undefined || options.allChanged === true
  if (many && options.snapshot) given.push('snapshot')
  if (many && given.length > 1)
    throw badInput('SELECTION_CONFLICT', `${given.join(' and ')} cannot be combined`, {
      hint: 'Take one of: git tags, all-changed (perhaps with since), missing-tags.',
    })
  return options.missingTags === true ? 'missing-tags' : many ? 'changed' : undefined
}

function whyNothing({ tags, none }: Candidates): string {
  if (tags.length === 0) return `Nothing to release: ${none}.`
  const count = tags.length === 1 ? 'the one version' : `all ${tags.length} versions`
  return `Nothing to release: ${count} found ${tags.length === 1 ? 'is' : 'are'} at every target already.`
}

/** Those that at least one target does not have, or has without `latest`. */
async function lacking(
  tags: readonly GitTag[],
  layouts: Layouts,
  { targets, open, concurrency, latest }: Targets,
  call: Call,
): Promise<Set<GitTag>> {
  const wanted = new Map<string, Map<string, GitTag>>()
  for (const one of tags) {
    const repository = repositoryOf(layouts, one.kind, one.name)
    const versions = wanted.get(repository) ?? new Map<string, GitTag>()
    versions.set(registryTagOf(layouts, one.kind, one.version), one)
    wanted.set(repository, versions)
  }
  const questions = targets.flatMap((target) => [...wanted].map((one) => [target, ...one] as const))
  const missing = new Set<GitTag>()
  await mapConcurrent(questions, concurrency, async ([target, repository, versions]) => {
    try {
      const store = (await open(target)).repository(under(target, repository))
      const there = new Set<string>()
      for await (const tag of store.tags(call)) there.add(tag)
      for (const [tag, one] of versions) if (!there.has(tag)) missing.add(one)
      const highest = latest ? highestOf(there) : undefined
      const one = highest === undefined ? undefined : versions.get(highest)
      // KCL packages have no moving tags.
      if (one !== undefined && one.kind !== 'kcl' && (await isBehind(store, highest as Tag, call)))
        missing.add(one)
    } catch (error) {
      throw onSide('destination', error)
    }
  })
  return new Set(tags.filter((one) => missing.has(one)))
}

/** The highest stable version among tags. */
function highestOf(tags: Iterable<string>): string | undefined {
  const stable = [...tags].filter((tag) => {
    const version = versionOf(tag.replace(/^v/, ''))
    return version !== undefined && !isPrerelease(version)
  })
  return stable.sort(compareTags).at(-1)
}

/** Whether a run ended between the version's own tag and `latest`: asking for the version again moves it. */
async function isBehind(store: ReadableStore, tag: Tag, call: Call): Promise<boolean> {
  const [latest, own] = await Promise.all([store.resolve('latest' as Tag, call), store.resolve(tag, call)])
  return latest?.digest !== own?.digest
}

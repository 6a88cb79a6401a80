import { badInput } from '../core/error.ts'
import type { Tag } from '../oci/reference.ts'
import type { Target } from '../store/address.ts'
import { showTarget } from '../store/address.ts'
import type { Registry } from '../store/store.ts'
import { type Job, jobsOf } from './jobs.ts'
import type { RepositoryOutcome } from './outcome.ts'
import { failedRepository, mirrorFailure } from './outcome.ts'
import type { MirrorRule } from './rule.ts'
import { selectFrom } from './select.ts'
import { isAttached } from './select-tags.ts'

/** A whole namespace on its way from one place to another. */
export interface Namespace {
  /** For reports: `backup`, `restore`. */
  readonly name: string
  readonly from: Target
  readonly to: Target
  /** Names and globs below the prefix of `from`; all where there are none. */
  readonly repositories: readonly string[]
}

export interface NamespaceJobs {
  readonly jobs: readonly Job[]
  /** Repositories whose tags could not be listed. */
  readonly unlisted: readonly RepositoryOutcome[]
}

/**
 * Every repository with every tag, and everything that refers to what they stand for. Tags of signatures go
 * also where nothing has a tag that they are about; only lists that stand in for the referrers API do not, since
 * the other side makes its own.
 * @throws REPOSITORY_UNNAMED, MIRROR_NO_MATCH, MIRROR_CYCLE, UNSUPPORTED
 */
export async function jobsOfNamespace(
  { name, from, to, repositories }: Namespace,
  how: {
    readonly open: (target: Target) => Promise<Registry>
    readonly concurrency: number
    readonly signal: AbortSignal
  },
): Promise<NamespaceJobs> {
  const rule: MirrorRule = {
    name,
    from,
    to: [to],
    repositories: repositories.length === 0 ? ['**'] : repositories,
    tags: {},
    referrers: true,
    withDependencies: false,
    lockfiles: [],
  }
  if (from.scheme !== 'oci') await requireNames(from, how)
  const found = await selectFrom(rule, { ...how, open: () => how.open(from) })
  const selected = found.selected.map((one) => ({
    ...one,
    tags: [...one.tags, ...[...one.listed].filter((tag): tag is Tag => isAttached(tag) && tag.includes('.'))],
  }))
  return {
    jobs: jobsOf(selected, [rule]),
    unlisted: found.unlisted.map(({ name: repository, error }) =>
      failedRepository(
        { mirror: name, source: `${showTarget(from)}/${repository}`, target: showTarget(to) },
        { ...mirrorFailure(error), side: 'source' },
      ),
    ),
  }
}

/** @throws REPOSITORY_UNNAMED for what other tools wrote: tags without a repository */
async function requireNames(from: Target, how: Parameters<typeof jobsOfNamespace>[1]): Promise<void> {
  for await (const repository of (await how.open(from)).repositories({ signal: how.signal }))
    if (repository === '')
      throw badInput('REPOSITORY_UNNAMED', `${showTarget(from)} has tags that no repository is named for`, {
        hint: `Bring each where it belongs: slipway copy ${showTarget(from)}:TAG oci://HOST/REPOSITORY.`,
      })
}

import { badInput } from '../core/error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Which software runs the workflow; they differ in what a step may rely on. */
export type Forge = 'github' | 'gitea' | 'forgejo' | 'local'

/** Gitea and Forgejo say so themselves, as act does; everything else is GitHub. */
export function forgeOf(environment: Environment): Forge {
  if (isSet(environment.FORGEJO_ACTIONS)) return 'forgejo'
  if (isSet(environment.GITEA_ACTIONS)) return 'gitea'
  if (isSet(environment.ACT)) return 'local'
  return 'github'
}

const tags = 'refs/tags/'

/**
 * The git tag that the run is for, without `refs/tags/`: the one that was pushed, or the ref of a release or a
 * manual run. Undefined for branches and pull requests.
 */
export function tagOfRun(environment: Environment): string | undefined {
  // GITHUB_REF_TYPE is not asked: act leaves it out.
  const { GITHUB_REF = '' } = environment
  return GITHUB_REF.startsWith(tags) && GITHUB_REF !== tags ? GITHUB_REF.slice(tags.length) : undefined
}

/** The checked-out repository's folder. @throws ENVIRONMENT_INVALID outside a runner */
export function workspaceOf(environment: Environment): string {
  const { GITHUB_WORKSPACE } = environment
  if (isSet(GITHUB_WORKSPACE)) return GITHUB_WORKSPACE
  throw badInput('ENVIRONMENT_INVALID', 'GITHUB_WORKSPACE is not set, so this is no workflow step', {
    hint: 'Run the action in a workflow, or the same task on a terminal with the slipway command.',
  })
}

/**
 * The environment that credentials are looked up in. `github-token` is GitHub's and goes to ghcr.io alone;
 * the token that Gitea and Forgejo call by the same name is theirs and must not leave for GitHub.
 */
export function withToken(environment: Environment, githubToken: string | undefined): Environment {
  const { GITHUB_TOKEN, ...rest } = environment
  const forge = forgeOf(environment)
  const token = githubToken ?? GITHUB_TOKEN
  return forge === 'gitea' || forge === 'forgejo' || token === undefined
    ? rest
    : { ...rest, GITHUB_TOKEN: token }
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

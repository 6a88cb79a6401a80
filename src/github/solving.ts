import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { loadWorkspace } from '../config/workspace.ts'
import { hostsOf, type WorkspaceHosts } from '../config/workspace-hosts.ts'
import { badInput } from '../core/error.ts'
import { solvingFrom } from '../tasks/options.ts'
import type { ResolutionOptions } from '../tasks/resolution.ts'
import type { Step } from './run.ts'

/** What a step of resolve-deps is for. @throws INPUT_INVALID */
export function modeOf(inputs: Pick<Step<'mode'>['inputs'], 'text'>): 'solution' | 'release' {
  const mode = inputs.text('mode') ?? 'solution'
  if (mode === 'solution' || mode === 'release') return mode
  throw badInput('INPUT_INVALID', `The input mode is ${JSON.stringify(mode.slice(0, 40))}`, {
    hint: 'Write solution, or release.',
  })
}

/** What solving takes, from settings, inputs and the workspace file. @throws WORKSPACE_INVALID */
export async function solvingOptions(
  step: Step<'workspace' | 'platform' | 'lowest' | 'prerelease' | 'override' | 'offline'>,
): Promise<ResolutionOptions> {
  const { inputs, session } = step
  const { settings, file, directory, context } = session
  const solving = solvingFrom(settings, file, {
    lowest: inputs.toggle('lowest'),
    offline: inputs.toggle('offline'),
    prerelease: inputs.text('prerelease'),
    override: inputs.text('override'),
    platform: inputs.text('platform'),
  })
  const named = inputs.text('workspace')
  const workspace = await loadWorkspace(
    directory,
    {
      home: context.environment.HOME ?? homedir(),
      layouts: solving.layouts,
      giteaUrl: settings.giteaUrl.value,
    },
    named === undefined ? undefined : resolve(step.workspace, named),
  )
  for (const finding of workspace?.findings ?? []) context.report.emit({ type: 'finding', finding })
  session.consider(trusted(hostsOf(workspace), context))
  return { ...solving, directory, ...(workspace === undefined ? {} : { workspace }) }
}

/**
 * What a workspace says of hosts, but no file of this machine where a pull request is looked at: whoever opens it
 * writes the workspace, and could have any token sent anywhere.
 */
function trusted(hosts: WorkspaceHosts, { environment, report }: Step<never>['session']['context']) {
  const { GITHUB_BASE_REF: base = '' } = environment
  if (base === '' || hosts.credentials.length === 0) return hosts
  report.emit({
    type: 'warning',
    code: 'WORKSPACE_TOKEN_UNUSED',
    message:
      'The token files that the workspace names are not read: a pull request can change which host gets which',
    hint: 'Where a registry asks for a password, give the step one, and name the host with the input source.',
  })
  return { ...hosts, credentials: [] }
}

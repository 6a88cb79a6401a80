import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { loadWorkspace } from '../config/workspace.ts'
import { hostsOf } from '../config/workspace-hosts.ts'
import { solvingFrom } from '../tasks/options.ts'
import type { ResolutionOptions } from '../tasks/resolution.ts'
import type { Step } from './run.ts'

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
  session.consider(hostsOf(workspace))
  return { ...solving, directory, ...(workspace === undefined ? {} : { workspace }) }
}

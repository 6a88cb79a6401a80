import { resolve } from 'node:path'
import { loadWorkspace, type Workspace } from '../config/workspace.ts'
import { hostsOf } from '../config/workspace-hosts.ts'
import { parseTarget } from '../store/address.ts'
import { fromSettings, solvingFrom } from '../tasks/options.ts'
import type { ResolutionOptions } from '../tasks/resolution.ts'
import type { Invocation } from './command.ts'
import { homeOf, openSession, type Session } from './session.ts'

/** A session with what solving takes, from settings, flags and the workspace file. */
export async function solvingSession(invocation: Invocation): Promise<SolvingSession> {
  const { flags, terminal, report, own } = invocation
  const text = (name: string) => (typeof own[name] === 'string' ? (own[name] as string) : undefined)
  let workspace: Workspace | undefined
  const session = await openSession(
    flags,
    terminal,
    report,
    (settings) => settings.source.value.map(parseTarget),
    async (directory, settings, file) => {
      const named = text('workspace')
      const { layouts } = fromSettings(settings, file)
      const options = { home: homeOf(terminal), layouts, giteaUrl: settings.giteaUrl.value }
      workspace = await loadWorkspace(
        directory,
        options,
        named === undefined ? undefined : resolve(terminal.cwd, named),
      )
      for (const finding of workspace?.findings ?? []) report.emit({ type: 'finding', finding })
      return hostsOf(workspace)
    },
  )
  const given = {
    lowest: own.lowest === true,
    offline: own.offline === true,
    prerelease: text('prerelease'),
    override: text('override'),
    platform: text('platform'),
  }
  const { settings, file, directory } = session
  const options = {
    ...solvingFrom(settings, file, given),
    directory,
    ...(workspace === undefined ? {} : { workspace }),
  }
  return Object.assign(session, { options })
}

export type SolvingSession = Session & { readonly options: ResolutionOptions }

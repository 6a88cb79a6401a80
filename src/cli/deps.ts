import { resolve } from 'node:path'
import { loadWorkspace } from '../config/workspace.ts'
import { hostsOf } from '../config/workspace-hosts.ts'
import { parseTarget } from '../store/address.ts'
import { solvingFrom } from '../tasks/options.ts'
import type { ResolutionOptions } from '../tasks/resolution.ts'
import type { Invocation } from './command.ts'
import { openSession, type Session } from './session.ts'

export type SolvingSession = Session & { readonly options: ResolutionOptions }

/** A session with what solving takes, from settings, flags and the workspace file. */
export async function solvingSession(invocation: Invocation): Promise<SolvingSession> {
  const { flags, terminal, report, own } = invocation
  const text = (name: string) => (typeof own[name] === 'string' ? (own[name] as string) : undefined)
  const session = await openSession(flags, terminal, report, (settings) =>
    settings.source.value.map(parseTarget),
  )
  const { settings, file, directory, home } = session
  const solving = solvingFrom(settings, file, {
    lowest: own.lowest === true,
    offline: own.offline === true,
    prerelease: text('prerelease'),
    override: text('override'),
    platform: text('platform'),
  })
  const named = text('workspace')
  const workspace = await loadWorkspace(
    directory,
    { home, layouts: solving.layouts, giteaUrl: settings.giteaUrl.value },
    named === undefined ? undefined : resolve(terminal.cwd, named),
  )
  for (const finding of workspace?.findings ?? []) report.emit({ type: 'finding', finding })
  session.consider(hostsOf(workspace))
  const options = { ...solving, directory, ...(workspace === undefined ? {} : { workspace }) }
  return Object.assign(session, { options })
}

import { resolve } from 'node:path'
import { loadWorkspace, type Workspace } from '../config/workspace.ts'
import { workspaceCredentials, workspaceHostSettings } from '../config/workspace-hosts.ts'
import { badInput } from '../core/error.ts'
import { parseTarget } from '../store/address.ts'
import { fromSettings } from '../tasks/options.ts'
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
      return {
        host: (host) => workspaceHostSettings(workspace, host),
        credentials: workspaceCredentials(workspace),
      }
    },
  )
  const { settings, file, directory } = session
  const { layouts, sources, concurrency } = fromSettings(settings, file)
  const options: ResolutionOptions = {
    directory,
    layouts,
    sources,
    // Where a workspace names its registries, the default layout of a repository is none of them.
    sourcesGiven: settings.source.origin !== 'default',
    concurrency,
    cacheDirectory: settings.cacheDir.value,
    lowest: own.lowest === true,
    offline: own.offline === true,
    prereleases: listOf(text('prerelease')),
    overrides: overridesOf(text('override')),
    ...(workspace === undefined ? {} : { workspace }),
    ...(settings.coreVersion.value === undefined
      ? {}
      : { core: { text: settings.coreVersion.value, origin: settings.coreVersion.origin } }),
    ...(text('platform') === undefined ? {} : { platform: text('platform') as string }),
  }
  return Object.assign(session, { options })
}

export type SolvingSession = Session & { readonly options: ResolutionOptions }

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

function overridesOf(text: string | undefined): Record<string, string> {
  const pairs = listOf(text).map((one) => {
    const at = one.indexOf('=')
    // The first `=` ends the name; the range may hold more of them.
    if (at > 0 && at < one.length - 1) return [one.slice(0, at).trim(), one.slice(at + 1).trim()] as const
    throw badInput(
      'USAGE_INVALID',
      `--override has ${JSON.stringify(one.slice(0, 100))}, which is not NAME=RANGE`,
      {
        hint: 'Write --override etcd=^3.5.0, several by comma.',
      },
    )
  })
  return Object.fromEntries(pairs)
}

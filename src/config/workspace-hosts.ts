import type { GivenCredential } from '../registry/credentials.ts'
import type { HostSettings } from './registries.ts'
import type { Workspace } from './workspace.ts'
import { readToken } from './workspace-token.ts'

/** What a workspace says of how a host is spoken to; flags and slipway.yaml win over it. */
export function workspaceHostSettings(workspace: Workspace | undefined, host: string): HostSettings {
  const plainHttp = workspace?.hosts.get(host.toLowerCase())?.plainHttp
  return plainHttp === undefined ? {} : { plainHttp }
}

/** The tokens that a workspace names, each read when its host wants to know who asks. */
export function workspaceCredentials(workspace: Workspace | undefined): GivenCredential[] {
  return [...(workspace?.hosts ?? [])].flatMap(([host, { tokenPath }]) =>
    tokenPath === undefined
      ? []
      : [
          {
            host,
            credential: async () => ({ kind: 'basic', source: tokenPath, ...(await readToken(tokenPath)) }),
          },
        ],
  )
}

import type { GivenCredential } from '../registry/credentials.ts'
import type { HostSettings } from './registries.ts'
import type { Workspace } from './workspace.ts'
import { readToken } from './workspace-token.ts'

/** What a workspace says of how hosts are spoken to; flags and slipway.yaml win over it. */
export interface WorkspaceHosts {
  host(host: string): HostSettings
  /** The tokens it names, each read when its host wants to know who asks. */
  readonly credentials: readonly GivenCredential[]
}

export function hostsOf(workspace: Workspace | undefined): WorkspaceHosts {
  const hosts = [...(workspace?.hosts ?? [])]
  return {
    host(host) {
      const plainHttp = workspace?.hosts.get(host.toLowerCase())?.plainHttp
      return plainHttp === undefined ? {} : { plainHttp }
    },
    credentials: hosts.flatMap(([host, { tokenPath }]) =>
      tokenPath === undefined
        ? []
        : [
            {
              host,
              credential: async () => ({ kind: 'basic', source: tokenPath, ...(await readToken(tokenPath)) }),
            },
          ],
    ),
  }
}

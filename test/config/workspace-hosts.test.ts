import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readWorkspace } from '../../src/config/workspace.ts'
import { hostsOf } from '../../src/config/workspace-hosts.ts'

const workspace = (text: string, root = '/ws') =>
  readWorkspace(text, { name: 'w.yaml', root }, { home: '/home/robin' })

const two = `registry:
  oci: { endpoint: "http://Registry.example:5000", auth_token_path: tokens/a }
dependencies:
  extensions:
    oci: { registry: ghcr.io, namespace: acme, tls_enabled: true }
`

describe('what a workspace says of hosts', () => {
  it('is nothing where there is no workspace', () => {
    const { host, credentials } = hostsOf(undefined)
    expect(host('ghcr.io')).toEqual({})
    expect(credentials).toEqual([])
  })

  it('is how each is spoken to, whatever case it is written in; of others nothing', () => {
    const { host } = hostsOf(workspace(two))
    expect(host('registry.EXAMPLE:5000')).toEqual({ plainHttp: true })
    expect(host('ghcr.io')).toEqual({ plainHttp: false })
    expect(host('registry.example')).toEqual({})
  })

  it('is one token for the one host that it stands beside, read when it is asked for', async () => {
    const root = mkdtempSync(join(tmpdir(), 'slipway-hosts-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    const { credentials } = hostsOf(workspace(two.replace('tokens/a', 'token'), root))
    expect(credentials.map(({ host }) => host)).toEqual(['registry.example:5000'])
    const credential = credentials[0]?.credential
    if (typeof credential !== 'function') throw new Error('it was read already')
    await expect(credential()).rejects.toMatchObject({ code: 'WORKSPACE_TOKEN_UNREADABLE' })
    writeFileSync(join(root, 'token'), 'gh_s3cret\n')
    expect(await credential()).toEqual({
      kind: 'basic',
      username: '_token',
      password: 'gh_s3cret',
      source: join(root, 'token'),
    })
  })
})

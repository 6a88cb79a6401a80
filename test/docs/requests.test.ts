import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import { release } from '../../src/tasks/release.ts'
import { vendors } from '../fake/quirks.ts'
import { startFakeRegistry } from '../fake/registry.ts'
import { root } from './documents.ts'

const flow = readFileSync(join(root, 'docs/flow.md'), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'slipway-docs-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function figure(name: string): number {
  return Number(new RegExp(`<!-- requests:${name} -->(\\d+)<!-- -->`).exec(flow)?.[1])
}

/** One release of the README's example, as a process of its own would make it. */
async function releaseTo(host: string): Promise<string | undefined> {
  await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
  const { releases } = await release(
    {
      directory: join(root, 'examples/provisioning-extensions'),
      layouts: defaultLayouts,
      gitTags: ['taskservs/kubernetes/v1.28.0'],
      snapshot: false,
      allowDirty: true,
      requireGitTag: false,
      compression: 6,
      shape: 'artifact',
      allowIrreproducible: true,
      skipTests: true,
      testTimeout: 1000,
      concurrency: 4,
      targets: [parseTarget(`oci://${host}/provisioning-extensions`)],
      moving: ['latest'],
      allowOverwrite: false,
    },
    {
      clock: systemClock,
      report: silent,
      signal: new AbortController().signal,
      environment: process.env,
      open: (place) => opener.open(place),
      transport: () => opener.transport(),
      scratch: async () => scratch,
    },
  )
  return releases[0]?.targets[0]?.outcome
}

describe('docs/flow.md', () => {
  it('says how many requests a release and its rerun cost', async () => {
    await using registry = await startFakeRegistry({ quirks: vendors.distribution })
    expect(await releaseTo(registry.host)).toBe('published')
    expect(registry.log().length).toBe(figure('first'))
    const steps = [...flow.slice(flow.indexOf('| Step | Requests |')).matchAll(/^\| [^|]+ \| (\d+) \|$/gm)]
    expect(steps.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(figure('first'))
    registry.clearLog()
    expect(await releaseTo(registry.host)).toBe('unchanged')
    expect(registry.log().length).toBe(figure('again'))
  })
})

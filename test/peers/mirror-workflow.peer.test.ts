import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { repositoryWith } from '../git/fixture.ts'
import { fill, server, tagsOf } from '../mirroring/mirrors.ts'
import { type ActHost, actHost } from './act.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let scratch: string
let host: ActHost

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-act-mirror-'))
  // Of these sources, whatever dist was built from.
  const dist = join(scratch, 'dist')
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), dist], { cwd: root, stdio: 'pipe' })
  host = actHost(scratch, ['mirror.yml'], dist)
}, 60_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The example as its user would adapt it for act, which tells no repository of a called workflow. */
function workflow(more: object): string {
  const text = parse(readFileSync(join(root, 'examples/workflows/mirror.yml'), 'utf8'))
  const here = { 'slipway-repository': 'example-org/slipway', 'slipway-ref': 'v0.1.0' }
  text.jobs.mirror.with = { ...text.jobs.mirror.with, ...here, ...more }
  return stringify(text)
}

async function runIn(mirrors: readonly object[], more: object = {}) {
  const caller = join(mkdtempSync(join(scratch, 'work-')), 'mirrors')
  mkdirSync(caller)
  repositoryWith(caller, {
    '.github/workflows/mirror.yml': workflow(more),
    'mirror.yaml': stringify({ version: 1, mirrors }),
  })
  const { code, stdout, stderr } = await host.run('schedule', {}, caller)
  return { code, log: stdout + stderr }
}

describe('act runs the scheduled mirror', () => {
  it('in two parts, which together bring everything, verified', async () => {
    const [a, b] = [await server(), await server()]
    const names = ['one', 'two', 'three', 'four', 'five', 'six']
    await fill(a.client, Object.fromEntries(names.map((name) => [name, ['1.0.0']])))
    const way = { from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}/copy`] }
    const { code, log } = await runIn([way], { shards: '["1/2", "2/2"]' })
    expect(code, log).toBe(0)
    for (const name of names) expect(await tagsOf(b.client, `copy/${name}`)).toEqual(['1.0.0'])
    expect(log.match(/repositories: \d+ tags copied/g)).toHaveLength(4)
    expect(log).toMatch(/0 tags copied, \d equal, 0 failed/)
  })

  it('and fails with the repository that failed', async () => {
    const [a, b] = [await server(), await server()]
    await fill(a.client, { bad: ['1.0.0'], good: ['1.0.0'] })
    b.fake.fail({ path: /bad/, status: 403, times: 1000 })
    const { code, log } = await runIn([{ from: `oci://${a.fake.host}`, to: [`oci://${b.fake.host}`] }])
    expect(code, log).toBe(1)
    expect(log).toMatch(/::error.*\[DENIED\].*bad/)
    expect(await tagsOf(b.client, 'good')).toEqual(['1.0.0'])
  })
})

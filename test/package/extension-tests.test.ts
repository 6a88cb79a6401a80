import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findNu, runTests, type TestOptions } from '../../src/package/extension-tests.ts'
import { memoryTree } from '../../src/tree/memory.ts'

let scratch: string

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'slipway-tests-'))
})

afterEach(() => rmSync(scratch, { recursive: true, force: true }))

function options(more: Partial<TestOptions> = {}): TestOptions {
  return { timeout: 10_000, environment: { PATH: '/usr/bin:/bin' }, scratch, ...more }
}

const tree = memoryTree({ 'tests/run.nu': 'exit 0', 'scripts/a.sh': { content: 'echo a', executable: true } })

describe('an extension’s own tests', () => {
  it('are none where there is no tests/run.nu', async () => {
    expect(await runTests('x', memoryTree({ 'a.nu': '' }), options())).toBe(false)
  })

  it('run with nu on a copy of exactly these files, which is gone afterwards', async () => {
    const looking = memoryTree({
      'tests/run.nu': 'if (ls | get name | sort) != ["a.txt" "tests"] { exit 3 }; "x" | save b.txt',
      'a.txt': 'x',
    })
    expect(await runTests('x', looking, options())).toBe(true)
    expect(readdirSync(scratch)).toEqual([])
  })

  it('fail with their output and publish nothing', async () => {
    const failing = memoryTree({ 'tests/run.nu': 'print "one is not two"; exit 4' })
    await expect(runTests('etcd', failing, options())).rejects.toMatchObject({
      code: 'TESTS_FAILED',
      message: expect.stringMatching(/etcd failed.*status 4.*one is not two/s),
      hint: expect.stringContaining('Nothing of it was published'),
    })
  })

  it('see no secret, no home and no runner', async () => {
    const environment = {
      PATH: '/usr/bin:/bin',
      HOME: '/root',
      GITHUB_TOKEN: 'secret',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'secret',
      INPUT_PASSWORD: 'secret',
      SLIPWAY_PASSWORD: 'secret',
      NPM_TOKEN: 'secret',
      DOCKER_CONFIG: '/root/.docker',
    }
    const command =
      'if env | grep -q secret; then exit 5; fi; test -z "$DOCKER_CONFIG" && test -z "$(ls -A "$HOME")"'
    expect(await runTests('x', tree, options({ environment, command }))).toBe(true)
  })

  it('keep executable bits', async () => {
    expect(
      await runTests('x', tree, options({ command: 'test -x scripts/a.sh && ! test -x tests/run.nu' })),
    ).toBe(true)
  })

  it('end with their whole process group at the time limit', async () => {
    const started = Date.now()
    await expect(
      runTests('x', tree, options({ command: 'sleep 60 & sleep 60', timeout: 300 })),
    ).rejects.toMatchObject({
      code: 'TESTS_TIMED_OUT',
    })
    expect(Date.now() - started).toBeLessThan(30_000)
  })

  it('leave no process behind', async () => {
    const mark = join(scratch, 'alive')
    const command = `(sleep 3; touch ${mark}) & exit 0`
    const started = Date.now()
    expect(await runTests('x', tree, options({ command }))).toBe(true)
    expect(Date.now() - started).toBeLessThan(2500)
    await new Promise((resolve) => setTimeout(resolve, 3500))
    expect(readdirSync(scratch)).toEqual([])
  })

  it('find nu by SLIPWAY_NU first, and in Slipway’s own packages last', async () => {
    expect(await findNu({ SLIPWAY_NU: '/bin/sh', PATH: '/usr/bin' })).toBe('/bin/sh')
    await expect(findNu({ SLIPWAY_NU: '/opt/nowhere/nu', PATH: '/usr/bin' })).rejects.toMatchObject({
      code: 'NU_MISSING',
      message: expect.stringContaining('SLIPWAY_NU is /opt/nowhere/nu'),
    })
    expect(await findNu({ PATH: '/nonexistent' })).toMatch(/@nushell.*bin\/nu$/)
  })
})

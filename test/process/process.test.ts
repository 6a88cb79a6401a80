import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cleanEnvironment } from '../../src/process/environment.ts'
import { findProgram } from '../../src/process/find.ts'
import { run, stream } from '../../src/process/run.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'process-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const env = { PATH: process.env.PATH }

/** Whether it still runs; one that has ended but that nobody waited for does not. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}

test('a program gets its arguments, stdin and exactly the given environment', async () => {
  const result = await run(
    'sh',
    ['-c', 'cat; echo "$0"; env | grep -v -e ^_= -e ^PWD= -e ^SHLVL= -e ^OLDPWD=; exit 3', 'a b'],
    {
      env: { ...env, ONLY: 'this' },
      stdin: 'in\n',
    },
  )
  expect(result.code).toBe(3)
  expect(result.stdout.toString().split('\n').sort()).toEqual(
    ['', 'in', 'a b', 'ONLY=this', `PATH=${env.PATH}`].sort(),
  )
})

test('a time limit ends the whole group, children that ignore SIGTERM included', async () => {
  const pids: number[] = []
  const running = run(
    'sh',
    ['-c', 'trap "" TERM; sh -c "trap \\"\\" TERM; echo \\$\\$; sleep 60" & echo $$; wait; sleep 60'],
    {
      env,
      timeout: 2000,
      onOutput: (chunk) => pids.push(...Buffer.from(chunk).toString().trim().split('\n').map(Number)),
    },
  )
  await expect(running).rejects.toMatchObject({ code: 'PROGRAM_TIMED_OUT' })
  expect(pids).toHaveLength(2)
  await expect.poll(() => pids.filter(alive), { timeout: 20_000 }).toEqual([])
})

test('an aborted signal ends the program with its reason', async () => {
  const abort = new AbortController()
  const running = run('sleep', ['60'], { env, signal: abort.signal })
  abort.abort(new Error('stopped by the user'))
  await expect(running).rejects.toThrow('stopped by the user')
})

test('output beyond the limit ends the program', async () => {
  await expect(run('yes', [], { env, limit: 100_000 })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' })
})

test('a missing program is named', async () => {
  await expect(run('no-such-program-here', [], { env })).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    message: expect.stringContaining('no-such-program-here'),
  })
})

test('a stream throws after its bytes when the status is not 0, with the end of stderr', async () => {
  const seen: string[] = []
  const read = async () => {
    for await (const chunk of stream('sh', ['-c', 'echo out; echo why >&2; exit 4'], { env }))
      seen.push(Buffer.from(chunk).toString())
  }
  await expect(read()).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('why'),
  })
  expect(seen.join('')).toBe('out\n')
})

test('secrets under any name stay out of a clean environment', () => {
  const clean = cleanEnvironment(
    {
      PATH: '/bin',
      LC_ALL: 'C',
      TZ: 'UTC',
      HOME: '/root',
      GITHUB_TOKEN: 's',
      ACTIONS_RUNTIME_URL: 's',
      INPUT_PASSWORD: 's',
      NPM_TOKEN: 's',
      DOCKER_CONFIG: 's',
      SLIPWAY_KEY_PASSWORD: 's',
      SSH_AUTH_SOCK: 's',
      NODE_OPTIONS: 's',
      PASSWORT: 's',
    },
    { home: '/empty', add: { PATH: '/nu:/bin' } },
  )
  expect(clean).toEqual({ PATH: '/nu:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: '/empty', USERPROFILE: '/empty' })
})

test('programs are found on absolute parts of PATH only', async () => {
  await writeFile(join(dir, 'tool'), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(join(dir, 'notes'), 'x', { mode: 0o644 })
  expect(await findProgram('tool', { PATH: `relative:${dir}` })).toBe(join(dir, 'tool'))
  expect(await findProgram('notes', { PATH: dir })).toBeUndefined()
  expect(await findProgram('tool', { PATH: '.' })).toBeUndefined()
  expect(await findProgram('tool', {})).toBeUndefined()
})

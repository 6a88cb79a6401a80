import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startFakeRegistry } from '../fake/registry.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'src/cli/main.ts')
const scratch = mkdtempSync(join(tmpdir(), 'slipway-process-'))
const cwd = join(scratch, 'repository')
const tag = 'providers/local/v1.2.0'

beforeAll(() =>
  cpSync(join(root, 'examples/provisioning-extensions/providers/local'), join(cwd, 'providers/local'), {
    recursive: true,
  }),
)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Ended {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[], nodeFlags: readonly string[] = []) {
  const temporary = mkdtempSync(join(scratch, 'temporary-'))
  const child = spawn(process.execPath, [...nodeFlags, main, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: scratch, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, temporary, ended: ending(child) }
}

async function ending(child: ChildProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { exit, ...texts }
}

const json = (text: string) => JSON.parse(text)

describe('the process', () => {
  it('ends with the exit code of the command, its results on stdout alone', async () => {
    const release = ['release', tag, '--skip-tests', '--to', 'layout:out', '--json', '--quiet']
    const done = await start(release).ended
    expect({ exit: done.exit, stderr: done.stderr }).toEqual({ exit: 0, stderr: '' })
    expect(json(done.stdout).releases[0].targets[0].outcome).toBe('published')
    const bad = await start(['release', 'nonsense']).ended
    expect({ exit: bad.exit, stdout: bad.stdout }).toEqual({ exit: 2, stdout: '' })
    expect(bad.stderr).toContain('error[GIT_TAG_INVALID]')
  })

  it('ends with 130 when interrupted in the middle of an upload, without a tag or a trace', async () => {
    await using fake = await startFakeRegistry()
    fake.fail({ method: 'PUT', path: /uploads/, delay: 20_000, times: 99 })
    const to = `oci://${fake.host}/prefix`
    const { child, temporary, ended } = start(['release', tag, '--skip-tests', '--to', to, '--json'])
    await vi.waitUntil(() => fake.log(/^PUT .*uploads/).length > 0, { timeout: 15_000, interval: 20 })
    const before = performance.now()
    child.kill('SIGINT')
    const { exit, stdout, stderr } = await ended
    expect(exit, stderr).toBe(130)
    expect(performance.now() - before).toBeLessThan(5000)
    expect(json(stdout).error).toMatchObject({ code: 'INTERRUPTED', exit: 130 })
    expect(stderr).toContain('Interrupted: by SIGINT')
    expect(fake.repository('prefix/local')?.tags.size ?? 0).toBe(0)
    expect(readdirSync(temporary)).toEqual([])
  })

  it('leaves no folder half pulled when terminated, and none in the temporary one', async () => {
    await using fake = await startFakeRegistry()
    const reference = `oci://${fake.host}/prefix/local:1.2.0`
    await start(['release', tag, '--skip-tests', '--to', `oci://${fake.host}/prefix`]).ended
    fake.fail({ method: 'GET', path: /blobs\//, delay: 20_000, times: 99 })
    const { child, ended } = start(['pull', reference, '-o', 'here'])
    fake.clearLog()
    await vi.waitUntil(() => fake.log(/^GET .*blobs/).length > 0, { timeout: 15_000, interval: 20 })
    child.kill('SIGTERM')
    expect((await ended).exit).toBe(130)
    expect(existsSync(join(cwd, 'here'))).toBe(false)
    expect(readdirSync(cwd).filter((name) => name.includes('here'))).toEqual([])
  })

  it('survives a reader that goes away', async () => {
    const { child, ended } = start(['config'])
    child.stdout?.destroy()
    expect((await ended).stderr).not.toContain('EPIPE')
  })

  it('says which Node it needs where it runs on one that is too old', async () => {
    const old =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.1' } })"
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(old)}`]
    const { exit, stdout, stderr } = await start(['config'], flags).ended
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toMatch(
      /^error\[NODE_TOO_OLD\]: Slipway needs Node \d+ or newer; this is 18\.20\.1\n {2}hint: /,
    )
  })
})

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mapConcurrent } from '../../src/core/concurrent.ts'
import { install } from '../../src/install/install.ts'
import type { InstallOptions } from '../../src/install/options.ts'
import { fleet, recording, temporaryFolder } from './packages.ts'

const child = fileURLToPath(new URL('./install-process.ts', import.meta.url))

interface Run {
  readonly status: number | null
  readonly signal: string | null
  readonly steps: readonly string[]
  readonly installed: readonly string[]
}

async function spawned(root: string, version: string, dies = 0, after?: number): Promise<Run> {
  const run = spawn(process.execPath, [child, root, version, `${dies}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const timer = after === undefined ? undefined : setTimeout(() => run.kill('SIGKILL'), after)
  const [output, [status, signal]] = await Promise.all([Array.fromAsync(run.stdout), once(run, 'close')])
  clearTimeout(timer)
  const text = Buffer.concat(output as Buffer[]).toString()
  return { steps: [], installed: [], ...(text === '' ? {} : JSON.parse(text)), status, signal }
}

function run(root: string, version: string, options: Partial<InstallOptions> = {}) {
  return install(fleet(version), { root, lock: `lock of ${version}`, report: recording(), ...options })
}

const folders = {
  containerd: 'extensions/taskservs/containerd',
  network: 'kcl/network',
  kubernetes: 'extensions/taskservs/kubernetes',
  old: 'extensions/clusters/old',
  new: 'extensions/clusters/new',
}
type State = Record<keyof typeof folders, string | undefined>

/** Which version each folder holds; every file in it must be of one. */
async function stateOf(root: string): Promise<State> {
  const states = Object.entries(folders).map(async ([name, folder]) => {
    const names = await readdir(join(root, folder)).catch(() => undefined)
    if (names === undefined) return [name, undefined]
    expect(names.sort()).toEqual(['manifest.yaml', 'scripts'])
    const manifest = await readFile(join(root, folder, 'manifest.yaml'), 'utf8')
    const script = await readFile(join(root, folder, 'scripts/install.nu'), 'utf8')
    const version = /^\S+ (\S+)/.exec(manifest)?.[1]
    expect(manifest).toBe(`${name} ${version} manifest.yaml\n`)
    expect(script).toBe(`# ${name} ${version}\n`)
    return [name, version]
  })
  return Object.fromEntries(await Promise.all(states)) as State
}

const before: State = {
  containerd: '1.0.0',
  network: '1.0.0',
  kubernetes: '1.0.0',
  old: '1.0.0',
  new: undefined,
}
const after: State = {
  containerd: '2.0.0',
  network: '2.0.0',
  kubernetes: '2.0.0',
  old: undefined,
  new: '2.0.0',
}

/** Nothing new stands before what it needs, and nothing is missing but what was put aside that very moment. */
async function expectWhole(root: string): Promise<State> {
  const state = await stateOf(root)
  if (state.kubernetes === '2.0.0') expect([state.containerd, state.network]).toEqual(['2.0.0', '2.0.0'])
  if (state.new !== undefined) expect(state.kubernetes).toBe('2.0.0')
  const missing = (['containerd', 'network', 'kubernetes'] as const).filter((one) => state[one] === undefined)
  expect(missing.length).toBeLessThanOrEqual(1)
  const staged = await readdir(join(root, '.slipway/staging'), { recursive: true }).catch(() => [])
  if (missing.length > 0) expect(staged.filter((path) => path.endsWith('/old'))).toHaveLength(1)
  return state
}

/** What was left of a killed run's lock looks as if some time had passed. */
async function age(root: string): Promise<void> {
  const then = new Date(Date.now() - 5000)
  await utimes(join(root, '.slipway/install.lock'), then, then).catch(() => {})
}

async function expectDone(root: string): Promise<void> {
  expect(await stateOf(root)).toEqual(after)
  expect(await readdir(join(root, '.slipway/staging'))).toEqual([])
  expect(
    (await readdir(join(root, '.slipway'))).filter((name) => name.startsWith('install.lock')).sort(),
  ).toEqual(['install.lock-state'])
  expect(await run(root, '2.0.0')).toMatchObject({ installed: [], removed: [], kept: [] })
}

/** Everything at 1.0.0, copied: installing it for every case would take most of the time. */
async function upgradable() {
  const folder = await temporaryFolder()
  await cp(template, folder.path, { recursive: true })
  return folder
}

let template = ''
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'slipway-install-'))
  await run(template, '1.0.0')
  expect(await stateOf(template)).toEqual(before)
})
afterAll(() => rm(template, { recursive: true, force: true }))

describe('an install that is killed', () => {
  it('before any change leaves every folder whole, and the next run goes on from there', async () => {
    await using whole = await upgradable()
    const { steps } = await spawned(whole.path, '2.0.0')
    await expectDone(whole.path)
    expect(steps.length).toBeGreaterThan(25)
    expect(new Set(steps).size).toBeGreaterThan(8)
    // Changes of one name differ by nothing but the package: the first and the last of them.
    const ends = [...steps.keys()].filter(
      (n) => steps.indexOf(steps[n] ?? '') === n || steps.lastIndexOf(steps[n] ?? '') === n,
    )
    const states = await mapConcurrent(ends, 3, async (n) => {
      await using folder = await upgradable()
      expect((await spawned(folder.path, '2.0.0', n + 1)).signal).toBe('SIGKILL')
      const state = await expectWhole(folder.path)
      await age(folder.path)
      await run(folder.path, '2.0.0')
      await expectDone(folder.path)
      return JSON.stringify(state)
    })
    // From all old over each package to all new.
    expect(states[0]).toBe(JSON.stringify(before))
    expect(states.at(-1)).toBe(JSON.stringify(after))
    expect(new Set(states).size).toBeGreaterThan(4)
    // Between the two renames of a package.
    expect(states).toContain(JSON.stringify({ ...before, containerd: undefined }))
  }, 120_000)

  it('at any time leaves every folder whole', async () => {
    await using measured = await upgradable()
    const start = Date.now()
    await spawned(measured.path, '2.0.0')
    const took = Date.now() - start
    const fractions = Array.from({ length: 6 }, (_, n) => 0.5 + n * 0.09)
    await mapConcurrent(fractions, 2, async (fraction) => {
      await using folder = await upgradable()
      await spawned(folder.path, '2.0.0', 0, took * fraction)
      await expectWhole(folder.path)
      await age(folder.path)
      await run(folder.path, '2.0.0')
      await expectDone(folder.path)
    })
  }, 60_000)

  it('and then taken back is taken back whole', async () => {
    await using folder = await upgradable()
    const middle = 22
    expect((await spawned(folder.path, '2.0.0', middle)).signal).toBe('SIGKILL')
    expect(await stateOf(folder.path)).not.toEqual(before)
    await age(folder.path)
    await run(folder.path, '1.0.0')
    expect(await stateOf(folder.path)).toEqual(before)
  })

  it('while it removed what was left has the rest removed', async () => {
    await using folder = await upgradable()
    const left = join(folder.path, '.slipway/staging/0123.done/old')
    await mkdir(left, { recursive: true })
    const unknown = join(folder.path, '.slipway/staging/4567')
    await mkdir(unknown)
    await run(folder.path, '2.0.0')
    await expectDone(folder.path)
  })

  it('by a damaged disk keeps a folder that nothing tells about, and says so', async () => {
    await using folder = await upgradable()
    const left = join(folder.path, '.slipway/staging/0123')
    await mkdir(join(left, 'old'), { recursive: true })
    await writeFile(join(left, 'change.json'), '{"kind":"taskserv","name":"../../x"}')
    const report = recording()
    await run(folder.path, '2.0.0', { report })
    expect(report.warnings).toEqual(['INSTALL_LEFTOVER'])
    expect(await readdir(left)).toEqual(['change.json', 'old'])
    await rm(left, { recursive: true })
    await expectDone(folder.path)
  })
})

describe('an install that fails', () => {
  it('at any change leaves every folder whole and nothing beside them', async () => {
    const counted: string[] = []
    await using whole = await upgradable()
    await run(whole.path, '2.0.0', { concurrency: 1, step: (name) => void counted.push(name) })
    const states = new Set<string>()
    await mapConcurrent(counted.keys(), 4, async (n) => {
      await using folder = await upgradable()
      let steps = 0
      const step = () => {
        if (steps++ === n) throw new Error('disk broken')
      }
      await expect(run(folder.path, '2.0.0', { step, concurrency: 1 })).rejects.toThrow('disk broken')
      const state = await stateOf(folder.path)
      for (const name of ['containerd', 'network', 'kubernetes'] as const) expect(state[name]).toBeDefined()
      expect(await readdir(join(folder.path, '.slipway/staging'))).toEqual([])
      await run(folder.path, '2.0.0')
      await expectDone(folder.path)
      states.add(JSON.stringify(state))
    })
    expect(states.size).toBeGreaterThan(4)
  }, 60_000)

  it('for lack of space says so and leaves what was there', async () => {
    await using folder = await upgradable()
    // No file may become larger than 512 bytes, which a receipt is: EFBIG, as on a full disk ENOSPC.
    const args = ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, child, folder.path, '2.0.0']
    const { stdout, status } = spawnSync('sh', args, { encoding: 'utf8' })
    expect([status, JSON.parse(stdout)]).toEqual([0, { code: 'DISK_FULL', full: true }])
    expect(await stateOf(folder.path)).toEqual(before)
    expect(await readdir(join(folder.path, '.slipway/staging'))).toEqual([])
    await run(folder.path, '2.0.0')
    await expectDone(folder.path)
  })

  it('because somebody ends it does so between two packages', async () => {
    await using folder = await upgradable()
    const abort = new AbortController()
    const step = (name: string) => {
      if (name === 'put the receipt in place') abort.abort(new Error('interrupted'))
    }
    await expect(run(folder.path, '2.0.0', { step, signal: abort.signal })).rejects.toThrow('interrupted')
    expect(await stateOf(folder.path)).toEqual({ ...before, containerd: '2.0.0' })
    await run(folder.path, '2.0.0')
    await expectDone(folder.path)
  })
})

describe('two installs into one root', () => {
  it('wait for each other; the second finds everything there', async () => {
    await using folder = await upgradable()
    const runs = await Promise.all([1, 2, 3].map(() => spawned(folder.path, '2.0.0')))
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0])
    const lengths = runs.map(({ installed }) => installed.length).sort()
    expect(lengths).toEqual([0, 0, 4])
    await expectDone(folder.path)
  })

  it('of different locks end with one of the two', async () => {
    await using folder = await temporaryFolder()
    const runs = await Promise.all(['1.0.0', '2.0.0'].map((version) => spawned(folder.path, version)))
    expect(runs.map(({ installed }) => installed.length)).toEqual([4, 4])
    expect([before, after]).toContainEqual(await stateOf(folder.path))
  })

  it('fail by name where the other does not end', async () => {
    await using folder = await upgradable()
    const step = async () => {
      await expect(run(folder.path, '1.0.0', { wait: 20 })).rejects.toMatchObject({
        code: 'LOCK_TIMED_OUT',
        message: expect.stringContaining(`install.lock is held by process ${process.pid}`),
      })
    }
    await run(folder.path, '2.0.0', { step, concurrency: 1 })
    await expectDone(folder.path)
  })

  it('know from the age of the lock that the other still lives, however long it takes', async () => {
    await using folder = await upgradable()
    const lock = join(folder.path, '.slipway/install.lock')
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const step = async (name: string) => {
        if (name !== 'say what is being installed') return
        await age(folder.path)
        vi.advanceTimersByTime(30_000)
        const since = async () => Date.now() - (await stat(lock)).mtimeMs
        await expect.poll(since, { timeout: 20_000 }).toBeLessThan(4000)
      }
      await run(folder.path, '2.0.0', { step })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('change nothing more once another one has taken over', async () => {
    await using folder = await upgradable()
    let steps = 0
    const step = async (name: string) => {
      if (name !== 'put the receipt in place' || steps++ > 0) return
      const holder = { token: 'a'.repeat(24), pid: 1, host: 'elsewhere' }
      await writeFile(join(folder.path, '.slipway/install.lock'), JSON.stringify(holder))
    }
    await expect(run(folder.path, '2.0.0', { step })).rejects.toMatchObject({ code: 'INSTALL_INTERFERED' })
    expect(await stateOf(folder.path)).toEqual({ ...before, containerd: '2.0.0' })
    expect((await readdir(join(folder.path, '.slipway/staging'))).length).toBe(3)
    await rm(join(folder.path, '.slipway/install.lock'))
    await run(folder.path, '2.0.0')
    await expectDone(folder.path)
  })
})

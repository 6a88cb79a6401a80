import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { peer, run } from './programs.ts'

export { type OptionalPeer, peer, peerOrSkip, type RunOptions, type RunResult, run } from './programs.ts'

export type RegistryKind = 'distribution2' | 'distribution3' | 'referrers' | 'zot'

export interface RegistryOptions {
  /** Asks every request for this user with basic authentication. */
  readonly htpasswd?: { readonly user: string; readonly password: string }
  /** Where content is kept and stays after `stop()`; a temporary folder that goes when not given. */
  readonly dir?: string
  /** Whether distribution deletes; default: it does. */
  readonly delete?: boolean
}

export interface RunningRegistry extends AsyncDisposable {
  /** `localhost:PORT`, as it begins a reference. */
  readonly url: string
  /** Configuration and, but for `referrers` (memory), content. */
  readonly dir: string
  stop(): Promise<void>
}

const READY_WITHIN = 20_000
const ATTEMPTS = 5

/** Starts a registry on a free loopback port and returns once it answers. Throws with the server's own words. */
export async function startRegistry(
  kind: RegistryKind,
  options: RegistryOptions = {},
): Promise<RunningRegistry> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), `registry-${kind}-`)))
  const discard = async () => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    await mkdir(dir, { recursive: true })
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      const server = await serve(await command(kind, dir, port, options), port)
      if (server.failure === undefined) {
        const stop = async () => {
          await server.stop()
          await discard()
        }
        return { url: `localhost:${port}`, dir, stop, [Symbol.asyncDispose]: stop }
      }
      // Between finding the port and listening on it another process may have taken it.
      if (attempt === ATTEMPTS || !/address already in use/.test(server.failure)) {
        throw new Error(`${kind} did not start: ${server.failure}`)
      }
    }
  } catch (error) {
    await discard()
    throw error
  }
}

interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

async function command(
  kind: RegistryKind,
  dir: string,
  port: number,
  { htpasswd, delete: enabled = true }: RegistryOptions,
): Promise<Command> {
  const address = '127.0.0.1'
  if (kind === 'referrers') {
    const env = htpasswd && { REGISTRY_USER: htpasswd.user, REGISTRY_PASSWORD: htpasswd.password }
    return {
      program: peer('referrers-registry'),
      args: ['-listen', `${address}:${port}`],
      ...(env && { env }),
    }
  }
  const users = htpasswd && (await writeUsers(dir, htpasswd))
  const storage = join(dir, 'content')
  const config = join(dir, 'config.json') // YAML, which both versions of distribution read, includes JSON
  if (kind === 'zot') {
    await write(config, {
      storage: { rootDirectory: storage, gc: false },
      http: { address, port: `${port}`, ...(users && { auth: { htpasswd: { path: users } } }) },
      log: { level: 'error' },
    })
    return { program: peer('zot'), args: ['serve', config] }
  }
  await write(config, {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled } },
    http: { addr: `${address}:${port}` },
    ...(users && { auth: { htpasswd: { realm: 'peer', path: users } } }),
  })
  const program = peer(kind === 'distribution2' ? 'docker-registry' : 'registry3')
  return { program, args: ['serve', config], env: { OTEL_TRACES_EXPORTER: 'none' } }
}

const write = (path: string, config: object) => writeFile(path, JSON.stringify(config, undefined, 2))

/** The servers accept bcrypt only, which Node does not have. */
async function writeUsers(dir: string, { user, password }: { user: string; password: string }) {
  const script =
    'import bcrypt, sys; print(bcrypt.hashpw(sys.stdin.buffer.read(), bcrypt.gensalt(4)).decode())'
  const { stdout, stderr, code } = await run(peer('python'), ['-c', script], { input: password })
  if (code !== 0) throw new Error(`bcrypt failed: ${stderr}`)
  const path = join(dir, 'htpasswd')
  await writeFile(path, `${user}:${stdout.trim()}\n`)
  return path
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port)
        else reject(new Error('no free loopback port'))
      })
    })
  })
}

async function serve({ program, args, env }: Command, port: number) {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let ended = false
  const listen = (chunk: Buffer) => {
    said = (said + chunk).slice(-4096)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const end = new Promise<void>((resolve) => {
    const done = () => {
      ended = true
      process.off('exit', kill)
      resolve()
    }
    child.once('close', done)
    child.once('error', (error) => {
      said += String(error)
      done()
    })
  })
  const kill = () => child.kill('SIGKILL') // no server outlives a test process that forgot to stop it
  process.on('exit', kill)
  const stop = async () => {
    if (!ended) kill()
    await end
  }

  const deadline = performance.now() + READY_WITHIN
  while (!ended) {
    if (await answers(port)) {
      // Another server on this port would answer too, while ours ends unable to listen.
      await Promise.race([end, sleep(20)])
      if (!ended) return { stop }
      break
    }
    if (performance.now() > deadline) {
      await stop()
      return { stop, failure: `no answer within ${READY_WITHIN / 1000} s: ${said}` }
    }
    await sleep(25)
  }
  return { stop, failure: said || 'it ended without a word' }
}

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.status === 200 || response.status === 401
  } catch {
    return false
  }
}

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Real programs the peer tests run Slipway beside. `.ci/peers` installs all but {@link OPTIONAL_PEERS}. */
const FOLDER = process.env.SLIPWAY_PEERS ?? join(import.meta.dirname, '../../.cache/peers')

/** Peers that come as no package: a test takes them from `SLIPWAY_PEER_<NAME>` or is skipped. */
const OPTIONAL_PEERS = ['zot', 'kpm', 'trivy'] as const
export type OptionalPeer = (typeof OPTIONAL_PEERS)[number]

const variable = (name: string) => `SLIPWAY_PEER_${name.toUpperCase().replaceAll('-', '_')}`

/** The path of a peer program: `SLIPWAY_PEER_<NAME>` where set, else what `.ci/peers` installed. Throws when missing. */
export function peer(name: string): string {
  const given = process.env[variable(name)]
  const path = given || join(FOLDER, 'bin', name)
  if (existsSync(path)) return path
  throw new Error(
    given
      ? `${variable(name)} names ${path}, which is not there`
      : (OPTIONAL_PEERS as readonly string[]).includes(name)
        ? `${name} is not installed: set ${variable(name)} to the program's path`
        : `${name} is not installed in ${FOLDER}: run .ci/peers`,
  )
}

/** For `describe.skipIf(zot.path === undefined)`; a variable that names a missing file throws instead of skipping. */
export function peerOrSkip(
  name: OptionalPeer,
): { path: string; reason?: never } | { path?: never; reason: string } {
  if (process.env[variable(name)]) return { path: peer(name) }
  return { reason: `skipped: ${name} is not installed (${variable(name)} is not set)` }
}

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  /** Milliseconds; 60,000 when not given. */
  readonly timeout?: number
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

/** Runs a program to its end. A non-zero exit is a result; not starting, a signal and the time limit throw. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env, input, timeout = 180_000 }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { cwd, env: { ...process.env, ...env }, timeout, killSignal: 'SIGKILL', maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        if (!error) resolve({ stdout, stderr, code: 0 })
        else if (typeof error.code === 'number') resolve({ stdout, stderr, code: error.code })
        else reject(new Error(`${program} ${args.join(' ')} did not finish: ${stderr}`, { cause: error }))
      },
    )
    child.stdin?.on('error', () => {}) // a program that does not read its input closes it
    child.stdin?.end(input)
  })
}

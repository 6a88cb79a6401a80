import { spawn } from 'node:child_process'
import { badInput, SlipwayError } from '../core/error.ts'
import { isObject } from './docker-config.ts'

export type HelperVerb = 'get' | 'store' | 'erase'

/** Runs `docker-credential-<name>`; a port, so that what is above need not start programs in tests. */
export type RunHelper = (name: string, verb: HelperVerb, input: string) => Promise<HelperOutcome>

export interface HelperOutcome {
  readonly code: number | null
  readonly stdout: string
}

const timeLimit = 30_000
const largestOutput = 1024 * 1024

/**
 * Runs credential helpers with the given environment; their PATH is searched.
 * @throws CREDENTIAL_HELPER_FAILED when it is missing, runs longer than 30 s or writes too much
 */
export function helperRunner(
  environment: Readonly<Record<string, string | undefined>>,
  limit = timeLimit,
): RunHelper {
  return (name, verb, input) =>
    new Promise((resolve, reject) => {
      const program = programOf(name)
      // stderr is not shown: helpers print what they were given.
      const child = spawn(program, [verb], { env: { ...environment }, stdio: ['pipe', 'pipe', 'ignore'] })
      const chunks: Buffer[] = []
      let size = 0
      const fail = (why: string, cause?: unknown) => {
        clearTimeout(timer)
        child.kill('SIGKILL')
        // A grandchild may hold the pipe open; it is not waited for.
        child.stdout.destroy()
        reject(failed(program, verb, why, cause))
      }
      const timer = setTimeout(() => fail(`it did not end within ${limit / 1000} s`), limit)
      child.on('error', (cause) => {
        const missing = Reflect.get(cause, 'code') === 'ENOENT'
        fail(missing ? 'it is not installed (not found on PATH)' : cause.message, cause)
      })
      child.stdout.on('data', (chunk: Buffer) => {
        size += chunk.byteLength
        if (size > largestOutput) fail('it wrote more than 1 MiB')
        else chunks.push(chunk)
      })
      child.on('close', (code) => {
        clearTimeout(timer)
        resolve({ code, stdout: Buffer.concat(chunks).toString('utf8') })
      })
      // A helper that ends without reading is judged by its exit code.
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
}

/** A name from a configuration file must not become a path to some other program. */
function programOf(name: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw badInput(
      'CREDENTIALS_INVALID',
      `${JSON.stringify(name.slice(0, 100))} is not the name of a credential helper`,
      { hint: 'credsStore and credHelpers take letters, digits, ".", "_" and "-".' },
    )
  return `docker-credential-${name}`
}

export interface HelperCredential {
  readonly username: string
  readonly secret: string
}

/** Asks a helper; undefined when it knows nothing of the server. @throws CREDENTIAL_HELPER_FAILED */
export async function askHelper(
  run: RunHelper,
  name: string,
  server: string,
): Promise<HelperCredential | undefined> {
  const { code, stdout } = await run(name, 'get', server)
  const program = `docker-credential-${name}`
  if (code !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined
    throw failed(program, 'get', `it ended with exit code ${code}`)
  }
  let answer: unknown
  try {
    answer = JSON.parse(stdout)
  } catch {
    // Not repeated, since it may hold the password.
  }
  if (!isObject(answer) || typeof answer.Username !== 'string' || typeof answer.Secret !== 'string')
    throw failed(program, 'get', 'its answer is not {"Username", "Secret"}')
  return answer.Secret === '' ? undefined : { username: answer.Username, secret: answer.Secret }
}

export function failed(program: string, verb: HelperVerb, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError('CREDENTIAL_HELPER_FAILED', `${program} ${verb} failed: ${why}`, {
    hint: 'Run it by hand, or remove it from credsStore or credHelpers.',
    ...(cause === undefined ? {} : { cause }),
  })
}

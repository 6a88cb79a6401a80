import { helperRunner } from '../registry/credential-helper.ts'
import { removeLogin, saveLogin } from '../registry/login.ts'
import type { OpenOptions } from './open.ts'
import { createWire } from './wire.ts'

export interface LoginRequest {
  readonly host: string
  readonly username: string
  readonly password: string
  /** Where the password came from, for errors: `--password-stdin`. */
  readonly source: string
}

/**
 * Keeps a credential once the registry has accepted it.
 * @returns the name of the place it is kept in
 * @throws UNAUTHORIZED, DENIED, NOT_A_REGISTRY, CREDENTIALS_INVALID, CREDENTIAL_HELPER_FAILED, WRITE_FAILED
 */
export async function login(request: LoginRequest, options: OpenOptions): Promise<string> {
  const { host, username, password, source } = request
  options.secret?.(password)
  const wire = createWire({
    ...options,
    credentials: [{ host, credential: { kind: 'basic', username, password, source } }],
  })
  try {
    await wire.ping(host)
  } finally {
    await wire.close()
  }
  const run = helperRunner(options.environment)
  return await saveLogin({ environment: options.environment, host, run }, { username, password })
}

/** Forgets a host's credential. @returns where it was; undefined where there was none */
export async function logout(host: string, options: OpenOptions): Promise<string | undefined> {
  const run = helperRunner(options.environment)
  return await removeLogin({ environment: options.environment, host, run })
}

import { isAbsolute, join, resolve } from 'node:path'
import { badInput } from '../core/error.ts'
import type { Credential, CredentialSource } from './credential.ts'
import { askHelper, helperRunner, type RunHelper } from './credential-helper.ts'
import {
  type AuthEntry,
  canonicalHost,
  type DockerConfig,
  dockerHubKey,
  matchingKeys,
  readDockerConfig,
} from './docker-config.ts'

export type { Credential, CredentialSource } from './credential.ts'

/** Environment variables as a value. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A credential and the one host it belongs to. A function is called when the host wants to know who asks. */
export interface GivenCredential {
  readonly host: string
  readonly credential: Credential | (() => Promise<Credential>)
}

export interface CredentialOptions {
  /** HOME, REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, GITHUB_TOKEN, GITHUB_ACTOR; PATH for helpers. */
  readonly environment: Environment
  /** Given on the command line, as action inputs or by a workspace; each for one host only, the first counts. */
  readonly explicit?: readonly GivenCredential[]
  readonly run?: RunHelper
  /** Told every password and token that is found, so that it never appears in output. */
  readonly secret?: (value: string) => void
}

/** Where credentials are kept: the path, and the name the user knows it by. */
export interface CredentialFile {
  readonly path: string
  readonly label: string
}

/**
 * The credentials of this user, the first that fits: explicit, REGISTRY_AUTH_FILE, docker's config.json,
 * Podman's auth.json, and GITHUB_TOKEN for ghcr.io. Files are read and helpers run at most once.
 */
export function createCredentials(options: CredentialOptions): CredentialSource {
  return new UserCredentials(options)
}

class UserCredentials implements CredentialSource {
  readonly #options: CredentialOptions
  readonly #run: RunHelper
  #files: Promise<readonly { label: string; config: DockerConfig }[]> | undefined
  /** By host and repository. */
  readonly #found = new Map<string, Promise<Credential | undefined>>()

  constructor(options: CredentialOptions) {
    this.#options = options
    this.#run = options.run ?? helperRunner(options.environment)
  }

  for(host: string, repository?: string): Promise<Credential | undefined> {
    const key = `${canonicalHost(host)} ${repository ?? ''}`
    let found = this.#found.get(key)
    if (found === undefined) {
      found = this.#find(canonicalHost(host), repository).then((credential) => {
        const secret = credential?.kind === 'basic' ? credential.password : credential?.token
        if (secret !== undefined) this.#options.secret?.(secret)
        return credential
      })
      this.#found.set(key, found)
    }
    return found
  }

  async #find(host: string, repository: string | undefined): Promise<Credential | undefined> {
    const explicit = this.#options.explicit?.find((one) => canonicalHost(one.host) === host)
    if (explicit !== undefined) {
      const { credential } = explicit
      return typeof credential === 'function' ? await credential() : credential
    }
    this.#files ??= this.#read()
    for (const { label, config } of await this.#files) {
      const credential = await this.#inConfig(config, label, host, repository)
      if (credential !== undefined) return credential
    }
    const { GITHUB_TOKEN: token, GITHUB_ACTOR: actor } = this.#options.environment
    if (host === 'ghcr.io' && token)
      return { kind: 'basic', username: actor || 'token', password: token, source: 'GITHUB_TOKEN' }
    return undefined
  }

  async #read(): Promise<readonly { label: string; config: DockerConfig }[]> {
    const configs = []
    for (const { path, label } of credentialFiles(this.#options.environment)) {
      const config = await readDockerConfig(path)
      if (config !== undefined) configs.push({ label, config })
    }
    return configs
  }

  async #inConfig(
    config: DockerConfig,
    label: string,
    host: string,
    repository: string | undefined,
  ): Promise<Credential | undefined> {
    const [helperKey] = matchingKeys(config.credHelpers.keys(), host, repository)
    const keys = matchingKeys(config.auths.keys(), host, repository)
    const helper = helperKey === undefined ? undefined : config.credHelpers.get(helperKey)
    if (helper !== undefined) return this.#ask(helper, [helperKey ?? host], label)
    for (const key of keys) {
      const credential = fromEntry(config.auths.get(key) ?? {}, key, label)
      if (credential !== undefined) return credential
    }
    if (config.credsStore === undefined) return undefined
    // Stores know a host by the key that docker wrote, which stands without a password in `auths`.
    const server = host === 'docker.io' ? dockerHubKey : host
    return this.#ask(config.credsStore, [...new Set([...keys, server])], label)
  }

  async #ask(helper: string, servers: readonly string[], label: string): Promise<Credential | undefined> {
    const source = `docker-credential-${helper} (${label})`
    for (const server of servers) {
      const answer = await askHelper(this.#run, helper, server)
      if (answer === undefined) continue
      if (answer.username === '<token>') return { kind: 'identity', token: answer.secret, source }
      return { kind: 'basic', username: answer.username, password: answer.secret, source }
    }
    return undefined
  }
}

/** The files credentials are read from, the first wins. */
export function credentialFiles(environment: Environment): readonly CredentialFile[] {
  const { HOME: home = environment.USERPROFILE, XDG_RUNTIME_DIR: runtime } = environment
  const short = (path: string) =>
    home !== undefined && home !== '' && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
  const files: CredentialFile[] = []
  const add = (path: string) =>
    files.push({ path: isAbsolute(path) ? path : resolve(path), label: short(path) })
  if (environment.REGISTRY_AUTH_FILE) add(environment.REGISTRY_AUTH_FILE)
  if (environment.DOCKER_CONFIG) add(join(environment.DOCKER_CONFIG, 'config.json'))
  else if (home) add(join(home, '.docker', 'config.json'))
  if (runtime) add(join(runtime, 'containers', 'auth.json'))
  return files
}

function fromEntry(entry: AuthEntry, key: string, label: string): Credential | undefined {
  if (entry.identitytoken !== undefined)
    return { kind: 'identity', token: entry.identitytoken, source: label }
  if (entry.registrytoken !== undefined) return { kind: 'bearer', token: entry.registrytoken, source: label }
  if (entry.auth === undefined) {
    if (entry.username === undefined || entry.password === undefined) return undefined
    return { kind: 'basic', username: entry.username, password: entry.password, source: label }
  }
  const pair = Buffer.from(entry.auth, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0)
    throw badInput(
      'CREDENTIALS_INVALID',
      `${label}: "auth" of ${JSON.stringify(key)} is not base64 of user:password`,
      {
        hint: 'Log in again, or remove the entry.',
      },
    )
  // Old versions of docker padded the password with zero bytes.
  const password = pair.slice(colon + 1).replace(/\0+$/, '')
  return { kind: 'basic', username: pair.slice(0, colon), password, source: label }
}

import { readFile } from 'node:fs/promises'
import { badInput, messageOf } from '../core/error.ts'

/** One entry of `auths`, as docker and Podman write it. */
export interface AuthEntry {
  readonly auth?: string
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
}

/** A docker `config.json` or Podman `auth.json`; keys that are not named here are kept on writing. */
export interface DockerConfig {
  readonly auths: ReadonlyMap<string, AuthEntry>
  /** Helper per host. */
  readonly credHelpers: ReadonlyMap<string, string>
  readonly credsStore: string | undefined
}

/** What docker calls Docker Hub in its file. */
export const dockerHubKey = 'https://index.docker.io/v1/'
const dockerHubHosts = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
])

/** The name Docker Hub goes by, for all of its hosts; other hosts in lower case. */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase()
  return dockerHubHosts.has(name) ? 'docker.io' : name
}

/** Reads a file; undefined where there is none. @throws CREDENTIALS_INVALID */
export async function readDockerConfig(file: string): Promise<DockerConfig | undefined> {
  const text = await readText(file)
  return text === undefined ? undefined : parseDockerConfig(text, file)
}

export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code: unknown = Reflect.get(Object(cause), 'code')
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw badInput('CREDENTIALS_INVALID', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** @throws CREDENTIALS_INVALID, without repeating what the file holds */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  const root = parseObject(text, file)
  const part = (name: string): Record<string, unknown> => {
    const value = root[name] ?? {}
    if (!isObject(value)) throw broken(file, `"${name}" must be an object`)
    return value
  }
  const helpers = Object.entries(part('credHelpers')).flatMap(([host, name]): [string, string][] =>
    typeof name === 'string' && name !== '' ? [[host, name]] : [],
  )
  const { credsStore } = root
  return {
    auths: new Map(Object.entries(part('auths')).map(([key, value]) => [key, entryOf(value)])),
    credHelpers: new Map(helpers),
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  }
}

export function parseObject(text: string, file: string): Record<string, unknown> {
  let root: unknown
  try {
    root = JSON.parse(text.replace(/^\uFEFF/, '').trim() || '{}')
  } catch {
    // The parser's own message quotes the text around the fault, and that may be a password.
    throw broken(file, 'it is not valid JSON')
  }
  if (!isObject(root)) throw broken(file, 'it must hold a JSON object')
  return root
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function broken(file: string, why: string) {
  return badInput('CREDENTIALS_INVALID', `${file} cannot be used: ${why}`, {
    hint: 'Correct the file, or point DOCKER_CONFIG or REGISTRY_AUTH_FILE to another one.',
  })
}

function entryOf(value: unknown): AuthEntry {
  const from: Record<string, unknown> = isObject(value) ? value : {}
  const entry: Record<string, string> = {}
  for (const key of ['auth', 'username', 'password', 'identitytoken', 'registrytoken']) {
    const one = from[key]
    if (typeof one === 'string' && one !== '') entry[key] = one
  }
  return entry
}

/**
 * The keys of `auths` that stand for a host and repository, the most specific first: `host/a/b`, `host/a`,
 * `host`, then keys with a scheme or API path as docker writes them.
 */
export function matchingKeys(keys: Iterable<string>, host: string, repository?: string): readonly string[] {
  const wanted = canonicalHost(host)
  const found: { key: string; length: number; plain: boolean }[] = []
  for (const key of keys) {
    const { host: keyHost, path, plain } = splitKey(key)
    if (keyHost !== wanted) continue
    if (path !== '' && repository !== path && !repository?.startsWith(`${path}/`)) continue
    found.push({ key, length: path.length, plain })
  }
  return found.sort((a, b) => b.length - a.length || Number(b.plain) - Number(a.plain)).map((one) => one.key)
}

/** docker's keys may be whole addresses, whose path is the API's; Podman's are `host/namespace`. */
function splitKey(key: string): { host: string; path: string; plain: boolean } {
  const bare = key.replace(/^https?:\/\//, '')
  const slash = bare.indexOf('/')
  const host = canonicalHost(slash < 0 ? bare : bare.slice(0, slash))
  const path = slash < 0 ? '' : bare.slice(slash + 1).replace(/\/+$/, '')
  const plain = bare === key
  return { host, path: !plain || /^v[12]$/.test(path) ? '' : path, plain }
}

import { randomUUID } from 'node:crypto'
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { badInput, messageOf, SlipwayError } from '../core/error.ts'
import { failed, type RunHelper } from './credential-helper.ts'
import { credentialFiles, type Environment } from './credentials.ts'
import {
  canonicalHost,
  type DockerConfig,
  dockerHubKey,
  isObject,
  matchingKeys,
  parseDockerConfig,
  parseObject,
  readText,
} from './docker-config.ts'

export interface LoginOptions {
  readonly environment: Environment
  readonly host: string
  readonly run: RunHelper
}

/** What `login` keeps: a user and password, or an identity token. */
export type Login =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }

/**
 * Keeps a credential where docker, Podman and Slipway find it: in the configured helper or store, else in
 * REGISTRY_AUTH_FILE or docker's config.json. Returns the name of the place.
 * @throws CREDENTIALS_INVALID, CREDENTIAL_HELPER_FAILED, WRITE_FAILED
 */
export async function saveLogin(options: LoginOptions, login: Login): Promise<string> {
  const target = await openTarget(options)
  if (target.helper !== undefined) {
    const [Username, Secret] =
      'password' in login ? [login.username, login.password] : ['<token>', login.identityToken]
    const input = JSON.stringify({ ServerURL: target.key, Username, Secret })
    await runHelper(options.run, target.helper, 'store', input)
    // Without a password: it tells docker that the store knows this host.
    await write(target, (auths) => ({ ...auths, [target.key]: {} }))
    return `docker-credential-${target.helper}`
  }
  const entry =
    'password' in login
      ? { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') }
      : { auth: Buffer.from('<token>:').toString('base64'), identitytoken: login.identityToken }
  await write(target, (auths) => ({ ...without(auths, target.keys), [target.key]: entry }))
  return target.label
}

/** Forgets a host's credential; returns where it was, undefined where there was none. */
export async function removeLogin(options: LoginOptions): Promise<string | undefined> {
  const target = await openTarget(options)
  if (target.helper !== undefined)
    await runHelper(options.run, target.helper, 'erase', target.key).catch((error) => {
      // Most helpers fail when there is nothing to erase; then the file decides.
      if (target.keys.length > 0) throw error
    })
  if (target.keys.length === 0) return undefined
  await write(target, (auths) => without(auths, target.keys))
  return target.helper === undefined ? target.label : `docker-credential-${target.helper}`
}

interface Target {
  readonly path: string
  readonly label: string
  readonly text: string | undefined
  readonly helper: string | undefined
  /** The key new entries get. */
  readonly key: string
  /** The keys the host has now. */
  readonly keys: readonly string[]
}

async function openTarget({ environment, host }: LoginOptions): Promise<Target> {
  const [file] = credentialFiles(environment)
  if (file === undefined)
    throw badInput('CREDENTIALS_INVALID', 'there is no file to keep the credential in', {
      hint: 'Set HOME, DOCKER_CONFIG or REGISTRY_AUTH_FILE.',
    })
  const text = await readText(file.path)
  const config: DockerConfig = parseDockerConfig(text ?? '{}', file.label)
  const name = canonicalHost(host)
  const key = name === 'docker.io' ? dockerHubKey : name
  const [helperKey] = matchingKeys(config.credHelpers.keys(), name)
  const helper = helperKey === undefined ? config.credsStore : config.credHelpers.get(helperKey)
  return { ...file, text, helper, key, keys: matchingKeys(config.auths.keys(), name) }
}

async function runHelper(run: RunHelper, name: string, verb: 'store' | 'erase', input: string) {
  const { code } = await run(name, verb, input)
  if (code !== 0) throw failed(`docker-credential-${name}`, verb, `it ended with exit code ${code}`)
}

function without(auths: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => !keys.includes(key)))
}

/** Changes `auths` and nothing else, in the file's own indentation, readable by its owner alone. */
async function write(
  target: Target,
  change: (auths: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const root = parseObject(target.text ?? '{}', target.label)
  const auths = change(isObject(root.auths) ? root.auths : {})
  const indent = /^\s*\{\s*?\n([ \t]+)"/.exec(target.text ?? '')?.[1] ?? '\t'
  const text = `${JSON.stringify({ ...root, auths }, null, indent)}\n`
  try {
    await mkdir(dirname(target.path), { recursive: true, mode: 0o700 })
    // Where the file is a link into some other folder, that file is replaced rather than the link.
    const path = target.text === undefined ? target.path : await realpath(target.path)
    await replace(path, text)
  } catch (cause) {
    throw new SlipwayError('WRITE_FAILED', `${target.label} cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

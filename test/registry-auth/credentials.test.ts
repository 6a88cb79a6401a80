import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { helperRunner, type RunHelper } from '../../src/registry/credential-helper.ts'
import { createCredentials, type Environment } from '../../src/registry/credentials.ts'
import { removeLogin, saveLogin } from '../../src/registry/login.ts'

let home = ''
let config = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'credentials-'))
  config = join(home, '.docker', 'config.json')
  onTestFinished(() => rm(home, { recursive: true, force: true }))
})

const pair = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

async function put(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
}

const noHelper: RunHelper = async () => ({ code: 1, stdout: 'credentials not found in native keychain' })

function find(host: string, repository?: string, more: Environment = {}, run: RunHelper = noHelper) {
  return createCredentials({ environment: { HOME: home, ...more }, run }).for(host, repository)
}

describe('where credentials are found', () => {
  it('takes the first of explicit, REGISTRY_AUTH_FILE, docker, Podman and GITHUB_TOKEN', async () => {
    const paths = {
      file: join(home, 'auth.json'),
      docker: join(home, 'docker', 'config.json'),
      podman: join(home, 'run', 'containers', 'auth.json'),
    }
    for (const [name, path] of Object.entries(paths))
      await put(path, { auths: { 'ghcr.io': pair(`${name}:x`) } })
    const environment = {
      HOME: home,
      REGISTRY_AUTH_FILE: paths.file,
      DOCKER_CONFIG: join(home, 'docker'),
      XDG_RUNTIME_DIR: join(home, 'run'),
      GITHUB_TOKEN: 'x',
      GITHUB_ACTOR: 'actor',
    }
    const credential = { kind: 'basic', username: 'flag', password: 'x', source: '--username' } as const
    const explicit = [{ host: 'ghcr.io', credential }]
    const found = await createCredentials({ environment, explicit, run: noHelper }).for('ghcr.io')
    expect(found).toEqual(credential)
    expect(await createCredentials({ environment, explicit, run: noHelper }).for('quay.io')).toBeUndefined()
    const users: unknown[] = []
    for (const path of [...Object.values(paths), undefined]) {
      users.push(await find('ghcr.io', undefined, environment))
      if (path !== undefined) await rm(path)
    }
    expect(users).toMatchObject([
      { username: 'file', source: '~/auth.json' },
      { username: 'docker', source: '~/docker/config.json' },
      { username: 'podman', source: '~/run/containers/auth.json' },
      { username: 'actor', password: 'x', source: 'GITHUB_TOKEN' },
    ])
    expect(await find('quay.io', undefined, environment)).toBeUndefined()
  })

  it('knows Docker Hub by all its names, and hosts by all forms of key', async () => {
    await put(config, {
      auths: {
        'https://index.docker.io/v1/': pair('hub:a:b'),
        'https://harbor.test/v2/': pair('harbor:x'),
        'LOCALHOST:5000': { username: 'local', password: 'x' },
      },
    })
    for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io'])
      expect(await find(host)).toMatchObject({ username: 'hub', password: 'a:b' })
    expect(await find('harbor.test', 'any/repository')).toMatchObject({ username: 'harbor' })
    expect(await find('localhost:5000')).toMatchObject({ username: 'local' })
    expect(await find('localhost:5001')).toBeUndefined()
  })

  it('prefers the longest path that fits', async () => {
    await put(config, {
      auths: { 'r.test': pair('host:x'), 'r.test/a': pair('a:x'), 'r.test/a/b': pair('ab:x') },
    })
    expect(await find('r.test', 'a/b/c')).toMatchObject({ username: 'ab' })
    expect(await find('r.test', 'a/bc')).toMatchObject({ username: 'a' })
    expect(await find('r.test', 'other')).toMatchObject({ username: 'host' })
    expect(await find('r.test')).toMatchObject({ username: 'host' })
  })

  it('reads identity tokens, and passes over entries without a secret', async () => {
    await put(config, { auths: { 'a.test': { ...pair('<token>:'), identitytoken: 'i' }, 'b.test': {} } })
    expect(await find('a.test')).toMatchObject({ kind: 'identity', token: 'i' })
    expect(await find('b.test')).toBeUndefined()
  })

  it.each(['{"auths": {"a": "secret', '[]', '{"auths": 5}', '{"auths": {"a.test": {"auth": "c2VjcmV0"}}}'])(
    'names the file that holds %s, without repeating a secret',
    async (text) => {
      await put(config, text)
      const error: unknown = await find('a.test').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'CREDENTIALS_INVALID', exit: 2 })
      expect(String(error)).toContain('.docker/config.json')
      expect(String(error)).not.toContain('secret')
    },
  )
})

describe('credential helpers', () => {
  const answering =
    (asked: string[], answers: Record<string, string>): RunHelper =>
    async (name, verb, input) => {
      asked.push(`${name} ${verb} ${input}`)
      const stdout = answers[input]
      return stdout === undefined ? { code: 1, stdout: 'credentials not found' } : { code: 0, stdout }
    }

  it('asks the helper of the host, else the store, once per host', async () => {
    await put(config, {
      credHelpers: { 'ecr.test': 'ecr' },
      credsStore: 'desktop',
      auths: { 'https://s.test/': {} },
    })
    const asked: string[] = []
    const run = answering(asked, {
      'ecr.test': '{"Username":"AWS","Secret":"x"}',
      'https://s.test/': '{"Username":"<token>","Secret":"i"}',
    })
    const credentials = createCredentials({ environment: { HOME: home }, run })
    expect(await credentials.for('ecr.test')).toMatchObject({ username: 'AWS' })
    await credentials.for('ecr.test')
    expect(await credentials.for('s.test')).toEqual({
      kind: 'identity',
      token: 'i',
      source: 'docker-credential-desktop (~/.docker/config.json)',
    })
    expect(await credentials.for('docker.io')).toBeUndefined()
    expect(asked).toEqual([
      'ecr get ecr.test',
      'desktop get https://s.test/',
      'desktop get https://index.docker.io/v1/',
    ])
  })

  it('fails when a helper fails, and does not pass its output on', async () => {
    await put(config, { credsStore: 'x' })
    for (const outcome of [
      { code: 2, stdout: 'secret' },
      { code: 0, stdout: 'secret' },
    ]) {
      const error: unknown = await find('a.test', undefined, {}, async () => outcome).catch(
        (thrown) => thrown,
      )
      expect(error).toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' })
      expect(String(error)).not.toContain('secret')
    }
  })

  it('runs a real program with the host on its standard input', async () => {
    const program = join(home, 'docker-credential-real')
    const script = '#!/bin/sh\nread host\nprintf \'{"Username":"%s","Secret":"%s"}\' "$host" "$1"\n'
    await writeFile(program, script)
    await chmod(program, 0o755)
    await put(config, { credsStore: 'real' })
    const environment = { HOME: home, PATH: `${home}:/usr/bin:/bin` }
    expect(await createCredentials({ environment }).for('a.test')).toMatchObject({
      username: 'a.test',
      password: 'get',
    })
  })

  it('refuses names that are paths, missing programs and those that hang', async () => {
    const environment = { PATH: `${home}:/usr/bin:/bin` }
    await expect(helperRunner(environment)('../../bin/evil', 'get', 'a')).rejects.toMatchObject({
      code: 'CREDENTIALS_INVALID',
    })
    await expect(helperRunner(environment)('missing', 'get', 'a')).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message: expect.stringContaining('not installed'),
    })
    await writeFile(join(home, 'docker-credential-slow'), '#!/bin/sh\nsleep 20\n', { mode: 0o755 })
    await expect(helperRunner(environment, 100)('slow', 'get', 'a')).rejects.toMatchObject({
      message: expect.stringContaining('did not end within'),
    })
  })
})

describe('login and logout', () => {
  const options = (run: RunHelper = noHelper, host = 'r.test') => ({ environment: { HOME: home }, host, run })
  const login = { username: 'u', password: 'p' }

  it('keeps everything else in the file and its indentation, readable by its owner alone', async () => {
    await put(
      config,
      '{\n  "zeta": [1],\n  "auths": {\n    "https://r.test/v1/": {}\n  },\n  "proxies": {}\n}\n',
    )
    expect(await saveLogin(options(), login)).toBe('~/.docker/config.json')
    expect(await readFile(config, 'utf8')).toBe(
      '{\n  "zeta": [1],\n  "auths": {\n    "r.test": {\n      "auth": "dTpw"\n    }\n  },\n  "proxies": {}\n}\n'.replace(
        '[1]',
        '[\n    1\n  ]',
      ),
    )
    expect((await stat(config)).mode & 0o777).toBe(0o600)
    expect(await find('r.test')).toMatchObject({ username: 'u', password: 'p' })
    expect(await removeLogin(options())).toBe('~/.docker/config.json')
    expect(await removeLogin(options())).toBeUndefined()
    expect(await find('r.test')).toBeUndefined()
    expect(await readdir(dirname(config))).toEqual(['config.json'])
  })

  it('makes a new file with tabs, as docker does, and uses its key for Docker Hub', async () => {
    await saveLogin(options(noHelper, 'docker.io'), { identityToken: 'i' })
    expect(await readFile(config, 'utf8')).toContain('\n\t"auths": {\n\t\t"https://index.docker.io/v1/"')
    expect(await find('registry-1.docker.io')).toMatchObject({ kind: 'identity', token: 'i' })
  })

  it('writes through a link instead of replacing it', async () => {
    const real = join(home, 'real.json')
    await writeFile(real, '{}')
    await mkdir(dirname(config))
    await symlink(real, config)
    await saveLogin(options(), login)
    expect((await lstat(config)).isSymbolicLink()).toBe(true)
    expect(await readFile(real, 'utf8')).toContain('r.test')
  })

  it('leaves a broken file as it is', async () => {
    await put(config, '{"auths": ')
    await expect(saveLogin(options(), login)).rejects.toMatchObject({ code: 'CREDENTIALS_INVALID' })
    expect(await readFile(config, 'utf8')).toBe('{"auths": ')
  })

  it('hands the credential to the store, so that the file holds no secret', async () => {
    await put(config, { credsStore: 'desktop' })
    const asked: string[] = []
    const run: RunHelper = async (name, verb, input) => {
      asked.push(`${name} ${verb} ${input}`)
      return { code: 0, stdout: '' }
    }
    expect(await saveLogin(options(run), login)).toBe('docker-credential-desktop')
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({
      credsStore: 'desktop',
      auths: { 'r.test': {} },
    })
    expect(await removeLogin(options(run))).toBe('docker-credential-desktop')
    expect(asked).toEqual([
      'desktop store {"ServerURL":"r.test","Username":"u","Secret":"p"}',
      'desktop erase r.test',
    ])
    await put(config, { credsStore: 'desktop' })
    const failing: RunHelper = async () => ({ code: 1, stdout: '' })
    await expect(saveLogin(options(failing), login)).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
    })
  })
})

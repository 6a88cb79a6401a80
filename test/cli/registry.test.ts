import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { type Ran, type RunOptions, slipway } from './terminal.ts'

const example = fileURLToPath(
  new URL('../../examples/provisioning-extensions/providers/local', import.meta.url),
)
const scratch = mkdtempSync(join(tmpdir(), 'slipway-cli-registry-'))
const tag = 'providers/local/v1.2.0'
const user = { username: 'me', password: 'correct-horse' }
let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(scratch, 'repository-'))
  cpSync(example, join(cwd, 'providers/local'), { recursive: true })
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function start(options: FakeOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options)
  onTestFinished(() => fake[Symbol.asyncDispose]())
  return fake
}

const run = (args: string, options: Partial<RunOptions> = {}): Promise<Ran> =>
  slipway(args.split(' '), { cwd, ...options })
const release = (fake: FakeRegistry, more = '', options: Partial<RunOptions> = {}) =>
  run(`release ${tag} --skip-tests --retries 0 --to oci://${fake.host}/prefix --json${more}`, options)

describe('a registry', () => {
  it('gets a release, and lists, inspects and pulls it', async () => {
    const fake = await start()
    const released = await release(fake)
    expect(released.exit, released.stderr).toBe(0)
    const reference = `oci://${fake.host}/prefix/local`
    const [{ targets }] = JSON.parse(released.stdout).releases
    expect(targets[0]).toMatchObject({ outcome: 'published', reference: `${reference}:1.2.0` })
    expect((await run(`tags ${reference}`)).stdout).toBe('1.2.0\nlatest\n')
    const listed = JSON.parse((await run(`list oci://${fake.host}/prefix --json`)).stdout)
    expect(listed[0].repositories).toEqual([{ repository: 'prefix/local', highest: '1.2.0', versions: 1 }])
    expect(JSON.parse((await run(`inspect ${reference}:latest --json`)).stdout).digest).toBe(
      targets[0].digest,
    )
    const pulled = await run(`pull ${reference}:1.2.0 -o here`)
    expect(pulled.exit, pulled.stderr).toBe(0)
    const file = 'scripts/install.nu'
    expect(readFileSync(join(cwd, 'here', file))).toEqual(readFileSync(join(example, file)))
    const again = await run(`pull ${reference}:1.2.0 -o here --json`)
    expect(JSON.parse(again.stdout).error).toMatchObject({ code: 'FOLDER_NOT_EMPTY', exit: 3 })
    expect((await run(`pull ${reference}:1.2.0 -o here --replace`)).exit).toBe(0)
  })

  it('is read but not written in a dry run, which shows every write', async () => {
    const fake = await start()
    const { exit, stdout } = await release(fake, ' --dry-run')
    expect(exit).toBe(0)
    expect(fake.log(/^(POST|PUT|PATCH|DELETE)/)).toEqual([])
    const { writes } = JSON.parse(stdout) as { writes: { kind: string; tag?: string; repository: string }[] }
    expect(writes.map((one) => one.tag ?? one.kind).sort()).toEqual([
      '1.2.0',
      'blob',
      'blob',
      'latest',
      'manifest',
    ])
    expect(new Set(writes.map((one) => one.repository))).toEqual(new Set(['prefix/local']))
  })

  it('that holds other content under the tag shows the refusal in a dry run, too', async () => {
    const fake = await start()
    await release(fake)
    writeFileSync(join(cwd, 'providers/local/docs/more.md'), '# More\n')
    const argv = `release ${tag} --skip-tests --to oci://${fake.host}/prefix --dry-run`
    const { exit, stdout } = await run(argv)
    expect(exit).toBe(3)
    expect(stdout).toContain('error[TAG_EXISTS]')
    expect(stdout).toContain('hint: ')
  })

  it('that cannot be reached fails with its host and a hint, beside a target that works', async () => {
    const to = 'oci://127.0.0.1:1/prefix --to layout:good'
    const ran = await run(`release ${tag} --skip-tests --retries 0 --to ${to} --json`)
    expect(ran.exit).toBe(1)
    const [{ targets }] = JSON.parse(ran.stdout).releases
    expect(targets.map((one: { outcome: string }) => one.outcome)).toEqual(['failed', 'published'])
    expect(targets[0].error).toMatchObject({ code: 'HOST_UNREACHABLE', hint: expect.any(String) })
    expect(targets[0].error.message).toContain('127.0.0.1:1')
  })

  it('that fails is completed by running the same command again', async () => {
    const fake = await start()
    fake.fail({ method: 'PUT', path: /manifests\/1\.2\.0$/, status: 500 })
    const first = await release(fake)
    expect(first.exit).toBe(1)
    expect(fake.repository('prefix/local')?.tags.size).toBe(0)
    const second = await release(fake)
    expect(second.exit, second.stderr).toBe(0)
    expect(JSON.parse(second.stdout).releases[0].targets[0].outcome).toBe('published')
  })
})

describe('a credential', () => {
  const secret = { kind: 'basic', ...user } as const

  it('that is missing or wrong is told with the host and whether one was sent', async () => {
    const fake = await start({ auth: secret })
    const failure = async (options: Partial<RunOptions>, more = '') => {
      const { exit, stdout, stderr } = await release(fake, more, options)
      expect(exit).toBe(1)
      expect(stdout + stderr).not.toContain('wrong-horse')
      return JSON.parse(stdout).releases[0].targets[0].error
    }
    const without = await failure({})
    expect(without).toMatchObject({ code: 'UNAUTHORIZED', hint: expect.stringContaining('slipway login') })
    expect(without.message).toContain(fake.host)
    expect(without.message).toMatch(/no credential|without a credential|anonymous/i)
    const wrong = await failure({ stdin: 'wrong-horse\n' }, ' --username me --password-stdin')
    expect(wrong.message).toContain(fake.host)
    expect(wrong.message).toContain('--password-stdin')
    expect(wrong.message).not.toBe(without.message)
    expect(fake.state.repositories.size).toBe(0)
  })

  it.each([
    ['a flag and stdin', ' --username me --password-stdin', {}, `${user.password}\n`],
    ['variables', '', { SLIPWAY_USERNAME: user.username, SLIPWAY_PASSWORD: user.password }, undefined],
    [
      'a flag, whatever the variables say',
      ' --username me --password-stdin',
      { SLIPWAY_TOKEN: 'stale', SLIPWAY_USERNAME: 'you', SLIPWAY_PASSWORD: 'x' },
      user.password,
    ],
  ])('comes from %s, and is nowhere in the output', async (_, flags, environment, stdin) => {
    const fake = await start({ auth: secret })
    const ran = await release(fake, `${flags} --verbose`, {
      environment,
      ...(stdin === undefined ? {} : { stdin }),
    })
    expect(ran.exit, ran.stderr).toBe(0)
    for (const text of [user.password, Buffer.from(`${user.username}:${user.password}`).toString('base64')])
      expect(ran.stdout + ran.stderr).not.toContain(text)
  })

  it('goes to no host but those that the addresses name', async () => {
    const [named, other] = [await start(), await start({ auth: secret })]
    writeFileSync(join(cwd, 'slipway.yaml'), `version: 1\nsources:\n  - oci://${other.host}/prefix\n`)
    const environment = { SLIPWAY_USERNAME: user.username, SLIPWAY_PASSWORD: user.password }
    expect((await run(`list oci://${named.host}/x`, { environment })).exit).toBe(0)
    expect(other.requests).toEqual([])
  })

  it('is sent to neither of two hosts', async () => {
    const [one, two] = [await start(), await start()]
    const environment = { SLIPWAY_TOKEN: 'for-one-of-them' }
    const ran = await release(one, ` --to oci://${two.host}/prefix`, { environment })
    expect(JSON.parse(ran.stdout).error).toMatchObject({ code: 'CREDENTIAL_AMBIGUOUS', exit: 2 })
    expect([...one.requests, ...two.requests]).toEqual([])
    expect(ran.stdout + ran.stderr).not.toContain('for-one-of-them')
  })

  it('in variables is no error where no host is spoken to', async () => {
    const environment = { SLIPWAY_USERNAME: 'me' }
    expect((await run('config', { environment })).exit).toBe(0)
    expect((await run('validate', { environment })).exit).toBe(0)
  })

  it('from stdin needs a user, and a user a password', async () => {
    const fake = await start()
    const nobody = await release(fake, ' --password-stdin', { stdin: 'x' })
    expect(JSON.parse(nobody.stdout).error).toMatchObject({ code: 'USERNAME_MISSING', exit: 2 })
    for (const stdin of ['', '\n', 'x'.repeat(70_000)]) {
      const empty = await release(fake, ' --username me --password-stdin', { stdin })
      expect(JSON.parse(empty.stdout).error).toMatchObject({ code: 'PASSWORD_MISSING', exit: 2 })
    }
    expect(fake.requests).toEqual([])
  })
})

describe('a secret', () => {
  it('that is a number is masked without breaking the document', async () => {
    const environment = { SLIPWAY_USERNAME: 'me', SLIPWAY_PASSWORD: '1.2' }
    const { exit, stdout } = await run(`release ${tag} --skip-tests --to layout:out --json`, { environment })
    expect(exit).toBe(0)
    const { releases } = JSON.parse(stdout)
    expect(releases[0].files).toBeGreaterThan(10)
    expect(releases[0].version).toBe('***.0')
  })

  it('of one or two characters is not masked, which is said once instead of hiding half of every message', async () => {
    const environment = { SLIPWAY_USERNAME: 'me', SLIPWAY_PASSWORD: 'e', SLIPWAY_TOKEN: '1.' }
    const argv = `release ${tag} --skip-tests --to layout:out`
    const { exit, stdout, stderr } = await run(`${argv} --json`, { environment })
    expect(exit).toBe(0)
    expect(JSON.parse(stdout).releases[0].version).toBe('1.2.0')
    expect(stderr.match(/SECRET_TOO_SHORT/g)).toHaveLength(1)
    expect(stderr + stdout).not.toContain('***')
  })
})

describe('slipway login', () => {
  const secret = { kind: 'basic', ...user } as const
  const home = () => ({ DOCKER_CONFIG: join(cwd, 'docker') })
  const kept = () => join(cwd, 'docker/config.json')

  it('keeps what the registry accepts, for the commands after it, until logout', async () => {
    const fake = await start({ auth: secret })
    const environment = home()
    const argv = `login ${fake.host} --username me --password-stdin`
    const ran = await run(argv, { environment, stdin: `${user.password}\n` })
    expect(ran.exit, ran.stderr).toBe(0)
    expect(ran.stdout).toContain(fake.host)
    expect(ran.stdout + ran.stderr).not.toContain(user.password)
    expect(Object.keys(JSON.parse(readFileSync(kept(), 'utf8')).auths)).toEqual([fake.host])
    expect((await release(fake, '', { environment })).exit).toBe(0)
    const out = await run(`logout ${fake.host} --json`, { environment })
    expect(JSON.parse(out.stdout)).toMatchObject({ host: fake.host, place: expect.any(String) })
    expect((await release(fake, '', { environment })).exit).toBe(1)
    const none = await run(`logout ${fake.host}`, { environment })
    expect({ exit: none.exit, stdout: none.stdout }).toEqual({
      exit: 0,
      stdout: `There was no credential for ${fake.host}\n`,
    })
  })

  it('takes the user from a variable beside a password from stdin', async () => {
    const fake = await start({ auth: secret })
    const environment = { ...home(), SLIPWAY_USERNAME: 'me' }
    const ran = await run(`login ${fake.host} --password-stdin`, { environment, stdin: user.password })
    expect(ran.exit, ran.stderr).toBe(0)
  })

  it('keeps nothing that the registry refuses', async () => {
    const fake = await start({ auth: secret })
    const argv = `login ${fake.host} --username me --password-stdin --json`
    const ran = await run(argv, { environment: home(), stdin: 'wrong-horse' })
    expect(ran.exit).toBe(1)
    expect(JSON.parse(ran.stdout).error).toMatchObject({ code: 'UNAUTHORIZED' })
    expect(JSON.parse(ran.stdout).error.message).toContain(fake.host)
    expect(ran.stdout + ran.stderr).not.toContain('wrong-horse')
    expect(existsSync(kept())).toBe(false)
  })

  it('leaves a broken file of docker as it is', async () => {
    const fake = await start({ auth: secret })
    mkdirSync(join(cwd, 'docker'))
    writeFileSync(kept(), '{ broken')
    const argv = `login ${fake.host} --username me --password-stdin --json`
    const ran = await run(argv, { environment: home(), stdin: user.password })
    expect(JSON.parse(ran.stdout).error).toMatchObject({ code: 'CREDENTIALS_INVALID', exit: 2 })
    expect(readFileSync(kept(), 'utf8')).toBe('{ broken')
  })

  it('asks for what is missing', async () => {
    const nobody = await run('login localhost:1 --json')
    expect(JSON.parse(nobody.stdout).error).toMatchObject({ code: 'USERNAME_MISSING', exit: 2 })
    const nothing = await run('login localhost:1 --username me --json')
    expect(JSON.parse(nothing.stdout).error).toMatchObject({ code: 'PASSWORD_MISSING', exit: 2 })
  })
})

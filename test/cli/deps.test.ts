import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startFakeRegistry } from '../fake/registry.ts'
import { extension, type Project, project, stock, workspaceFile, write } from '../tasks/solving.ts'
import { type RunOptions, slipway } from './terminal.ts'

const deps = (one: Project, args: string, options: Partial<RunOptions> = {}) =>
  slipway(['deps', ...args.split(' ').filter((part) => part !== '')], { cwd: one.directory, ...options })
const json = (text: string) => JSON.parse(text)
const occurrences = (text: string, part: string) => text.split(part).length - 1

/** Kubernetes and etcd of the repository, containerd and runc of its registry. */
async function repository(): Promise<Project> {
  const one = project()
  write(one.directory, {
    ...extension('kubernetes', '1.28.0', { containerd: '>=1.7.0 <2.0.0', etcd: '^3.5.0' }),
    ...extension('etcd', '3.5.16'),
  })
  await one.stock({ 'containerd 1.7.20': { runc: '^1.1.0' }, 'runc 1.1.15': {} })
  return one
}

describe('deps resolve', () => {
  it('shows what changed and the order, and writes the lock', async () => {
    const one = await repository()
    const { exit, stdout, stderr } = await deps(one, 'resolve')
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toBe(`+ containerd 1.7.20
+ etcd 3.5.16
+ kubernetes 1.28.0
+ runc 1.1.15

1  etcd 3.5.16, runc 1.1.15
2  containerd 1.7.20
3  kubernetes 1.28.0

4 packages in 3 waves, no requests; slipway.lock written
`)
    expect((await deps(one, 'resolve')).stdout).toMatch(
      /^1 {2}etcd[\s\S]*no requests; slipway\.lock is up to date\n$/,
    )
    await one.stock({ 'containerd 1.7.23': { runc: '^1.1.0' } })
    expect((await deps(one, 'update --dry-run')).stdout).toBe(
      '↑ containerd 1.7.20 → 1.7.23\n\nslipway.lock not written (dry run)\n',
    )
    expect((await deps(one, 'update containerd')).stdout).toBe(
      '↑ containerd 1.7.20 → 1.7.23\n\nslipway.lock written\n',
    )
    expect((await deps(one, 'update')).stdout).toBe('nothing to update; slipway.lock is up to date\n')
  })

  it('prints one document with --json', async () => {
    const one = await repository()
    const { stdout } = await deps(one, 'resolve --dry-run --json')
    expect(json(stdout)).toMatchObject({
      written: false,
      order: ['etcd', 'runc', 'containerd', 'kubernetes'],
      counts: { requests: 0, conflicts: 0 },
    })
    expect(one.lock()).toBeUndefined()
  })

  it('frozen ends with 3 after a range was edited by hand, and says which', async () => {
    const one = await repository()
    await deps(one, 'resolve')
    expect((await deps(one, 'resolve --frozen')).exit).toBe(0)
    write(one.directory, extension('kubernetes', '1.28.0', { containerd: '^1.7.21', etcd: '^3.5.0' }))
    const { exit, stdout, stderr } = await deps(one, 'resolve --frozen')
    expect({ exit, stdout }).toEqual({ exit: 3, stdout: '' })
    expect(stderr).toBe(
      `error[LOCK_OUT_OF_DATE]: slipway.lock is not what is required now:
  kubernetes requires containerd ^1.7.21 now, and >=1.7.0 <2.0.0 in the lock
  hint: Run slipway deps resolve and commit slipway.lock, or undo the change.
`,
    )
  })

  it('has the core from the flag before slipway.yaml, and names who said it', async () => {
    const one = await repository()
    write(one.directory, extension('etcd', '3.5.16', {}, 'min_provisioning_version: "3.5.0"\n'))
    const core = async (args = '', environment = {}) => {
      const { stdout } = await deps(one, `resolve --dry-run --json ${args}`, { environment })
      return json(stdout).lock.roots.core
    }
    const unsaid = await deps(one, 'resolve --dry-run')
    expect(occurrences(unsaid.stderr, 'CORE_UNKNOWN')).toBe(1)
    write(one.directory, { 'slipway.yaml': 'version: 1\ncore: "3.6.0"\n' })
    expect(await core()).toBe('3.6.0')
    expect(await core('', { SLIPWAY_CORE_VERSION: '3.7.0' })).toBe('3.7.0')
    expect(await core('--core-version v3.8.0', { SLIPWAY_CORE_VERSION: '3.7.0' })).toBe('3.8.0')
    const bad = await deps(one, 'resolve --core-version newest')
    expect(bad.exit).toBe(2)
    expect(bad.stderr).toContain('CORE_INVALID')
  })

  it.each([
    ['--override containerd', 'OVERRIDE_INVALID'],
    ['--override containerd=newest', 'RANGE_INVALID'],
    ['--platform arm64', 'PLATFORM_INVALID'],
    ['--workspace missing.yaml', 'WORKSPACE_MISSING'],
  ])('%s is bad input', async (args, code) => {
    const one = await repository()
    const { exit, stdout } = await deps(one, `resolve --json ${args}`)
    expect(json(stdout).error).toMatchObject({ code, exit: 2 })
    expect(exit).toBe(2)
  })
})

describe('deps validate', () => {
  it('ends with 0 where all goes together, and with 1 where nothing does', async () => {
    const one = await repository()
    expect(await deps(one, 'validate')).toEqual({
      exit: 0,
      stdout: 'packages that go together: 4; there is no slipway.lock\n',
      stderr: '',
    })
    await deps(one, 'resolve')
    expect((await deps(one, 'validate')).stdout).toContain('slipway.lock is up to date')
    write(one.directory, extension('etcd', '4.0.0'))
    const { exit, stderr } = await deps(one, 'validate')
    expect(exit).toBe(1)
    expect(stderr).toContain('error[UNSATISFIABLE]')
  })
})

describe('what is shown of a solution', () => {
  it('is a tree, also under the other name of the group', async () => {
    const one = await repository()
    await deps(one, 'resolve')
    expect((await deps(one, 'tree kubernetes')).stdout).toBe(`kubernetes 1.28.0
├─ containerd 1.7.20 >=1.7.0 <2.0.0
│  └─ runc 1.1.15 ^1.1.0
└─ etcd 3.5.16 ^3.5.0
`)
    expect((await deps(one, 'tree --depth 0')).stdout).toBe('kubernetes 1.28.0 …\n')
    const other = await slipway(['dep', 'tree', 'runc', '--invert'], { cwd: one.directory })
    expect(other.stdout).toBe(`runc 1.1.15
└─ containerd 1.7.20 ^1.1.0
   └─ kubernetes 1.28.0 >=1.7.0 <2.0.0
`)
    const bad = await deps(one, 'tree --depth deep')
    expect({ exit: bad.exit, stderr: bad.stderr }).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('"deep"'),
    })
  })

  it('is why a package is there', async () => {
    const one = await repository()
    await deps(one, 'resolve')
    expect((await deps(one, 'why runc')).stdout).toBe(`runc 1.1.15

kubernetes 1.28.0
└─ containerd 1.7.20 >=1.7.0 <2.0.0
   └─ runc 1.1.15 ^1.1.0
`)
  })

  it('is what is behind, also as check-updates', async () => {
    const one = await repository()
    await deps(one, 'resolve')
    expect((await deps(one, 'outdated')).stdout).toBe('all 2 are up to date\n')
    await one.stock({ 'containerd 1.7.23': {}, 'containerd 2.0.0': {} })
    const expected = `package     locked  wanted  latest
containerd  1.7.20  1.7.23  2.0.0
`
    expect((await deps(one, 'outdated')).stdout).toBe(expected)
    expect((await deps(one, 'check-updates')).stdout).toBe(expected)
  })

  it('is a graph in the format that is asked for', async () => {
    const one = await repository()
    await deps(one, 'resolve')
    expect((await deps(one, 'graph')).stdout).toMatch(/^graph TD\n/)
    expect((await deps(one, 'graph --format dot')).stdout).toMatch(/^digraph /)
    expect(json((await deps(one, 'graph --format json')).stdout).edges).toContainEqual({
      from: 'containerd',
      to: 'runc',
      text: '^1.1.0',
    })
    expect((await deps(one, 'graph --format svg')).exit).toBe(2)
  })
})

describe('a workspace file', () => {
  async function remote() {
    const password = 'gh_s3cret'
    const fake = await startFakeRegistry({ auth: { kind: 'basic', username: '_token', password } })
    onTestFinished(() => fake[Symbol.asyncDispose]())
    const one = project()
    write(one.directory, { 'token.txt': `${password}\n` })
    await one.run(async () => {
      const { Opener } = await import('../../src/open/open.ts')
      const credential = { kind: 'basic', username: '_token', password, source: 'test' } as const
      await using opener = new Opener({
        environment: {},
        userAgent: 'test',
        credentials: [{ host: fake.host, credential }],
      })
      const shelf = { 'kubernetes 1.28.0': { etcd: '^3.5' }, 'etcd 3.5.16': {} }
      await stock(await opener.open({ scheme: 'oci', host: fake.host }), shelf, 'acme/ext/')
    })
    fake.clearLog()
    return { one, fake }
  }
  const oci = (host: string, more = '') =>
    `dependencies:\n  extensions:\n    oci:\n      registry: ${host}\n      namespace: acme/ext\n      auth_token_path: ../token.txt\n${more}    modules:\n      taskservs: [kubernetes]\n`
  const file = 'workspace/config/provisioning.yaml'

  it('says what is wanted, where it is, and which token its host gets', async () => {
    const { one, fake } = await remote()
    write(one.directory, { [file]: oci(fake.host) })
    const { exit, stdout, stderr } = await deps(one, 'resolve --json')
    expect(exit, stderr).toBe(0)
    expect(json(stdout).order).toEqual(['etcd', 'kubernetes'])
    expect(json(stdout).lock.packages[0].source).toBe(`oci://${fake.host}/acme/ext/etcd`)
    expect(stdout + stderr).not.toContain('gh_s3cret')
    // A list and a manifest for each of the two; what answers 401 first is not counted as more.
    expect(json(stdout).counts.requests).toBe(4)
  })

  it('sends its token to that host only', async () => {
    const { one, fake } = await remote()
    await using other = await startFakeRegistry()
    await one.stock({ 'kubernetes 1.28.0': {} }, `oci://${other.host}/acme/ext`)
    other.clearLog()
    const text = oci(fake.host).replace('[kubernetes]', `["oci://${other.host}/acme/ext/kubernetes"]`)
    write(one.directory, { [file]: text })
    const { exit, stderr } = await deps(one, 'resolve')
    expect(exit, stderr).toBe(0)
    expect(other.log(/kubernetes/).length).toBeGreaterThan(0)
    expect(other.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })

  it('tells its warnings once, whichever command reads it', async () => {
    const { one, fake } = await remote()
    write(one.directory, { [file]: oci(fake.host, '      colour: red\n') })
    for (const args of ['resolve --install', 'tree', 'outdated', 'update', 'resolve --frozen'])
      expect([args, occurrences((await deps(one, args)).stderr, 'colour')]).toEqual([args, 1])
  })

  it('that is broken is refused with every line, once', async () => {
    const one = project()
    write(one.directory, workspaceFile(['oci://bad host/x', 'oci://ghcr.io/a/b:not a range']))
    const { exit, stderr } = await deps(one, 'resolve')
    expect(exit).toBe(2)
    expect(stderr).toContain('error[WORKSPACE_INVALID]')
    for (const line of [5, 6]) expect(occurrences(stderr, `${file}:${line}:`)).toBe(1)
  })

  it('has no say where slipway.yaml speaks of the same host', async () => {
    const { one, fake } = await remote()
    write(one.directory, {
      [file]: oci(fake.host, '      tls_enabled: false\n'),
      'slipway.yaml': `version: 1\nregistries:\n  "${fake.host}":\n    plainHttp: false\n    retries: 0\n`,
    })
    const { exit, stderr } = await deps(one, 'resolve')
    // Plain HTTP is all that this registry speaks.
    expect(exit).toBe(1)
    expect(stderr).toContain(fake.host)
    expect(fake.requests).toEqual([])
  })

  it('is named by a flag, relative to the current folder', async () => {
    const { one, fake } = await remote()
    write(one.directory, {
      'stage/config/other.yaml': oci(fake.host),
    })
    writeFileSync(join(one.directory, 'slipway.yaml'), 'version: 1\n')
    const { exit, stdout, stderr } = await deps(one, 'resolve --json --workspace stage/config/other.yaml')
    expect(exit, stderr).toBe(0)
    expect(json(stdout).lock.roots).toEqual({ kubernetes: '*' })
  })
})

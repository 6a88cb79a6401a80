import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git } from './generated.ts'
import { peer, type RegistryKind, type RunningRegistry, run, startRegistry } from './registries.ts'
import { release, slipway } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples')
const user = { user: '_token', password: 'gh_s3cret' }

interface Locked {
  readonly id: string
  readonly version: string
  readonly source?: string
  readonly manifest?: string
  readonly layer?: string
}

/** The example repository and workspace beside a registry that lets nobody in without the token. */
class Site {
  readonly scratch: string
  readonly registry: RunningRegistry
  readonly repository: string
  readonly workspace: string

  constructor(scratch: string, registry: RunningRegistry) {
    this.scratch = scratch
    this.registry = registry
    this.repository = join(scratch, 'provisioning-extensions')
    this.workspace = join(scratch, 'workspace')
  }

  async prepare(): Promise<void> {
    await cp(join(examples, 'provisioning-extensions'), this.repository, {
      recursive: true,
      filter: (path) => !path.endsWith('.slipway'),
    })
    await cp(join(examples, 'workspace'), this.workspace, { recursive: true })
    await this.edit(join(this.workspace, 'config/provisioning.yaml'), /localhost:5000/g, this.registry.url)
    const token = join(this.scratch, '.provisioning/tokens')
    await mkdir(token, { recursive: true })
    await writeFile(join(token, 'oci'), `${user.password}\n`)
    const auth = Buffer.from(`${user.user}:${user.password}`).toString('base64')
    await mkdir(join(this.scratch, 'docker'))
    await writeFile(
      join(this.scratch, 'docker/config.json'),
      JSON.stringify({ auths: { [this.registry.url]: { auth } } }),
    )
    git(this.repository, ['init', '-q', '-b', 'main'])
    commit(this.repository)
  }

  async edit(file: string, from: string | RegExp, to: string): Promise<void> {
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(from)
    await writeFile(file, text.replace(from, to))
  }

  /** Commits the working tree and publishes what the registry lacks: KCL packages beside the extensions. */
  async publish(): Promise<number> {
    commit(this.repository)
    const to = ['--to', `oci://${this.registry.url}/provisioning-extensions`, '--skip-tests']
    const result = await release(['--all-changed', '-C', this.repository, ...to], {
      env: { DOCKER_CONFIG: join(this.scratch, 'docker'), HOME: this.scratch },
    })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    return result.releases.filter(({ targets }) => targets[0]?.outcome === 'published').length
  }

  /** Raises a version, and perhaps changes more of the manifest. */
  async raise(folder: string, from: string, to: string, change?: readonly [string, string]): Promise<void> {
    const manifest = join(this.repository, folder, 'manifest.yaml')
    await this.edit(manifest, `version: ${from}`, `version: ${to}`)
    if (change !== undefined) await this.edit(manifest, ...change)
  }

  /** A command on the workspace, by somebody who has nothing but the workspace's token. */
  async run(...args: string[]) {
    const env = { HOME: this.scratch, DOCKER_CONFIG: join(this.scratch, 'none'), XDG_RUNTIME_DIR: undefined }
    return await slipway([...args, '-C', this.workspace], { env })
  }

  async text(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args)
    expect(code, stderr).toBe(0)
    return stdout
  }

  async resolve(...args: string[]): Promise<{ packages: Locked[]; requests: number }> {
    const { lock, counts } = JSON.parse(await this.text('deps', 'resolve', '--json', ...args))
    return { packages: lock.packages, requests: counts.requests }
  }

  async versions(): Promise<Record<string, string>> {
    const { packages } = await this.resolve('--frozen')
    return Object.fromEntries(packages.map(({ id, version }) => [id, version]))
  }

  /** What another client prints, logged in as itself. */
  async client(name: string, ...args: string[]): Promise<string> {
    const env = { DOCKER_CONFIG: join(this.scratch, 'docker'), HOME: this.scratch }
    const { code, stdout, stderr } = await run(peer(name), args, { env })
    expect(code, `${name} ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout.trim()
  }
}

describe.each(['distribution2', 'referrers'] as const satisfies RegistryKind[])('%s', (kind) => {
  let site: Site
  let stopped = false

  beforeAll(async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'slipway-deps-'))
    site = new Site(scratch, await startRegistry(kind, { htpasswd: user }))
    await site.prepare()
  })
  afterAll(async () => {
    if (!stopped) await site.registry.stop()
    await rm(site.scratch, { recursive: true, force: true })
  })

  it('gets every package of the example, and newer versions of some', async () => {
    expect(await site.publish()).toBe(14)
    await site.raise('taskservs/kubernetes', '1.28.0', '1.28.1')
    await site.raise('taskservs/container-runtime/containerd', '1.7.23', '1.7.24')
    await site.raise('providers/upcloud', '1.6.2', '1.7.0')
    expect(await site.publish()).toBe(3)
    await site.raise('taskservs/kubernetes', '1.28.1', '1.29.0', ['<2.0.0', '<3.0.0'])
    // Beyond the core of the workspace, which is 3.5.0.
    await site.raise('providers/upcloud', '1.7.0', '1.8.0', ['"3.5.0"', '"4.0.0"'])
    await site.raise('taskservs/container-runtime/containerd', '1.7.24', '2.0.0')
    expect(await site.publish()).toBe(3)
    const tags = await site.client('crane', 'ls', `${site.registry.url}/provisioning-extensions/kubernetes`)
    expect(tags.split('\n').sort()).toEqual(['1.28.0', '1.28.1', '1.29.0', 'latest'])
  })

  it('is solved with nothing but the workspace’s token, to the highest versions that fit', async () => {
    const { packages, requests } = await site.resolve()
    expect(Object.fromEntries(packages.map(({ id, version }) => [id, version]))).toEqual({
      cilium: '1.16.3',
      containerd: '2.0.0',
      core: '3.5.0',
      etcd: '3.5.16',
      kubernetes: '1.29.0',
      local: '1.2.0',
      postgres: '16.4.0',
      redis: '7.4.1',
      runc: '1.1.15',
      upcloud: '1.7.0',
      web: '2.1.0',
    })
    // For each of ten packages its tags and a manifest, and upcloud's 1.8.0 that the core is too old for.
    expect(requests).toBe(21)
    expect(await site.text('deps', 'resolve', '--frozen')).toContain(
      'no requests; slipway.lock is up to date',
    )
  })

  it('holds exactly the digests that the lock names', async () => {
    const { packages } = await site.resolve('--frozen')
    const published = packages.filter(({ id }) => id !== 'core')
    expect(published).toHaveLength(10)
    for (const { id, version, source = '', manifest, layer } of published) {
      const reference = `${source.replace('oci://', '')}:${version}`
      expect(reference).toBe(`${site.registry.url}/provisioning-extensions/${id}:${version}`)
      expect(await site.client('crane', 'digest', reference)).toBe(manifest)
      const read = JSON.parse(await site.client('oras', 'manifest', 'fetch', '--plain-http', reference))
      expect(read.layers.map((one: { digest: string }) => one.digest)).toEqual([layer])
    }
  })

  it('is shown as a tree, and why', async () => {
    expect(await site.text('deps', 'tree', 'kubernetes')).toBe(
      `kubernetes 1.29.0
├─ containerd 2.0.0 >=1.7.0 <3.0.0
│  ├─ core 3.5.0 >=3.5.0
│  └─ runc 1.1.15 ^1.1.0
│     └─ core 3.5.0 >=3.5.0
├─ core 3.5.0 >=3.5.0
└─ etcd 3.5.16 ^3.5.0
   └─ core 3.5.0 >=3.5.0
`,
    )
    expect(await site.text('deps', 'why', 'redis')).toBe(`redis 7.4.1

web 2.1.0
└─ redis 7.4.1 ^7.2.0
`)
  })

  it('is installed, each package as it was released', async () => {
    await site.text('install')
    const at = join(site.workspace, 'extensions/taskservs')
    expect((await readdir(at)).sort()).toEqual([
      'cilium',
      'containerd',
      'etcd',
      'kubernetes',
      'postgres',
      'redis',
      'runc',
    ])
    expect(await readFile(join(at, 'kubernetes/manifest.yaml'))).toEqual(
      await readFile(join(site.repository, 'taskservs/kubernetes/manifest.yaml')),
    )
  })

  it('moves nothing by itself when something new appears; outdated tells it, update takes it', async () => {
    await site.raise('taskservs/databases/redis', '7.4.1', '7.4.2')
    await site.raise('taskservs/etcd', '3.5.16', '3.6.0')
    await site.raise('taskservs/databases/postgres', '16.4.0', '17.0.0')
    expect(await site.publish()).toBe(3)
    const before = await site.versions()
    await site.resolve()
    expect(await site.versions()).toEqual(before)
    expect((await site.text('deps', 'outdated')).split('\n').map((line) => line.split(/ +/))).toEqual([
      ['package', 'locked', 'wanted', 'latest'],
      ['etcd', '3.5.16', '3.6.0', '3.6.0'],
      ['postgres', '16.4.0', '16.4.0', '17.0.0'],
      ['redis', '7.4.1', '7.4.2', '7.4.2'],
      ['upcloud', '1.7.0', '1.7.0', '1.8.0'],
      [''],
    ])
    await site.text('deps', 'update', 'redis')
    expect(await site.versions()).toEqual({ ...before, redis: '7.4.2' })
    await site.text('deps', 'update', 'kubernetes', '--precise', '1.28.1')
    // Kubernetes 1.28 takes no containerd 2.
    expect(await site.versions()).toEqual({
      ...before,
      redis: '7.4.2',
      kubernetes: '1.28.1',
      containerd: '1.7.24',
    })
    await site.text('install')
    const manifest = join(site.workspace, 'extensions/taskservs/containerd/manifest.yaml')
    expect(await readFile(manifest, 'utf8')).toContain('version: 1.7.24')
  })

  it('is not asked at all by a frozen install that a hand-edited range ends', async () => {
    const file = join(site.workspace, 'config/provisioning.yaml')
    const before = await readFile(file, 'utf8')
    await site.edit(file, 'kubernetes:^1.28', 'kubernetes:^1.29')
    const { code, stderr } = await site.run('install')
    expect(code).toBe(3)
    expect(stderr).toContain('error[LOCK_OUT_OF_DATE]')
    expect(stderr).toMatch(
      /kubernetes changed from \^1\.28 to \^1\.29 \(config\/provisioning\.yaml:\d+:\d+\)/,
    )
    await writeFile(file, before)
  })

  it('says why nothing fits', async () => {
    const { code, stderr } = await site.run(
      'deps',
      'update',
      'containerd',
      '--precise',
      '2.0.0',
      '--override',
      'kubernetes=~1.28.0',
    )
    expect(code).toBe(1)
    expect(stderr).toContain('error[UNSATISFIABLE]')
    expect(stderr).toContain('containerd >=1.7.0 <2.0.0')
  })

  it('has KCL packages in the lowest version that is new enough', async () => {
    const mod = join(site.repository, 'kcl/network/kcl.mod')
    await site.edit(mod, 'version = "0.2.0"', 'version = "0.3.0"')
    expect(await site.publish()).toBe(1)
    const alone = join(site.scratch, 'alone')
    await cp(join(site.repository, 'kcl/fleet'), join(alone, 'kcl/fleet'), { recursive: true })
    const source = `oci://${site.registry.url}/provisioning-extensions`
    const env = { HOME: site.scratch, DOCKER_CONFIG: join(site.scratch, 'docker') }
    const args = ['deps', 'resolve', '-C', alone, '--source', source, '--json']
    const { code, stdout, stderr } = await slipway(args, { env })
    expect(code, stderr).toBe(0)
    const [fleet, network] = JSON.parse(stdout).lock.packages as Locked[]
    expect(fleet).toMatchObject({ id: 'kcl:fleet', version: '0.1.0', source: 'path:kcl/fleet' })
    const repository = `${source}/provisioning-kcl/network`
    expect(network).toMatchObject({ id: 'kcl:network', version: '0.2.0', source: repository })
    const reference = `${repository.replace('oci://', '')}:0.2.0`
    expect(await site.client('crane', 'digest', reference)).toBe(network?.manifest)
  })

  it('is not needed any more for what was read before', async () => {
    const before = await site.versions()
    await site.registry.stop()
    stopped = true
    const { requests } = await site.resolve('--offline')
    expect(requests).toBe(0)
    expect(await site.versions()).toEqual(before)
    expect((await site.run('deps', 'update')).code).toBe(1)
  })
})

import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, extensionFiles, git, tagOf, write } from './generated.ts'
import {
  peer,
  peerOrSkip,
  type RegistryKind,
  type RunningRegistry,
  run,
  startRegistry,
} from './registries.ts'
import { outcomes, release, slipway } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const zot = peerOrSkip('zot')
const one = 'taskservs/kubernetes/v1.28.0'
const tags = [
  'providers/aws/v2.4.0',
  'providers/local/v1.2.0',
  'providers/upcloud/v1.6.2',
  'taskservs/containerd/v1.7.23',
  'taskservs/runc/v1.1.15',
  'taskservs/buildkit/v0.16.0',
  'taskservs/postgres/v16.4.0',
  'taskservs/redis/v7.4.1',
  'taskservs/etcd/v3.5.16',
  one,
  'taskservs/cilium/v1.16.3',
  'clusters/web/v2.1.0',
]
const kubernetes = join(examples, 'taskservs/kubernetes')

let scratch: string
let repository: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-release-'))
  repository = join(scratch, 'repository')
  await cp(examples, repository, { recursive: true, filter: (path) => !path.endsWith('.slipway') })
  git(repository, ['init', '-q', '-b', 'main'])
  commit(repository, tags)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Relative paths with their bytes and whether they may be executed. */
async function contents(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const executable = ((await stat(path)).mode & 0o111) !== 0
    found.set(path.slice(folder.length + 1), `${executable} ${await readFile(path, 'base64')}`)
  }
  return found
}

/** What is in the kubernetes package: the folder without what .slipwayignore names. */
async function expected(): Promise<Map<string, string>> {
  const files = await contents(join(repository, 'taskservs/kubernetes'))
  for (const path of files.keys())
    if (path === '.slipwayignore' || path.startsWith('docs/drafts/')) files.delete(path)
  return files
}

/** Unpacks what a client fetched and holds it to the source. */
async function unpacked(archive: string): Promise<void> {
  const to = await mkdtemp(join(scratch, 'unpacked-'))
  const tar = await run('tar', ['-xzf', archive, '-C', to])
  expect(tar, tar.stderr).toMatchObject({ code: 0 })
  await equalsSource(to)
}

async function equalsSource(folder: string): Promise<void> {
  const found = await contents(folder)
  expect(found.delete('oci-manifest.json')).toBe(true)
  expect(found).toEqual(await expected())
}

async function client(name: string, ...args: string[]): Promise<string> {
  const program = name === 'sh' ? 'sh' : peer(name)
  const result = await run(program, args, { cwd: scratch, env: { DOCKER_CONFIG: scratch, HOME: scratch } })
  expect(result, `${name} ${args.join(' ')}: ${result.stderr}`).toMatchObject({ code: 0 })
  return result.stdout
}

interface Manifest {
  readonly artifactType?: string
  readonly layers: readonly { readonly digest: string; readonly annotations: Record<string, string> }[]
}

describe('the source', () => {
  it('has executable files, files that stay out and every tag', async () => {
    const files = await expected()
    expect([...files.values()].filter((text) => text.startsWith('true')).length).toBeGreaterThan(0)
    expect((await readdir(join(kubernetes, 'docs/drafts'))).length).toBeGreaterThan(0)
    expect(tags).toHaveLength(12)
  })
})

describe('one release and all of them, everywhere', () => {
  const kinds: readonly RegistryKind[] = ['distribution2', 'distribution3', 'referrers', 'zot']
  const usable = kinds.filter((kind) => kind !== 'zot' || zot.path !== undefined)
  const registries = new Map<RegistryKind, RunningRegistry>()
  const digests = new Map<string, string>()
  let layout: string
  let archive: string

  beforeAll(async () => {
    layout = join(scratch, 'layout')
    archive = join(scratch, 'all.tar')
    for (const kind of usable) registries.set(kind, await startRegistry(kind))
    const places = [...registries.values()].map(({ url }) => `oci://${url}/extensions`)
    places.push(`layout:${layout}`, `archive:${archive}`)
    const to = places.flatMap((place) => ['--to', place])
    const first = await release([one, '-C', repository, ...to])
    expect(first, first.stderr).toMatchObject({ code: 0 })
    expect(outcomes(first)).toEqual(['published'])
    const result = await release([...tags, '-C', repository, ...to], { timeout: 180_000 })
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(result.releases).toHaveLength(12)
    for (const { name, digest, targets } of result.releases) {
      expect(targets).toHaveLength(places.length)
      const outcome = name === 'kubernetes' ? 'unchanged' : 'published'
      for (const target of targets) expect(target).toMatchObject({ outcome, digest })
      digests.set(name, digest)
    }
    expect(digests.get('kubernetes')).toBe(first.releases[0]?.digest)
  }, 240_000)
  afterAll(async () => {
    for (const registry of registries.values()) await registry.stop()
  })

  describe.each(kinds)('%s', (kind) => {
    const skip = kind === 'zot' && zot.path === undefined
    const at = () => `${registries.get(kind)?.url}/extensions`
    const tls = () => ['--host', `reg=${registries.get(kind)?.url},tls=disabled`]

    it.skipIf(skip)('has the same digest under the version and under latest', async () => {
      for (const tag of tags) {
        const [name = '', version = ''] = tag.split('/').slice(1)
        const digest = digests.get(name)
        expect((await client('crane', 'digest', `${at()}/${name}:${version.slice(1)}`)).trim()).toBe(digest)
        expect((await client('regctl', ...tls(), 'image', 'digest', `${at()}/${name}:latest`)).trim()).toBe(
          digest,
        )
      }
    })

    it.skipIf(skip)('gives oras, crane, skopeo, regctl and slipway the files of the source', async () => {
      const reference = `${at()}/kubernetes:1.28.0`
      const to = await mkdtemp(join(scratch, 'pulled-'))
      await client('oras', 'pull', '--plain-http', reference, '-o', join(to, 'oras'))
      await unpacked(join(to, 'oras/kubernetes-1.28.0.tar.gz'))

      const manifest = JSON.parse(await client('crane', 'manifest', reference)) as Manifest
      expect(manifest.artifactType).toBe('application/vnd.slipway.taskserv.v1')
      const layer = manifest.layers[0]?.digest ?? ''
      await client(
        'sh',
        '-c',
        '"$0" blob "$1" > "$2"',
        peer('crane'),
        `${at()}/kubernetes@${layer}`,
        `${to}/crane.tgz`,
      )
      await unpacked(join(to, 'crane.tgz'))

      const raw = await client('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${reference}`)
      expect(JSON.parse(raw)).toEqual(manifest)
      const copy = ['copy', '--insecure-policy', '--src-tls-verify=false', `docker://${reference}`]
      await client('skopeo', ...copy, `oci:${to}/skopeo:1.28.0`)
      await unpacked(join(to, 'skopeo/blobs/sha256', layer.slice('sha256:'.length)))

      await client(
        'sh',
        '-c',
        '"$0" "$3" "$4" blob get "$1" "$5" > "$2"',
        peer('regctl'),
        `${at()}/kubernetes`,
        `${to}/regctl.tgz`,
        ...tls(),
        layer,
      )
      await unpacked(join(to, 'regctl.tgz'))

      const pulled = await slipway(['pull', `oci://${reference}`, '-o', join(to, 'slipway')])
      expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
      await equalsSource(join(to, 'slipway'))
    })
  })

  it('puts a layout there that oras and skopeo read', async () => {
    const to = await mkdtemp(join(scratch, 'layout-'))
    await client('oras', 'pull', '--oci-layout', `${layout}/kubernetes:1.28.0`, '-o', join(to, 'oras'))
    await unpacked(join(to, 'oras/kubernetes-1.28.0.tar.gz'))
    const raw = await client('skopeo', 'inspect', '--raw', `oci:${layout}/kubernetes:latest`)
    expect(JSON.parse(raw).artifactType).toBe('application/vnd.slipway.taskserv.v1')
    const pulled = await slipway(['pull', `layout:${layout}#kubernetes:1.28.0`, '-o', join(to, 'slipway')])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    await equalsSource(join(to, 'slipway'))
  })

  it('puts an archive there that skopeo, oras and slipway read', async () => {
    const to = await mkdtemp(join(scratch, 'archive-'))
    const raw = await client('skopeo', 'inspect', '--raw', `oci-archive:${archive}:kubernetes:1.28.0`)
    expect(JSON.parse(raw).artifactType).toBe('application/vnd.slipway.taskserv.v1')
    const digest = await client('oras', 'resolve', '--oci-layout', `${archive}@${digests.get('kubernetes')}`)
    expect(digest.trim()).toBe(digests.get('kubernetes'))
    const pulled = await slipway(['pull', `archive:${archive}#kubernetes:1.28.0`, '-o', join(to, 'slipway')])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    await equalsSource(join(to, 'slipway'))
  })

  it('says unchanged when it is run again, and from another commit with the same files', async () => {
    const copy = join(scratch, 'copy')
    await cp(repository, copy, { recursive: true })
    const to = [...registries.values()].flatMap(({ url }) => ['--to', `oci://${url}/extensions`])
    const again = await release([one, '-C', copy, ...to, '--to', `layout:${layout}`])
    expect(outcomes(again)).toEqual(['unchanged'])
    commit(copy, [one], '2024-05-05T05:05:05Z')
    const later = await release([one, '-C', copy, ...to, '--to', `layout:${layout}`])
    expect(outcomes(later)).toEqual(['unchanged'])
    const released = later.releases[0]
    expect(released?.digest).not.toBe(digests.get('kubernetes'))
    for (const target of released?.targets ?? []) expect(target.digest).toBe(digests.get('kubernetes'))
  })

  it('refuses other content under a tag that is there, and leaves the tag alone', async () => {
    const copy = join(scratch, 'other')
    await cp(repository, copy, { recursive: true })
    await writeFile(join(copy, 'taskservs/kubernetes/docs/README.md'), '# Other\n')
    commit(copy, [one])
    const to = [...registries.values()].flatMap(({ url }) => ['--to', `oci://${url}/extensions`])
    const result = await release([one, '-C', copy, ...to, '--to', `layout:${layout}`])
    expect(result.code).toBe(3)
    expect(outcomes(result)).toEqual(['refused'])
    for (const { error } of result.releases[0]?.targets ?? []) expect(error?.code).toBe('TAG_EXISTS')
    for (const { url } of registries.values()) {
      const digest = await client('crane', 'digest', `${url}/extensions/kubernetes:1.28.0`)
      expect(digest.trim()).toBe(digests.get('kubernetes'))
    }
  })
})

describe('moving tags', () => {
  it('stand at the highest stable version, whatever backports and prereleases come after it', async () => {
    await using registry = await startRegistry('distribution2')
    const folder = join(scratch, 'moving')
    await write(folder, { 'README.md': '# Versions\n' })
    git(folder, ['init', '-q', '-b', 'main'])
    for (const version of ['1.2.0', '2.0.0', '1.3.0', '3.0.0-rc.1', '1.2.1']) {
      await write(folder, extensionFiles({ name: 'web', version, content: version }))
      commit(folder, [tagOf({ name: 'web', version })])
      const moving = ['latest', 'major', 'minor'].flatMap((name) => ['--moving-tags', name])
      const to = ['--to', `oci://${registry.url}/x`]
      const result = await release([tagOf({ name: 'web', version }), '-C', folder, ...to, ...moving])
      expect(result, result.stderr).toMatchObject({ code: 0 })
    }
    const found = (await client('crane', 'ls', `${registry.url}/x/web`)).trim().split('\n')
    const versions = ['1.2.0', '1.2.1', '1.3.0', '2.0.0', '3.0.0-rc.1']
    expect(found.sort()).toEqual([...versions, '1', '1.2', '1.3', '2', '2.0', 'latest'].sort())
    const digest = (tag: string) => client('crane', 'digest', `${registry.url}/x/web:${tag}`)
    const goals = { latest: '2.0.0', 2: '2.0.0', '2.0': '2.0.0', 1: '1.3.0', '1.3': '1.3.0', '1.2': '1.2.1' }
    for (const [tag, version] of Object.entries(goals)) expect(await digest(tag)).toBe(await digest(version))
  })
})

describe('--shape image', () => {
  it('is read by plain skopeo inspect', async () => {
    await using registry = await startRegistry('distribution2')
    const to = ['--to', `oci://${registry.url}/x`, '--shape', 'image']
    const result = await release([one, '-C', repository, ...to, '--skip-tests'])
    expect(result, result.stderr).toMatchObject({ code: 0 })
    const reference = `docker://${registry.url}/x/kubernetes:1.28.0`
    const said = JSON.parse(await client('skopeo', 'inspect', '--tls-verify=false', reference)) as object
    expect(said).toMatchObject({
      Digest: result.releases[0]?.digest,
      Layers: [result.releases[0]?.layer],
      Labels: { 'org.opencontainers.image.version': '1.28.0' },
    })
  })
})

describe('what goes wrong', () => {
  it('names the host and that a credential was sent when the password is wrong', async () => {
    const htpasswd = { user: 'robin', password: 'right' }
    await using registry = await startRegistry('distribution2', { htpasswd })
    const args = [one, '-C', repository, '--to', `oci://${registry.url}/x`, '--skip-tests']
    const env = { DOCKER_CONFIG: scratch, REGISTRY_AUTH_FILE: undefined }
    const none = await release(args, { env })
    expect([1, 2]).toContain(none.code)
    const silent = JSON.stringify(none)
    expect(silent).toContain(registry.url)
    expect(silent).toMatch(/no credential|without (a )?credential/i)
    const named = { ...env, SLIPWAY_USERNAME: 'robin', SLIPWAY_PASSWORD: 'wrong-guess' }
    const wrong = await release(args, { env: named })
    expect([1, 2]).toContain(wrong.code)
    const text = JSON.stringify(wrong)
    expect(text).toContain(registry.url)
    expect(text).toMatch(/credential|SLIPWAY_PASSWORD/)
    expect(text).not.toContain('wrong-guess')
    const right = await release(args, { env: { ...named, SLIPWAY_PASSWORD: 'right' } })
    expect(right, right.stderr).toMatchObject({ code: 0 })
  })

  it('names a registry that is not there, and still releases to the one that is', async () => {
    await using registry = await startRegistry('distribution2')
    const gone = await startRegistry('distribution2')
    await gone.stop()
    const to = ['--to', `oci://${gone.url}/x`, '--to', `oci://${registry.url}/x`]
    const result = await release([one, '-C', repository, ...to, '--skip-tests', '--retries', '0'])
    expect(result.code).toBe(1)
    const [failed, published] = result.releases[0]?.targets ?? []
    expect(failed).toMatchObject({ outcome: 'failed' })
    expect(failed?.error?.message).toContain(gone.url)
    expect(published).toMatchObject({ outcome: 'published' })
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Opener } from '../../src/open/open.ts'
import { parseTarget } from '../../src/store/address.ts'
import { type FakeOptions, type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { published, taskserv } from '../sources/published.ts'
import { slipway } from './terminal.ts'

const cwd = mkdtempSync(join(tmpdir(), 'slipway-cli-search-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const described = (
  name: string,
  version: string,
  description: string,
  tags: string[] = [],
  type = 'taskserv',
) => taskserv(name, version, {}, { type, description, tags })

async function start(options: FakeOptions = {}): Promise<FakeRegistry> {
  const fake = await startFakeRegistry(options)
  onTestFinished(() => fake[Symbol.asyncDispose]())
  await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
  const registry = await opener.open(parseTarget(`oci://${fake.host}`))
  for (const manifest of [
    described('containerd', '1.6.0', 'old'),
    described('containerd', '1.7.0', 'An industry-standard runtime'),
    described('kubernetes', '1.28.0', 'Orchestrates what runs in a containerd'),
    described('kubernetes-cni', '1.2.0', 'Plugins for the network', ['cni']),
    described('cilium', '1.14.0', 'eBPF', ['network', 'cni']),
    described('upcloud', '1.0.0', 'Kubernetes in a cloud', [], 'provider'),
  ])
    await published(registry, { manifest })
  return fake
}

const source = (fake: FakeRegistry) => `oci://${fake.host}/extensions`
const run = (...args: string[]) => slipway([...args, '--retries', '0'], { cwd })
const search = async (fake: FakeRegistry, ...args: string[]) => {
  const { exit, stdout } = await run('search', ...args, '--source', source(fake), '--json')
  const document = JSON.parse(stdout)
  return { ...document, exit, names: document.packages?.map((one: { name: string }) => one.name) }
}

describe('slipway search', () => {
  it('ranks the exact name, its beginning and its words before tags and descriptions', async () => {
    const fake = await start()
    expect((await search(fake, 'kubernetes')).names).toEqual(['kubernetes', 'kubernetes-cni', 'upcloud'])
    expect((await search(fake, 'CNI')).names).toEqual(['kubernetes-cni', 'cilium'])
    expect((await search(fake, 'containerd')).names).toEqual(['containerd', 'kubernetes'])
    // A word's middle is no find in a text.
    expect((await search(fake, 'loud')).names).toEqual(['upcloud'])
    expect((await search(fake, 'chestrates')).names).toEqual([])
  })

  it('wants every word, and the kind that was named', async () => {
    const fake = await start()
    expect((await search(fake, 'network', 'ebpf')).names).toEqual(['cilium'])
    expect((await search(fake, 'kubernetes', '--kind', 'provider')).names).toEqual(['upcloud'])
    expect((await search(fake, 'provider')).names).toEqual(['upcloud'])
    const wrong = await run('search', 'x', '--kind', 'taskserve', '--json')
    expect(JSON.parse(wrong.stdout).error).toMatchObject({
      code: 'USAGE_INVALID',
      exit: 2,
      hint: 'Did you mean taskserv?',
    })
  })

  it('asks for one manifest beside the tags of each repository', async () => {
    const fake = await start()
    const before = fake.requests.length
    await search(fake, 'kubernetes')
    const asked = fake.requests.slice(before).filter(({ path }) => path !== '/v2/')
    expect(asked.filter(({ path }) => path.endsWith('/tags/list'))).toHaveLength(5)
    expect(asked.filter(({ path }) => path.includes('/manifests/'))).toHaveLength(5)
    expect(asked).toHaveLength(11)
  })

  it('names what is nearest where nothing is found', async () => {
    const fake = await start()
    const { exit, suggestions, names } = await search(fake, 'kuberentes')
    expect({ exit, names }).toEqual({ exit: 0, names: [] })
    expect(suggestions[0]).toBe('kubernetes')
    const shown = await run('search', 'kuberentes', '--source', source(fake))
    expect(shown.stdout).toContain('Nothing was found for kuberentes. Did you mean kubernetes')
    expect((await search(fake, 'zzzzzzzz')).suggestions).toEqual([])
  })

  it('still finds exact names where the registry has no list, and says how to go on', async () => {
    const fake = await start({ quirks: { catalog: { status: 404, code: 'UNSUPPORTED' } } })
    const found = await run('search', 'kubernetes', 'KUBE', '--source', source(fake))
    const one = await search(fake, 'kubernetes')
    expect(one).toMatchObject({ exit: 0, names: ['kubernetes'], unlisted: [source(fake)] })
    expect(found.stderr).not.toContain('✗')
    expect(found.stderr).toContain('only packages of exactly these names were looked for')
    expect(found.stderr).toContain(`slipway catalog ${source(fake)} --repositories`)
  })

  it('shows one clean line for each package', async () => {
    const fake = await start()
    await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
    await published(await opener.open(parseTarget(`oci://${fake.host}`)), {
      manifest: { type: 'taskserv' },
      repository: 'extensions/hostile',
      tag: '1.0.0',
      told: 'nowhere',
      annotations: { 'org.opencontainers.image.description': 'a\u001b]0;x\u0007\u202eb\nsecond line' },
    })
    const { stdout } = await run('search', 'hostile', '--source', source(fake))
    expect(stdout).toContain('a\\u{1b}]0;x\\u{7}\\u{202e}b')
    expect(stdout).not.toMatch(/[\u001b\u0007\u202e]|second line/)
  })
})

describe('slipway catalog', () => {
  it('prints the same document for the same content, and a table for people', async () => {
    const fake = await start()
    const first = await run('catalog', source(fake), '--json')
    expect(first.exit, first.stderr).toBe(0)
    expect((await run('catalog', source(fake), '--json', '--concurrency', '1')).stdout).toBe(first.stdout)
    const { version, sources, packages, unread } = JSON.parse(first.stdout)
    expect({ version, sources, unread }).toEqual({ version: 1, sources: [source(fake)], unread: [] })
    expect(packages.map((one: { name: string }) => one.name)).toEqual([
      'cilium',
      'containerd',
      'kubernetes',
      'kubernetes-cni',
      'upcloud',
    ])
    const { stdout } = await run('catalog', source(fake))
    expect(stdout).toMatch(/^containerd +taskserv +1\.7\.0 +2 versions +An industry-standard runtime$/m)
  })

  it('tells of a repository that fails, beside all others, and exits with 1', async () => {
    const fake = await start()
    fake.fail({ method: 'GET', path: /extensions\/cilium\/tags\/list$/, status: 500 })
    const { exit, stdout } = await run('catalog', source(fake), '--json')
    expect(exit).toBe(1)
    const { packages, unread } = JSON.parse(stdout)
    expect(packages).toHaveLength(4)
    expect(unread).toMatchObject([
      { repository: 'extensions/cilium', message: expect.stringContaining('500') },
    ])
  })

  it('needs names where the registry has no list', async () => {
    const fake = await start({ quirks: { catalog: { status: 404, code: 'UNSUPPORTED' } } })
    const refused = await run('catalog', source(fake), '--json')
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('--repositories'),
    })
    const named = await run('catalog', source(fake), '--json', '--repositories', 'cilium, containerd')
    expect(JSON.parse(named.stdout).packages).toMatchObject([{ name: 'cilium' }, { name: 'containerd' }])
  })

  it('describes a layout, too', async () => {
    await using opener = new Opener({ environment: {}, userAgent: 'slipway-test' })
    const registry = await opener.open(parseTarget(`layout:${join(cwd, 'registry')}`))
    await published(registry, { manifest: described('etcd', '3.5.0', 'Keys'), repository: 'etcd' })
    await registry.finish()
    const { stdout } = await run('catalog', 'layout:registry', '--json')
    expect(JSON.parse(stdout).packages).toMatchObject([{ name: 'etcd', highest: '3.5.0', kind: 'taskserv' }])
  })
})

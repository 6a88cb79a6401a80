import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { readRetentionYaml } from '../../src/config/retention-yaml.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Encoded } from '../../src/oci/manifest.ts'
import { encode } from '../../src/oci/manifest.ts'
import { mediaType } from '../../src/oci/media-type.ts'
import { parseTag } from '../../src/oci/reference.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { parseTarget, showPlace } from '../../src/store/address.ts'
import type { Inventory } from '../../src/store/inventory.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { type CleanupOptions, cleanup } from '../../src/tasks/cleanup.ts'
import type { Context } from '../../src/tasks/context.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { artifact } from '../publishing/artifacts.ts'
import { published, taskserv } from '../sources/published.ts'

const day = 86_400_000
const scratch = mkdtempSync(join(tmpdir(), 'slipway-cleanup-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let folder: string
let time: number
let registry: Registry
let archive: Registry

beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'run-'))
  time = Date.parse('2026-01-01T00:00:00Z')
  registry = memoryRegistry('host.example', () => time)
  archive = memoryRegistry('archive')
})

const context = (): Context => ({
  clock: { now: () => time, random: () => 0.5, sleep: async () => {} },
  report: silent,
  signal: new AbortController().signal,
  environment: {},
  open: async (place) => (showPlace(place).startsWith('oci:') ? registry : archive),
  transport: () => Promise.reject(new Error('nothing is downloaded here')),
  scratch: () => Promise.reject(new Error('nothing needs a scratch folder here')),
})

const rules = (policies: string, more = '') =>
  readRetentionYaml(
    `version: 1\nsource: oci://host.example\ndefaults: false\ncaps: {share: 100}\n${more}policies:\n${policies}`,
    'retention.yaml',
    folder,
  )
const all = (keep: string) => rules(`  - {name: all, repositories: ['**'], keep: ${keep}}\n`)

function run(options: Partial<CleanupOptions>) {
  return cleanup(
    {
      apply: false,
      restoreFile: join(folder, 'restore.json'),
      layouts: defaultLayouts,
      concurrency: 4,
      ...options,
    },
    context(),
  )
}

const plan = () => join(folder, 'plan.json')

async function push(repository: string, name: string, ...tags: string[]): Promise<Encoded> {
  const store = registry.repository(repository)
  const encoded = await artifact(store, name)
  await store.tag(encoded, tags.map(parseTag))
  return encoded
}

async function tagsOf(repository: string, of: Registry = registry): Promise<string[]> {
  return (await Array.fromAsync(of.repository(repository).tags())).sort()
}

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('cleanup', () => {
  it('deletes nothing until it is told to, and then exactly what the plan says', async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await push('x/kubernetes', version, version)
    const first = await registry.repository('x/kubernetes').resolve(parseTag('1.0.0'))
    time += 100 * day
    const planned = await run({ retention: all('{newest: 1}'), output: plan() })
    expect(planned.exit).toBe(0)
    expect(planned.applied).toBeUndefined()
    expect(await tagsOf('x/kubernetes')).toEqual(['1.0.0', '1.1.0', '1.2.0'])
    // Later versions would make 1.2.0 go as well; the plan does not say that.
    await push('x/kubernetes', '1.3.0', '1.3.0')
    const { exit, applied } = await run({
      plan: plan(),
      apply: true,
      archive: parseTarget('archive:/gone.tar'),
    })
    expect(exit).toBe(0)
    expect(await tagsOf('x/kubernetes')).toEqual(['1.2.0', '1.3.0'])
    expect(applied?.[0]?.deleted.map(({ tags }) => tags)).toEqual(
      expect.arrayContaining([['1.0.0'], ['1.1.0']]),
    )
    const restore = JSON.parse(readFileSync(join(folder, 'restore.json'), 'utf8'))
    expect(restore.repositories[0].deleted).toHaveLength(2)
    expect(await tagsOf('x/kubernetes', archive)).toEqual(['1.0.0', '1.1.0'])
    expect((await archive.repository('x/kubernetes').resolve(parseTag('1.0.0')))?.digest).toBe(first?.digest)
    // A second time there is nothing left to do.
    expect((await run({ plan: plan(), apply: true })).exit).toBe(0)
  })

  it('plans and carries out at once', async () => {
    for (const version of ['1.0.0', '1.1.0']) await push('x/kubernetes', version, version)
    time += 100 * day
    expect((await run({ retention: all('{newest: 1}'), apply: true })).exit).toBe(0)
    expect(await tagsOf('x/kubernetes')).toEqual(['1.1.0'])
  })

  it('refuses a plan when a tag moved, a tag came, or something came that needs what would go', async () => {
    const repository = 'x/provisioning-extensions/containerd'
    const changes: [why: string, change: () => Promise<unknown>][] = [
      ['1.0.0 has moved', () => push(repository, 'other', '1.0.0')],
      [
        'has the new tag stable',
        async () => {
          const found = await registry.repository(repository).manifest(parseTag('1.0.0'))
          await registry.repository(repository).tag(found as Encoded, [parseTag('stable')])
        },
      ],
      [
        'is kept now',
        () =>
          published(registry, {
            manifest: taskserv('kubernetes', '1.0.0', { containerd: '1.0.0' }),
            repository: 'x/provisioning-extensions/kubernetes',
          }),
      ],
    ]
    for (const [why, change] of changes) {
      registry = memoryRegistry('host.example', () => time)
      for (const version of ['1.0.0', '1.1.0'])
        await published(registry, { manifest: taskserv('containerd', version), repository })
      time += 100 * day
      const { plan: made } = await run({ retention: all('{newest: 1}'), output: plan() })
      expect(made.repositories[0]?.steps).toHaveLength(1)
      await change()
      const before = await tagsOf(repository)
      const error = await run({ plan: plan(), apply: true }).catch((thrown) => thrown)
      expect(error).toMatchObject({
        code: 'PLAN_OUT_OF_DATE',
        exit: 3,
        message: expect.stringContaining(why),
      })
      expect(await tagsOf(repository)).toEqual(before)
    }
  })

  it('refuses a plan of a clock that is ahead: everything looks old to it', async () => {
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    const now = time
    time += 100 * day
    await run({ retention: all('{newest: 1}'), output: plan() })
    time = now + day
    await expect(run({ plan: plan(), apply: true })).rejects.toEqual(code('PLAN_INVALID'))
    expect(await tagsOf('x/a')).toHaveLength(2)
    time = now + 100 * day - 60_000
    expect((await run({ plan: plan(), apply: true })).exit).toBe(0)
  })

  it('refuses a plan whose steps were thinned out by hand, where what then stays needs what goes', async () => {
    const child = await push('x/a', 'child')
    const index = encode({
      schemaVersion: 2 as const,
      mediaType: mediaType.index,
      manifests: [child.descriptor],
    })
    await registry.repository('x/a').tag(index, [parseTag('1.0.0')])
    await push('x/a', 'new', '2.0.0')
    const containerd = 'x/provisioning-extensions/containerd'
    const kubernetes = 'x/provisioning-extensions/kubernetes'
    for (const version of ['1.0.0', '1.1.0']) {
      await published(registry, { manifest: taskserv('containerd', version), repository: containerd })
      const manifest = taskserv('kubernetes', version, { containerd: version })
      await published(registry, { manifest, repository: kubernetes })
    }
    time += 100 * day
    const { plan: made } = await run({ retention: all('{newest: 1}'), output: plan() })
    const without = async (repository: string, gone: string) => {
      const repositories = made.repositories.map((one) => ({
        ...one,
        steps: one.steps.filter(
          (step) =>
            one.repository !== repository || step.do !== 'delete' || !step.tags.includes(parseTag(gone)),
        ),
      }))
      writeFileSync(plan(), JSON.stringify({ ...made, repositories }))
      return await run({ plan: plan(), apply: true })
    }
    for (const repository of ['x/a', kubernetes])
      await expect(without(repository, '1.0.0')).rejects.toEqual(code('PLAN_OUT_OF_DATE'))
    expect(await registry.repository('x/a').resolve(child.descriptor.digest)).toBeDefined()
    // Nothing needs this one: who takes it out keeps it, and nothing else changes.
    expect((await without(containerd, '1.0.0')).exit).toBe(0)
    expect(await tagsOf('x/a')).toEqual(['2.0.0'])
    expect(await tagsOf(containerd)).toEqual(['1.0.0', '1.1.0'])
    expect(await tagsOf(kubernetes)).toEqual(['1.1.0'])
  })

  it('refuses a plan when a tag came that no rule keeps, but that needs a platform of what would go', async () => {
    const children = [await push('x/a', 'first'), await push('x/a', 'second')].map((one) => one.descriptor)
    const index = (manifests: typeof children) =>
      encode({ schemaVersion: 2 as const, mediaType: mediaType.index, manifests })
    await registry.repository('x/a').tag(index(children), [parseTag('1.0.0')])
    await push('x/a', 'new', '2.0.0')
    const inventory = registry.inventory?.('x/a') as Inventory
    // As registries are that tell no time: what is new looks as old as all else.
    breaking('x/a', {
      can: { ...inventory.can, pushedAt: false, listUntagged: false },
      async *entries(call) {
        for await (const { digest, tags } of inventory.entries(call))
          if (tags.length > 0) yield { digest, tags }
      },
    })
    await run({ retention: all('{newest: 1}'), output: plan() })
    await registry.repository('x/a').tag(index(children.slice(1)), [parseTag('1.0.1')])
    await expect(run({ plan: plan(), apply: true })).rejects.toEqual(code('PLAN_OUT_OF_DATE'))
    expect(await registry.repository('x/a').resolve(children[1]?.digest ?? parseTag('none'))).toBeDefined()
  })

  it('keeps what kept versions depend on, as solving would choose it', async () => {
    const at = (name: string) => `x/extensions/${name}`
    for (const version of ['1.0.0', '1.5.0', '2.0.0', '3.0.0'])
      await published(registry, { manifest: taskserv('containerd', version), repository: at('containerd') })
    for (const version of ['1.0.0', '1.1.0'])
      await published(registry, {
        manifest: taskserv('etcd', version, { containerd: '^2.0.0' }),
        repository: at('etcd'),
      })
    await published(registry, {
      manifest: taskserv('kubernetes', '1.0.0', { containerd: '<2.0.0' }),
      repository: at('kubernetes'),
    })
    // Another namespace with a higher version of the same name is not what this one installs.
    await published(registry, { manifest: taskserv('containerd', '1.9.0'), repository: 'x/test/containerd' })
    time += 100 * day
    const { plan: made } = await run({ retention: all('{newest: 1}') })
    const containerd = made.repositories.find((one) => one.repository === at('containerd'))
    expect(containerd?.keep.map(({ tag, because }) => [tag, because])).toEqual([
      ['1.5.0', 'needed by kubernetes 1.0.0'],
      ['2.0.0', 'needed by etcd 1.1.0'],
      ['3.0.0', 'newest 1'],
    ])
  })

  it('keeps what a version under another name depends on', async () => {
    for (const version of ['1.0.0', '2.0.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'x/runc' })
    const old = await published(registry, {
      manifest: taskserv('containerd', '1.0.0', { runc: '1.0.0' }),
      repository: 'x/containerd',
      tag: 'lts',
    })
    await published(registry, { manifest: taskserv('containerd', '2.0.0'), repository: 'x/containerd' })
    time += 100 * day
    const { plan: made } = await run({ retention: all('{newest: 1}') })
    expect(made.repositories[0]?.keep).toContainEqual({
      tag: 'lts',
      digest: old.descriptor.digest,
      because: 'not a version',
    })
    expect(made.repositories[1]?.keep[0]).toMatchObject({
      tag: '1.0.0',
      because: 'needed by containerd 1.0.0',
    })
  })

  it('keeps all that fits where nothing goes together any more', async () => {
    for (const version of ['1.0.0', '1.1.0', '2.0.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'x/runc' })
    await published(registry, {
      manifest: taskserv('containerd', '1.0.0', { runc: '2.0.0' }),
      repository: 'x/containerd',
    })
    await published(registry, {
      manifest: taskserv('kubernetes', '1.0.0', { runc: '^1.0.0', containerd: '*' }),
      repository: 'x/kubernetes',
    })
    time += 100 * day
    const { plan: made } = await run({ retention: all('{newest: 1}') })
    expect(made.repositories.flatMap(({ steps }) => steps)).toEqual([])
  })

  it('keeps what another namespace has where nothing beside the package fits', async () => {
    for (const version of ['1.0.0', '1.1.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'x/runc' })
    for (const version of ['2.0.0', '2.1.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'y/z/runc' })
    await published(registry, {
      manifest: taskserv('kubernetes', '1.0.0', { runc: '~2.0.0' }),
      repository: 'x/kubernetes',
    })
    time += 100 * day
    await run({ retention: all('{newest: 1}'), apply: true })
    expect(await tagsOf('y/z/runc')).toEqual(['2.0.0', '2.1.0'])
    expect(await tagsOf('x/runc')).toEqual(['1.1.0'])
  })

  it('keeps what a package needs that was copied under another name, or stands under a tag of another version', async () => {
    for (const version of ['1.0.0', '2.0.0', '3.0.0', '4.0.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'x/runc' })
    const needing = (version: string, runc: string) => taskserv('kubernetes', version, { runc })
    await published(registry, { manifest: needing('1.0.0', '1.0.0'), repository: 'x/k8s' })
    await published(registry, { manifest: needing('2.0.0', '2.0.0'), repository: 'x/kubernetes' })
    const found = await registry.repository('x/kubernetes').manifest(parseTag('2.0.0'))
    await registry.repository('x/kubernetes').tag(found as Encoded, [parseTag('9.9.9')])
    await registry.inventory?.('x/kubernetes').untag(parseTag('2.0.0'), (found as Encoded).descriptor.digest)
    time += 100 * day
    await run({ retention: all('{newest: 1}'), apply: true })
    expect(await tagsOf('x/runc')).toEqual(['1.0.0', '2.0.0', '4.0.0'])
  })

  it('protects everything that a package may need whose dependencies cannot be read', async () => {
    for (const version of ['1.0.0', '2.0.0'])
      await published(registry, { manifest: taskserv('runc', version), repository: 'x/runc' })
    await published(registry, {
      manifest: taskserv('containerd', '1.0.0'),
      repository: 'x/containerd',
      told: 'config',
    })
    time += 100 * day
    const real = registry
    registry = {
      ...real,
      repository: (path) => {
        const store = real.repository(path)
        if (path !== 'x/containerd') return store
        return new Proxy(store, {
          get: (target, name) => {
            const value = Reflect.get(target, name, target)
            if (name !== 'fetch') return typeof value === 'function' ? value.bind(target) : value
            return () => {
              throw new SlipwayError('TIMED_OUT', 'no answer')
            }
          },
        })
      },
    }
    const { plan: made, exit } = await run({ retention: all('{newest: 1}') })
    expect(exit).toBe(1)
    expect(made.repositories.map((one) => [one.repository, one.protected])).toEqual([
      ['x/containerd', '[TIMED_OUT] no answer'],
      ['x/runc', 'x/containerd could not be read, and may need what is here'],
    ])
  })

  it('keeps the lowest version of a KCL package that fits, which is the one kpm takes', async () => {
    const kcl = async (name: string, version: string, needs = '') => {
      const store = registry.repository(`x/provisioning-kcl/${name}`)
      const mod = `[package]\nname = "${name}"\nversion = "${version}"\n\n[dependencies]\n${needs}`
      const { encoded } = await packKcl(
        { name, tree: memoryTree({ 'kcl.mod': mod, 'main.k': 'a = 1\n' }) },
        store,
      )
      await store.tag(encoded, [parseTag(version)])
    }
    for (const version of ['1.0.0', '1.1.0', '2.0.0']) await kcl('network', version)
    await kcl('application', '1.0.0', 'network = "1.1.0"\n')
    time += 200 * day
    const { plan: made } = await run({ retention: all('{newest: 1}') })
    expect(made.repositories[1]?.keep.map(({ tag, because }) => [tag, because])).toEqual([
      ['1.1.0', 'needed by application 1.0.0'],
      ['2.0.0', 'newest 1'],
    ])
  })

  it('asks for referrers where the registry does not list them', async () => {
    const old = await push('x/a', 'old', '1.0.0')
    await push('x/a', 'new', '2.0.0')
    const store = registry.repository('x/a')
    const signature = encode({ ...old.manifest, subject: old.descriptor, annotations: { of: 'old' } })
    await store.put(signature)
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    breaking('x/a', {
      can: { ...inventory.can, listReferrers: false, listUntagged: false },
      async *entries(call) {
        for await (const entry of inventory.entries(call)) if (entry.tags.length > 0) yield entry
      },
    })
    const { applied } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(applied?.[0]?.deleted.map(({ digest }) => digest)).toEqual([
      signature.descriptor.digest,
      old.descriptor.digest,
    ])
  })

  it('leaves a repository alone that lists what it does not have', async () => {
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    breaking('x/a', {
      async *entries(call) {
        yield* inventory.entries(call)
        yield { digest: digestOf('nothing'), tags: [] }
      },
    })
    const { plan: made, exit } = await run({ retention: all('{newest: 1}') })
    expect([exit, made.repositories[0]?.steps]).toEqual([1, []])
    expect(made.repositories[0]?.protected).toMatch('MANIFEST_UNKNOWN')
  })

  it('keeps what lock files name, and says when one is not there', async () => {
    const old = await push('x/kubernetes', 'old', '1.0.0')
    await push('x/kubernetes', 'new', '2.0.0')
    time += 100 * day
    const lock = [
      'version: 1',
      'roots: {}',
      'options: {}',
      `requirements: sha256:${'0'.repeat(64)}`,
      'packages:',
      '  kubernetes:',
      '    kind: taskserv',
      '    version: 1.0.0',
      '    source: oci://host.example/x/kubernetes',
      `    manifest: ${old.descriptor.digest}`,
      `    layer: sha256:${'1'.repeat(64)}`,
    ].join('\n')
    writeFileSync(join(folder, 'slipway.lock'), `${lock}\n`)
    const keep = "  - {name: all, repositories: ['**'], keep: {newest: 1}}\n"
    const { plan: made } = await run({ retention: rules(keep, 'lockfiles: [slipway.lock]\n') })
    expect(made.repositories[0]?.keep.map(({ because }) => because)).toEqual(['locked', 'newest 1'])
    await expect(run({ retention: rules(keep, 'lockfiles: [no.lock]\n') })).rejects.toEqual(
      code('LOCK_NOT_READABLE'),
    )
  })

  it('leaves a repository alone that cannot be read, and all that it may need', async () => {
    for (const path of ['x/extensions/a', 'x/extensions/b', 'x/provisioning-platform/image'])
      for (const version of ['1.0.0', '1.1.0']) await push(path, `${path} ${version}`, version)
    time += 100 * day
    breaking('x/extensions/a', {
      async *entries() {
        yield* []
        throw new SlipwayError('UNAUTHORIZED', 'the token expired')
      },
    })
    const { exit, applied, plan: made } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(exit).toBe(1)
    expect(made.repositories.map((one) => [one.repository, one.protected !== undefined])).toEqual([
      ['x/extensions/a', true],
      ['x/extensions/b', true],
      ['x/provisioning-platform/image', false],
    ])
    expect(applied?.map(({ repository }) => repository)).toEqual(['x/provisioning-platform/image'])
    expect(await tagsOf('x/extensions/b')).toEqual(['1.0.0', '1.1.0'])
  })

  it('stops where a credential expires in the middle, with what is left whole and the rest done', async () => {
    for (const path of ['x/a', 'x/b'])
      for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0'])
        await push(path, `${path} ${version}`, version)
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    let deletions = 0
    breaking('x/a', {
      async delete(digest, tags, call) {
        if (++deletions > 1) throw new SlipwayError('UNAUTHORIZED', 'the token expired')
        return await inventory.delete(digest, tags, call)
      },
    })
    const { exit, applied } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(exit).toBe(1)
    expect(
      applied?.map((one) => [one.repository, one.deleted.length, one.error?.code, one.incomplete]),
    ).toEqual([
      ['x/a', 1, 'UNAUTHORIZED', []],
      ['x/b', 3, undefined, []],
    ])
    expect(await tagsOf('x/a')).toHaveLength(3)
    const restore = JSON.parse(readFileSync(join(folder, 'restore.json'), 'utf8'))
    expect(restore.repositories.map((one: { deleted: unknown[] }) => one.deleted.length)).toEqual([1, 3])
  })

  it('does not start when it cannot write down what goes', async () => {
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    time += 100 * day
    writeFileSync(join(folder, 'file'), '')
    const restoreFile = join(folder, 'file', 'restore.json')
    await expect(run({ retention: all('{newest: 1}'), apply: true, restoreFile })).rejects.toEqual(
      code('CLEANUP_NOT_WRITABLE'),
    )
    expect(await tagsOf('x/a')).toEqual(['1.0.0', '1.1.0'])
  })

  it('does not carry out more than the caps allow, whoever made the plan', async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0']) await push('x/a', version, version)
    time += 100 * day
    const capped = readRetentionYaml(
      "version: 1\nsource: oci://host.example\ndefaults: false\npolicies:\n  - {name: all, repositories: ['**'], keep: {newest: 1}}\n",
      'retention.yaml',
      folder,
    )
    expect((await run({ retention: capped, output: plan() })).exit).toBe(3)
    await expect(run({ retention: capped, apply: true })).rejects.toEqual(code('CLEANUP_CAPPED'))
    await expect(run({ plan: plan(), apply: true })).rejects.toEqual(code('CLEANUP_CAPPED'))
    writeFileSync(plan(), readFileSync(plan(), 'utf8').replace(/"exceeded": \[[^\]]*\]/, '"exceeded": []'))
    await expect(run({ plan: plan(), apply: true })).rejects.toEqual(code('CLEANUP_CAPPED'))
    expect(await tagsOf('x/a')).toHaveLength(4)
  })

  it('does not count against the caps what would go in addition by now', async () => {
    const halved = readRetentionYaml(
      "version: 1\nsource: oci://host.example\ndefaults: false\npolicies:\n  - {name: all, repositories: ['**'], keep: {newest: 1}}\n",
      'retention.yaml',
      folder,
    )
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    time += 100 * day
    expect((await run({ retention: halved, output: plan() })).exit).toBe(0)
    // Older than the plan, so that its rules would let two of three go now.
    time -= 50 * day
    await push('x/a', '1.2.0', '1.2.0')
    time += 50 * day
    expect((await run({ plan: plan(), apply: true })).exit).toBe(0)
    expect(await tagsOf('x/a')).toEqual(['1.1.0', '1.2.0'])
  })

  it('notices that what it kept is not complete any more', async () => {
    const child = await push('x/a', 'child')
    const index = encode({
      schemaVersion: 2 as const,
      mediaType: mediaType.index,
      manifests: [child.descriptor],
    })
    await registry.repository('x/a').tag(index, [parseTag('2.0.0')])
    await push('x/a', 'old', '1.0.0')
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    breaking('x/a', {
      async delete(digest, tags, call) {
        await inventory.delete(child.descriptor.digest, [], call)
        return await inventory.delete(digest, tags, call)
      },
    })
    const { exit, applied } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(exit).toBe(1)
    expect(applied?.[0]?.incomplete).toEqual([expect.stringContaining(`${child.descriptor.digest} is gone`)])
  })

  it('puts content back that a registry deletes together with a tag', async () => {
    const both = await push('x/a', 'both', '1.0.0', 'lts')
    await push('x/a', 'new', '2.0.0')
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    breaking('x/a', {
      can: { ...inventory.can, untag: 'perhaps' },
      async untag(_tag, expect, call) {
        await inventory.delete(expect, [parseTag('1.0.0'), parseTag('lts')], call)
      },
    })
    const { exit, applied } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(exit).toBe(1)
    expect(applied?.[0]?.error?.code).toBe('UNTAG_DELETED')
    expect((await registry.repository('x/a').resolve(parseTag('lts')))?.digest).toBe(both.descriptor.digest)
  })

  it('leaves in place what the registry never lets go, with all that belongs to it', async () => {
    const child = await push('x/a', 'child')
    const index = encode({
      schemaVersion: 2 as const,
      mediaType: mediaType.index,
      manifests: [child.descriptor],
    })
    await registry.repository('x/a').tag(index, [parseTag('1.0.0')])
    await push('x/a', 'new', '2.0.0')
    time += 100 * day
    const inventory = registry.inventory?.('x/a') as Inventory
    breaking('x/a', {
      async delete(digest, tags, call) {
        if (digest === index.descriptor.digest)
          throw new SlipwayError('UNDELETABLE', 'more than 5000 downloads')
        return await inventory.delete(digest, tags, call)
      },
    })
    const { applied } = await run({ retention: all('{newest: 1}'), apply: true })
    expect(applied?.[0]).toMatchObject({ deleted: [], incomplete: [], stays: [{ tag: '1.0.0' }] })
    expect(await registry.repository('x/a').resolve(child.descriptor.digest)).toBeDefined()
  })

  it('learns ages from when it first saw things, where the registry tells none', async () => {
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    const unaware = (inventory: Inventory): Partial<Inventory> => ({
      can: { ...inventory.can, pushedAt: false },
      async *entries(call) {
        for await (const { digest, tags } of inventory.entries(call)) yield { digest, tags }
      },
    })
    breaking('x/a', unaware(registry.inventory?.('x/a') as Inventory))
    const keep = "  - {name: all, repositories: ['**'], keep: {youngerThan: 30d}}\n"
    const steps = async (retention: CleanupOptions['retention']) => {
      const { plan: made } = await run({ ...(retention && { retention }), output: plan() })
      return made.repositories[0]?.steps.length
    }
    time += 1000 * day
    expect(await steps(rules(keep))).toBe(0)
    const remembering = () => rules(keep, 'state: seen.json\n')
    expect(await steps(remembering())).toBe(0)
    time += 20 * day
    await push('x/a', 'moved', '1.1.0')
    expect(await steps(remembering())).toBe(0)
    time += 15 * day
    // 1.0.0 is 35 days in sight; 1.1.0 moved 15 days ago.
    expect(await steps(remembering())).toBe(2)
    const { exit } = await run({ plan: plan(), apply: true })
    expect(exit).toBe(0)
    expect(await tagsOf('x/a')).toEqual(['1.1.0'])
    // What was long in sight in one registry is new in another.
    registry = memoryRegistry('other.example', () => time)
    for (const version of ['1.0.0', '1.1.0']) await push('x/a', version, version)
    breaking('x/a', unaware(registry.inventory?.('x/a') as Inventory))
    expect(await steps(remembering())).toBe(0)
    writeFileSync(join(folder, 'seen.json'), '{"version": 2}')
    await expect(run({ retention: remembering() })).rejects.toEqual(code('CLEANUP_STATE_INVALID'))
  })

  it('says what is missing: a source, a plan, a registry that deletes', async () => {
    const none = readRetentionYaml('version: 1\n', 'retention.yaml', folder)
    await expect(run({ retention: none })).rejects.toEqual(code('SOURCE_MISSING'))
    await expect(run({ plan: join(folder, 'no.json'), apply: true })).rejects.toEqual(code('PLAN_INVALID'))
    writeFileSync(plan(), '{"version": 1}')
    await expect(run({ plan: plan(), apply: true })).rejects.toEqual(code('PLAN_INVALID'))
    const { inventory: _, ...readOnly } = registry
    registry = readOnly
    await expect(run({ retention: all('{newest: 1}') })).rejects.toEqual(code('SOURCE_UNSUPPORTED'))
  })
})

/** Replaces parts of one repository's inventory. */
function breaking(path: string, parts: Partial<Inventory>): void {
  const real = registry
  const inventory = real.inventory?.(path) as Inventory
  registry = {
    ...real,
    inventory: (other) =>
      other === path ? { ...inventory, ...parts } : (real.inventory?.(other) as Inventory),
  }
}

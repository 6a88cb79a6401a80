import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts, layoutsWith } from '../../src/extension/kinds.ts'
import type { PackagePlace } from '../../src/extension/place.ts'
import { Opener } from '../../src/open/open.ts'
import { type Module, type PlacesOptions, packageSources } from '../../src/sources/package-sources.ts'
import { parseTarget } from '../../src/store/address.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { write } from '../git/fixture.ts'
import { extension } from '../tasks/solving.ts'
import { temporary } from './folder.ts'

type Workspace = NonNullable<PlacesOptions['workspace']>

async function sourcesOf(more: Partial<PlacesOptions> = {}) {
  const opener = new Opener({ environment: {}, userAgent: 'test', limits: { retries: 0 } })
  onTestFinished(() => opener[Symbol.asyncDispose]())
  const folder = temporary()
  const sources = await packageSources(
    {
      directory: folder,
      layouts: defaultLayouts,
      sources: [parseTarget('layout:/registry')],
      sourcesGiven: false,
      overrides: {},
      offline: false,
      cacheDirectory: join(folder, 'cache'),
      concurrency: 4,
      ...more,
    },
    {
      report: silent,
      environment: {},
      open: (place) => opener.open(place),
      transport: () => opener.transport(),
      scratch: () => opener.scratch(),
    },
  )
  onTestFinished(() => sources[Symbol.asyncDispose]())
  return {
    folders: sources.folders,
    names: (id: string) => sources.of(extensionId(id)).map(({ name }) => name),
    of: sources.of.bind(sources),
  }
}

const module = (source: PackagePlace, name = 'kubernetes'): Module => ({
  id: extensionId(name),
  kind: 'taskserv',
  name,
  source,
})

async function fakes(): Promise<[FakeRegistry, FakeRegistry]> {
  const both = [await startFakeRegistry(), await startFakeRegistry()] as [FakeRegistry, FakeRegistry]
  for (const fake of both) onTestFinished(() => fake[Symbol.asyncDispose]())
  return both
}

describe('where a repository finds packages', () => {
  it('is the folder for its own, and first the folder for all others', async () => {
    const directory = temporary()
    write(directory, extension('etcd', '3.5.16'))
    const { names, folders } = await sourcesOf({ directory })
    expect(names('etcd')).toEqual([`path:${directory}`])
    expect(names('runc')).toEqual([`path:${directory}`, 'layout:/registry'])
    expect(folders.map(({ candidate, file }) => [candidate.id, file])).toEqual([
      ['etcd', 'taskservs/etcd/manifest.yaml'],
    ])
  })

  it('is the sources too for its own where an override may ask for another version', async () => {
    const directory = temporary()
    write(directory, extension('etcd', '3.5.16'))
    const { names } = await sourcesOf({ directory, overrides: { etcd: '<3.5' } })
    expect(names('etcd')).toEqual([`path:${directory}`, 'layout:/registry'])
  })

  it('is every source, in their order', async () => {
    const sources = ['oci://ghcr.io/acme', 'archive:/b.tar'].map(parseTarget)
    const { names } = await sourcesOf({ sources, sourcesGiven: true })
    expect(names('runc').slice(1)).toEqual(['oci://ghcr.io/acme', 'archive:/b.tar'])
  })
})

describe('where a workspace finds packages', () => {
  const oci = { type: 'oci', host: 'ghcr.io', repository: 'acme/kubernetes' } as const
  const extensions = { host: 'ghcr.io', namespace: 'acme/ext' }
  const registry = { host: 'registry.example', namespaces: { kcl: 'acme/kcl' } }
  const workspace = (more: Partial<Workspace> = {}): Workspace => ({ modules: [module(oci)], ...more })

  it('is the default source where it names no registry', async () => {
    const { names, folders } = await sourcesOf({ workspace: workspace() })
    expect(names('etcd')).toEqual(['layout:/registry'])
    expect(folders).toEqual([])
  })

  it('is its registries, each for what it is named for, and not the default source', async () => {
    const { names } = await sourcesOf({ workspace: workspace({ extensions, registry }) })
    expect(names('etcd')).toEqual(['oci://ghcr.io/acme/ext'])
    expect(names('kcl:network')).toEqual(['oci://registry.example'])
  })

  it('is what was named before its registries', async () => {
    const { names } = await sourcesOf({ workspace: workspace({ extensions }), sourcesGiven: true })
    expect(names('etcd')).toEqual(['layout:/registry', 'oci://ghcr.io/acme/ext'])
  })

  it('is one repository for each module, and the namespaces for what they need', async () => {
    const [one, other] = await fakes()
    const { of } = await sourcesOf({
      layouts: layoutsWith({ taskserv: { repository: 'svc-{name}' } }),
      workspace: {
        modules: [module({ type: 'oci', host: one.host, repository: 'far/away' })],
        extensions: { host: one.host, namespace: 'acme/ext' },
        registry: { host: other.host, namespaces: { kcl: 'acme/kcl' } },
      },
    })
    const asked = async (id: ReturnType<typeof kclId>) => {
      for (const source of of(id)) expect(await source.versions(id)).toEqual([])
      const paths = [...one.log(), ...other.log()].map((line) => line.replace(/^GET \/v2\/|\/tags\/.*/g, ''))
      for (const fake of [one, other]) fake.clearLog()
      return paths
    }
    expect(await asked(extensionId('kubernetes'))).toEqual(['far/away'])
    // As an entry that is only a name: the kinds share a namespace, but perhaps not a template.
    expect((await asked(extensionId('etcd'))).sort()).toEqual(['acme/ext/etcd', 'acme/ext/svc-etcd'])
    expect(await asked(kclId('network'))).toEqual(['acme/kcl/network'])
    expect(other.log()).toEqual([])
  })

  it('is a folder, an archive by its digest, or git', async () => {
    const directory = temporary()
    write(directory, extension('etcd', '3.5.16'))
    const digest = `sha256:${'a'.repeat(64)}` as never
    const path = join(directory, 'taskservs/etcd')
    const { names, folders } = await sourcesOf({
      workspace: {
        modules: [
          module({ type: 'folder', path }, 'etcd'),
          module({ type: 'tarball', url: 'https://example.org/runc-1.1.15.tar.gz', digest }, 'runc'),
          module({ type: 'git', url: 'https://git.example.org/a/b', tag: 'v{version}' }, 'redis'),
        ],
      },
    })
    expect(names('etcd')).toEqual([`path:${path}`])
    expect(names('runc')).toEqual(['https://example.org/runc-1.1.15.tar.gz'])
    expect(names('redis')).toEqual(['git+https://git.example.org/a/b'])
    // Their requirements are part of what a lock is held against.
    expect(folders.map(({ candidate }) => candidate.version.version)).toEqual(['3.5.16'])
  })

  it('is refused where a layout does not say which repository', async () => {
    const place = { type: 'layout', path: '/registry', repository: '' } as const
    await expect(sourcesOf({ workspace: { modules: [module(place)] } })).rejects.toMatchObject({
      code: 'SOURCE_UNSUPPORTED',
      exit: 2,
      message: expect.stringContaining('layout:/registry'),
    })
  })
})

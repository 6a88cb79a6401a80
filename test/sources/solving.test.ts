import { expect, test } from 'vitest'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import type { Solution } from '../../src/solver/solution.ts'
import { solve } from '../../src/solver/solve.ts'
import { manifestCache } from '../../src/sources/manifest-cache.ts'
import { type ProviderCounts, providerOf } from '../../src/sources/provider.ts'
import { registrySource } from '../../src/sources/registry-source.ts'
import { parseTarget } from '../../src/store/address.ts'
import type { Registry } from '../../src/store/store.ts'
import { extensionId, type PackageId } from '../../src/version/package-id.ts'
import { setOf } from '../../src/version/version-set.ts'
import { start } from '../registry/client.ts'
import { temporary } from './folder.ts'
import { published, taskserv } from './published.ts'

/** What a new run solves for one root, with what earlier runs left in a folder. */
async function solved(registry: Registry, folder: string, offline = false) {
  const source = registrySource({
    target: parseTarget(`oci://${registry.name}/extensions`),
    layouts: defaultLayouts,
    open: async () => registry,
    cache: manifestCache(folder, silent),
    offline,
  })
  await using provider = providerOf({ sourcesOf: () => [source], core: [], locked: new Map() })
  const root = { id: extensionId('cluster'), set: setOf('*'), text: '*' }
  const result = await solve(provider, { roots: [root] })
  if ('failure' in result) throw new Error('there is a solution')
  return { versions: chosen(result.solution), counts: provider.counts() }
}

const chosen = ({ versions }: Solution): [PackageId, string][] =>
  [...versions].map(([id, { version }]): [PackageId, string] => [id, version]).sort()

test('a solution costs a list for each package and one request for each version that is visited', async () => {
  const { fake, registry } = await start()
  const publish = async (name: string, version: string, dependencies = {}) =>
    void (await published(registry, { manifest: taskserv(name, version, dependencies) }))
  for (const minor of [0, 1, 2, 3, 4]) {
    await publish('cluster', `1.${minor}.0`, { kubernetes: '^1', cilium: '^1' })
    await publish('kubernetes', `1.${minor}.0`, { etcd: `~1.${minor}.0`, containerd: '*' })
    await publish('cilium', `1.${minor}.0`, { etcd: '<1.4' })
    await publish('etcd', `1.${minor}.0`)
    await publish('containerd', `1.${minor}.0`)
  }
  fake.clearLog()
  const folder = temporary()
  const cold = await solved(registry, folder)
  expect(cold.versions).toEqual([
    ['cilium', '1.4.0'],
    ['cluster', '1.4.0'],
    ['containerd', '1.4.0'],
    ['etcd', '1.3.0'],
    ['kubernetes', '1.3.0'],
  ])
  const lists = fake.log(/tags\/list/)
  const manifests = fake.log(/manifests/)
  expect(lists).toHaveLength(5)
  expect(new Set(manifests).size).toBe(manifests.length)
  expect(manifests.every((line) => line.startsWith('GET '))).toBe(true)
  // Five that were chosen, kubernetes 1.4.0 that was tried, and etcd 1.4.0 that may take back others.
  expect(manifests.length).toBeLessThanOrEqual(7)
  expect(cold.counts).toEqual<ProviderCounts>({
    lists: 5,
    candidates: manifests.length,
    requests: 5 + manifests.length,
    hits: 0,
  })

  fake.clearLog()
  const warm = await solved(registry, folder)
  expect(warm.versions).toEqual(cold.versions)
  expect(fake.log(/manifests/).every((line) => line.startsWith('HEAD '))).toBe(true)
  expect(warm.counts.hits).toBe(warm.counts.candidates)

  fake.clearLog()
  const offline = await solved(registry, folder, true)
  expect(offline.versions).toEqual(cold.versions)
  expect(offline.counts.requests).toBe(0)
  expect(fake.log()).toEqual([])
})

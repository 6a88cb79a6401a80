import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/oci/digest.ts'
import { providerOf } from '../../src/sources/provider.ts'
import { factsOfError, resolve } from '../../src/sources/resolve.ts'
import { core, extensionId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { exactly, setOf } from '../../src/version/version-set.ts'
import { memorySource } from './memory-source.ts'

const requirement = (name: string, text: string) => ({ id: extensionId(name), set: setOf(text), text })
const root = (name: string, text: string) => ({ ...requirement(name, text), origin: `${name}.yaml` })
const [manifest, layer] = ['a', 'b'].map((hex) => parseDigest(`sha256:${hex.repeat(64)}`)) as [never, never]

function provider(add: Parameters<typeof memorySource>[0], least = '3.5.0') {
  const source = memorySource(add)
  return providerOf({ sourcesOf: () => [source], core: [parseVersion(least)], locked: new Map() })
}

describe('resolving', () => {
  it('tells of each chosen version where it is and what it needs, sorted', async () => {
    await using from = provider({
      'web 1.0.0': {
        requires: [requirement('etcd', '^3.5'), requirement('core', '>=3.0.0')],
        kind: 'cluster',
      },
      'etcd 3.5.15': {},
      'etcd 3.5.16': {
        manifest,
        layer: { mediaType: 'x', digest: layer, size: 1 },
        platforms: ['linux/amd64'],
      },
    })
    const { packages, counts } = await resolve(from, {
      roots: [root('web', '*'), { id: core, set: exactly(parseVersion('3.5.0')), text: '3.5.0' }],
    })
    expect(packages).toEqual([
      { id: 'core', kind: 'core', version: '3.5.0', dependencies: {}, platforms: [] },
      {
        id: 'etcd',
        kind: 'taskserv',
        version: '3.5.16',
        source: 'memory:etcd',
        manifest,
        layer,
        dependencies: {},
        platforms: ['linux/amd64'],
      },
      {
        id: 'web',
        kind: 'cluster',
        version: '1.0.0',
        source: 'memory:web',
        dependencies: { core: '>=3.0.0', etcd: '^3.5' },
        platforms: [],
      },
    ])
    expect(counts).toMatchObject({ decisions: 3, conflicts: 0 })
  })

  it('that fails says why, what would help, and what it follows from', async () => {
    await using from = provider({
      'web 1.0.0': { requires: [requirement('ectd', '^3.5')] },
      'etcd 3.5.16': {},
    })
    const error = await resolve(from, { roots: [root('web', '*')] }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'UNSATISFIABLE', exit: 1, hint: 'Did you mean etcd?' })
    expect((error as Error).message).toMatch(/ectd \^3\.5, which was not found[\s\S]*\(web\.yaml\)/)
    expect(
      factsOfError(error)
        ?.map(({ kind }) => kind)
        .sort(),
    ).toEqual(['dependency', 'no-versions', 'root'])
    expect(factsOfError(new Error('x'))).toBeUndefined()
  })

  it('throws what a source throws as it is', async () => {
    await using from = provider({ 'web 1.0.0': () => Promise.reject(new Error('down')) })
    await expect(resolve(from, { roots: [root('web', '*')] })).rejects.toThrow('down')
  })
})

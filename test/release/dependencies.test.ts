import { describe, expect, it } from 'vitest'
import { SlipwayError } from '../../src/core/error.ts'
import { checkDependencies, type PublishedVersions } from '../../src/release/dependencies.ts'
import { packageGraph } from '../../src/release/graph.ts'
import { unavailable } from '../../src/release/unavailable.ts'
import { extensionId, kclId, type PackageId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { atLeast, everything } from '../../src/version/version-set.ts'
import { checked } from './packages.ts'

type Ranges = Readonly<Record<string, string>>

/** A place with these versions; every question is written down. */
function place(name: string, versions: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = []
  const source: PublishedVersions = {
    name,
    async versions(id) {
      asked.push(id)
      return (versions[id] ?? []).map(parseVersion)
    },
    names: async () => Object.keys(versions) as PackageId[],
  }
  return { ...source, asked }
}

const down = (name: string, code = 'HOST_UNREACHABLE'): PublishedVersions => ({
  name,
  versions: () => Promise.reject(new SlipwayError(code, `${name} does not answer`, { hint: 'Wait.' })),
  names: () => Promise.reject(new SlipwayError(code, 'no')),
})

async function findings(
  manifests: Readonly<Record<string, Ranges>>,
  sources: readonly PublishedVersions[],
  ids?: readonly string[],
) {
  const graph = packageGraph(await checked(manifests))
  const of = ids?.map(extensionId) ?? graph.nodes.keys()
  const { findings, unasked } = await checkDependencies(graph, of, sources, { concurrency: 2 })
  return [...findings, ...unavailable(unasked)]
}

const kube = (needs: Ranges) => ({ 'taskservs/kube': needs, 'taskservs/etcd': {} })

describe('a dependency', () => {
  it('is had from the repository without a question, or from any place that has it', async () => {
    const [one, other] = [place('oci://one', {}), place('oci://other', { redis: ['7.0.0'], etcd: ['3.5.0'] })]
    expect(await findings(kube({ etcd: '^1.0.0', redis: '^7.0.0' }), [one, other])).toEqual([])
    expect([one.asked, other.asked]).toEqual([['redis'], ['redis']])
    expect(await findings(kube({ etcd: '^3.0.0' }), [one, other])).toEqual([])
  })

  it('that is nowhere is told at its line, with the nearest name', async () => {
    const source = place('oci://one', { containerd: ['1.7.0'] })
    expect(await findings(kube({ etcd: '*', containered: '>=1.7.0' }), [source])).toEqual([
      {
        code: 'UNPUBLISHED_DEPENDENCY',
        level: 'error',
        message: 'containered is no package of this repository, and not published in oci://one',
        place: { file: 'taskservs/kube/manifest.yaml', line: 8, column: 3 },
        hint: 'Did you mean containerd?',
      },
    ])
    expect((await findings(kube({ etcdd: '*' }), [source]))[0]?.hint).toBe('Did you mean etcd?')
    expect((await findings(kube({ something: '*' }), [source]))[0]?.hint).toContain('Publish it first')
  })

  it('that no version fits is told with the versions that exist and where', async () => {
    const versions = ['1.1.0', '1.10.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0', '1.6.0-rc.1']
    const sources = [place('oci://one', { etcd: versions }), place('layout:/x', {})]
    const [found, ...others] = await findings(kube({ etcd: '^2.0.0' }), sources)
    expect(others).toEqual([])
    expect(found).toMatchObject({
      code: 'UNSATISFIABLE_DEPENDENCY',
      place: { file: 'taskservs/kube/manifest.yaml', line: 7, column: 3 },
      message:
        'No version of etcd is in "^2.0.0": there is 1.0.0 in this repository and 1.10.0, 1.6.0-rc.1, 1.5.0, 1.4.0, 1.3.0 and 2 more in oci://one',
    })
  })

  it('is asked about once, and only for the packages that are checked', async () => {
    const source = place('oci://one', { redis: ['1.0.0'], other: [] })
    const many = {
      'taskservs/a': { redis: '^1.0.0' },
      'taskservs/b': { redis: '>=1.0.0' },
      'taskservs/c': { other: '*' },
    }
    expect(await findings(many, [source], ['a', 'b'])).toEqual([])
    expect(source.asked).toEqual(['redis'])
  })

  it('whose name or range is none, and one on a package with a broken version, is left to those findings', async () => {
    const source = place('oci://one', {})
    expect(await findings(kube({ Bad: '*', etcd: 'banana', redis: '' }), [source])).toEqual([])
    expect(source.asked).toEqual([])
  })

  it('on a KCL package is told only where a place knows it: others come from a registry that nobody here asks', async () => {
    const at = { file: 'taskservs/kube/kcl/kcl.mod', line: 5 }
    const from = extensionId('kube')
    const more = ['known', 'elsewhere'].map((name) => ({
      ...{ from, to: kclId(name), range: '>=1.31.2', set: atLeast(parseVersion('1.31.2')), place: at },
    }))
    const graph = packageGraph(await checked(kube({})), more)
    const source = place('oci://one', { 'kcl:known': ['1.31.1'] })
    const { findings } = await checkDependencies(graph, [from], [source], { concurrency: 1 })
    expect(findings).toMatchObject([{ code: 'UNSATISFIABLE_DEPENDENCY', place: at }])
    const better = place('oci://one', { 'kcl:known': ['1.32.0-rc.1'] })
    expect((await checkDependencies(graph, [from], [better], { concurrency: 1 })).findings).toEqual([])
  })

  it('is not asked about where there are ten thousand others', async () => {
    const [source, from] = [place('oci://one', {}), extensionId('kube')]
    const more = Array.from({ length: 10_001 }, (_, at) => ({
      ...{ from, to: extensionId(`n${at}`), range: '*', set: everything, place: { file: 'x', line: at } },
    }))
    const graph = packageGraph(await checked(kube({})), more)
    const result = await checkDependencies(graph, [from], [source], { concurrency: 1 })
    expect(result.findings).toMatchObject([{ code: 'DEPENDENCIES_TOO_MANY', place: { file: 'x', line: 0 } }])
    expect(source.asked).toEqual([])
  })

  it('passes unseen where there is nobody to ask', async () => {
    expect(await findings(kube({ nothing: '*' }), [])).toEqual([])
  })
})

describe('a place that cannot be asked', () => {
  it('is a finding of its own, and nothing is said of what it may have', async () => {
    const sources = [down('oci://down'), place('oci://up', { redis: ['1.0.0'] })]
    const found = await findings(kube({ redis: '^1.0.0', one: '*', two: '*' }), sources)
    expect(found).toEqual([
      {
        code: 'SOURCE_UNAVAILABLE',
        level: 'error',
        message:
          'oci://down could not be asked about one and two: oci://down does not answer [HOST_UNREACHABLE]',
        place: { file: 'taskservs/kube/manifest.yaml', line: 8, column: 3 },
        hint: 'Wait.',
      },
    ])
  })

  it('does not keep others from helping with a name', async () => {
    const broken = { ...place('oci://odd', {}), names: down('oci://odd').names }
    const [found] = await findings(kube({ reddis: '*' }), [
      broken as PublishedVersions,
      place('oci://up', { redis: [] }),
    ])
    expect(found).toMatchObject({ code: 'UNPUBLISHED_DEPENDENCY', hint: 'Did you mean redis?' })
  })

  it('by a defect ends the check', async () => {
    const defect: PublishedVersions = { name: 'x', versions: () => Promise.reject(new TypeError('defect')) }
    await expect(findings(kube({ one: '*' }), [defect])).rejects.toThrow('defect')
  })
})

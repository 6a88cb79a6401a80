import { describe, expect, test } from 'vitest'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { folderSource } from '../../src/sources/folder-source.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { rejection } from '../registry/client.ts'

const manifest = (name: string, lines = '') =>
  `name: ${name}\ntype: taskserv\nversion: 1.0.0\ndescription: d\nlicense: MIT\n${lines}`

const sourceOf = (files: Readonly<Record<string, string>>) =>
  folderSource({ folder: '/repo', tree: memoryTree(files), layouts: defaultLayouts })

const redis = extensionId('redis')
const one = parseVersion('1.0.0')

describe('a working folder', () => {
  test('has each package once, at its own version, with all that it requires', async () => {
    const source = sourceOf({
      'taskservs/db/redis/manifest.yaml': manifest(
        'redis',
        'dependencies: {etcd: ^3}\nmin_provisioning_version: 3.5.0\nplatforms: [linux/amd64]\nretracted: {<1: old}\n',
      ),
      'taskservs/db/redis/kcl/kcl.mod': '[package]\nname = "redis"\n[dependencies]\nk8s = "1.31.2"\n',
      'kcl/net/kcl.mod': '[package]\nname = "net"\nversion = "2.0.0"\n',
    })
    expect((await source.versions(redis)).map((each) => each.version)).toEqual(['1.0.0'])
    const candidate = await source.candidate(redis, one)
    expect(candidate).toMatchObject({
      id: 'redis',
      kind: 'taskserv',
      source: 'path:/repo/taskservs/db/redis',
      requires: [
        { id: 'etcd', text: '^3' },
        { id: 'core', text: '>=3.5.0' },
        { id: 'kcl:k8s', text: '>=1.31.2' },
      ],
      platforms: ['linux/amd64'],
      retracted: { '<1': 'old' },
    })
    expect(candidate).not.toHaveProperty('manifest')
    expect(await source.candidate(redis, parseVersion('2.0.0'))).toBeUndefined()
    expect(await source.versions(extensionId('etcd'))).toEqual([])
    expect((await source.names?.())?.toSorted()).toEqual(['kcl:net', 'redis'])
    expect((await source.packages()).map((each) => [each.file, each.candidate.source])).toEqual([
      ['kcl/net/kcl.mod', 'path:/repo/kcl/net'],
      ['taskservs/db/redis/manifest.yaml', 'path:/repo/taskservs/db/redis'],
    ])
  })

  test('has the KCL package that an extension publishes as a package of its own, with its own version', async () => {
    const source = sourceOf({
      'taskservs/redis/manifest.yaml': manifest('redis', 'dependencies: {etcd: ^3}\npublish_kcl: true\n'),
      'taskservs/redis/kcl/kcl.mod':
        '[package]\nname = "redis_schema"\nversion = "0.3.0"\n[dependencies]\nk8s = "1.31.2"\n',
    })
    const schema = kclId('redis_schema')
    expect((await source.versions(schema)).map((each) => each.version)).toEqual(['0.3.0'])
    expect(await source.candidate(schema, parseVersion('0.3.0'))).toMatchObject({
      kind: 'kcl',
      source: 'path:/repo/taskservs/redis/kcl',
      requires: [{ id: 'kcl:k8s', text: '>=1.31.2' }],
    })
    expect((await source.packages()).map((each) => [each.file, each.candidate.kind])).toEqual([
      ['taskservs/redis/manifest.yaml', 'taskserv'],
      ['taskservs/redis/kcl/kcl.mod', 'kcl'],
    ])
  })

  test('tells what is wrong with a package when that one is asked for, and with all when all are', async () => {
    const source = sourceOf({
      'taskservs/redis/manifest.yaml': manifest('redis', 'dependencies: {etcd: newest}\n'),
      'taskservs/etcd/manifest.yaml': manifest('etcd'),
      'kcl/net/kcl.mod': '[package]\nname = "net"\nversion = "two"\n',
    })
    expect(await source.candidate(extensionId('etcd'), one)).toMatchObject({ id: 'etcd' })
    expect(await rejection(source.versions(redis))).toMatchObject({
      code: 'FINDINGS',
      exit: 2,
      findings: expect.arrayContaining([
        expect.objectContaining({
          code: 'MANIFEST_VALUE_INVALID',
          place: { file: 'taskservs/redis/manifest.yaml', line: 6, column: 22 },
        }),
      ]),
    })
    expect(await rejection(source.candidate(kclId('net'), one))).toMatchObject({ code: 'FINDINGS' })
    const all = (await rejection(source.packages())) as { findings: { place: { file: string } }[] }
    const files = new Set(all.findings.map((each) => each.place.file.split('/')[1]))
    expect(files).toEqual(new Set(['redis', 'net']))
  })

  test('may lack what only installing needs', async () => {
    const source = sourceOf({ 'taskservs/redis/manifest.yaml': manifest('redis') })
    expect(await source.packages()).toHaveLength(1)
  })
})

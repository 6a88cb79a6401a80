import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { commitAll, git, repositoryWith, write } from '../git/fixture.ts'
import { publishTo, releaseTo } from './graphs.ts'

let dir: string
let registry: FakeRegistry

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-release-kcl-'))
  registry = await startFakeRegistry()
})
afterEach(async () => {
  await registry[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true, force: true })
})

function etcd(version: string, schema: string): Record<string, string> {
  return {
    'taskservs/etcd/manifest.yaml': `name: etcd\ntype: taskserv\nversion: "${version}"\ndescription: x\nlicense: MIT\npublish_kcl: true\n`,
    'taskservs/etcd/scripts/install.nu': 'print hello\n',
    'taskservs/etcd/kcl/kcl.mod': `[package]\nname = "etcd"\nversion = "0.1.0"\n`,
    'taskservs/etcd/kcl/etcd.k': schema,
  }
}

function released(version: string) {
  const gitTags = [`taskservs/etcd/v${version}`]
  return releaseTo(join(dir, 'repository'), [`oci://${registry.host}/x`], { gitTags })
}

/** Every tag that was written, by repository. */
function written(): string[] {
  const puts = registry.requests.filter((one) => one.method === 'PUT' && one.status === 201)
  const tags = puts.flatMap(({ path }) => /^\/v2\/(.+)\/manifests\/([^:]+)$/.exec(path)?.slice(1) ?? [])
  const pairs = tags.flatMap((one, at) => (at % 2 === 0 ? [`${one}:${tags[at + 1]}`] : []))
  return [...new Set(pairs)].sort()
}

describe('releasing an extension with its schema', () => {
  beforeEach(() => {
    rmSync(join(dir, 'repository'), { recursive: true, force: true })
    write(join(dir, 'repository'), etcd('1.0.0', 'x = 1\n'))
    repositoryWith(join(dir, 'repository'), {})
  })

  it('publishes both, with moving tags for the extension alone', async () => {
    expect((await released('1.0.0')).exit).toBe(0)
    expect(written()).toEqual(['x/etcd:1.0.0', 'x/etcd:latest', 'x/provisioning-kcl/etcd:0.1.0'])
  })

  it('keeps a schema that did not change, and refuses one that did under its old version', async () => {
    await released('1.0.0')
    const next = (schema: string, version: string) => {
      write(join(dir, 'repository'), etcd(version, schema))
      commitAll(join(dir, 'repository'))
      return released(version)
    }
    const outcomes = ({ releases }: Awaited<ReturnType<typeof released>>) =>
      Object.fromEntries(releases.map((one) => [one.kind, one.targets[0]?.outcome]))
    expect(outcomes(await next('x = 1\n', '1.1.0'))).toEqual({ kcl: 'unchanged', taskserv: 'published' })
    const changed = await next('x = 2\n', '1.2.0')
    // The extension waits for its schema.
    expect(outcomes(changed)).toEqual({ kcl: 'refused', taskserv: 'refused' })
    expect(changed.releases.find((one) => one.kind === 'kcl')?.targets[0]?.error).toMatchObject({
      code: 'TAG_EXISTS',
      message: expect.stringContaining('provisioning-kcl/etcd:0.1.0'),
    })
  })

  it('runs the tests of the extension alone', async () => {
    const gitTags = ['taskservs/etcd/v1.0.0']
    const how = { gitTags, skipTests: false, testCommand: 'test -f manifest.yaml' }
    const { releases } = await releaseTo(join(dir, 'repository'), [`oci://${registry.host}/x`], how)
    expect(releases.map((one) => [one.kind, one.tested])).toEqual([
      ['kcl', undefined],
      ['taskserv', true],
    ])
  })

  it('is published from an archive that may hold no more than its git tag and its schema', async () => {
    const archive = join(dir, 'packed.tar')
    const gitTags = ['taskservs/etcd/v1.0.0']
    const packed = await releaseTo(join(dir, 'repository'), [`archive:${archive}`], { gitTags })
    expect(packed.exit).toBe(0)
    const to = [`oci://${registry.host}/x`]
    expect((await publishTo(archive, to, gitTags)).exit).toBe(0)
    expect(written()).toEqual(['x/etcd:1.0.0', 'x/etcd:latest', 'x/provisioning-kcl/etcd:0.1.0'])

    const folder = join(dir, 'repository')
    write(folder, { 'kcl/other/kcl.mod': '[package]\nname = "other"\nversion = "1.0.0"\n' })
    git(folder, 'add', '.')
    await releaseTo(folder, [`archive:${archive}`], { gitTags: ['kcl/other/v1.0.0'], allowDirty: true })
    await expect(publishTo(archive, to, gitTags)).rejects.toMatchObject({
      code: 'SOURCE_UNEXPECTED',
      message: expect.stringMatching(/provisioning-kcl\/other:1\.0\.0$/),
    })
    expect((await publishTo(archive, to, [...gitTags, 'kcl/other/v1.0.0'])).exit).toBe(0)

    write(folder, { 'taskservs/etcd/kcl/kcl.mod': '[package]\nname = "etcd"\nversion = "0.2.0"\n' })
    await releaseTo(folder, [`archive:${archive}`], { gitTags, allowDirty: true, allowOverwrite: true })
    await expect(publishTo(archive, to, [...gitTags, 'kcl/other/v1.0.0'])).rejects.toMatchObject({
      code: 'SOURCE_UNEXPECTED',
      message: expect.stringMatching(/provisioning-kcl\/etcd:0\.[12]\.0$/),
    })
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { workingVersions } from '../../src/release/candidates.ts'
import { orderOf } from '../../src/release/order.ts'
import { orderedRelease } from '../../src/release/ordered.ts'
import { plan, type SelectOptions } from '../../src/release/plan.ts'
import { Sources } from '../../src/release/sources.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from '../git/fixture.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-plan-kcl-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function kcl(name: string, version: string, more = '', folder = `kcl/${name}`): Record<string, string> {
  return {
    [`${folder}/kcl.mod`]: `[package]\nname = "${name}"\nversion = "${version}"\n${more}`,
    [`${folder}/${name}.k`]: 'x = 1\n',
  }
}

function extension(name: string, schema: Record<string, string>, publish = true, version = '1.0.0') {
  const manifest = `name: ${name}\ntype: taskserv\nversion: "${version}"\ndescription: x\nlicense: MIT\n`
  const files: Record<string, string> = {
    'manifest.yaml': publish ? `${manifest}publish_kcl: true\n` : manifest,
    'scripts/install.nu': 'print hello\n',
  }
  const own = Object.entries(files).map(([path, text]) => [`taskservs/${name}/${path}`, text])
  return { ...Object.fromEntries(own), ...schema }
}

const schemaOf = (name: string, version: string, more = '', of = name) =>
  kcl(name, version, more, `taskservs/${of}/kcl`)

function sources(): Sources {
  return new Sources({ directory: dir, environment: gitEnv, report: silent })
}

const options = { layouts: defaultLayouts, snapshot: false, allowDirty: false, requireGitTag: false }

async function planned(gitTags: string[], more: Partial<SelectOptions> & { apart?: boolean } = {}) {
  await using from = sources()
  return await plan({ ...options, directory: dir, gitTags, ...more }, from)
}

const addresses = async (...given: Parameters<typeof planned>) =>
  (await planned(...given)).releases.map((one) => `${one.kind} ${one.repository}:${one.tag}`)

describe('planning a KCL package', () => {
  it('releases its folder under the version of its git tag', async () => {
    repositoryWith(dir, kcl('net', '1.2.0'))
    git(dir, 'tag', 'kcl/net/v1.2.0')
    const { releases } = await planned(['kcl/net/v1.2.0'])
    expect(releases).toMatchObject([
      {
        kind: 'kcl',
        name: 'net',
        version: '1.2.0',
        repository: 'provisioning-kcl/net',
        tag: '1.2.0',
        folder: 'kcl/net',
      },
    ])
    expect(releases[0]).not.toHaveProperty('manifest')
    expect(releases[0]?.tree.commit).toBe(git(dir, 'rev-parse', 'HEAD'))
  })

  it.each([
    ['the version in kcl.mod', kcl('net', '1.1.0'), 'KCL_VERSION_MISMATCH', 3],
    ['the name in kcl.mod', { ...kcl('network', '1.2.0', '', 'kcl/net') }, 'KCL_NAME_MISMATCH', 2],
    [
      'a path dependency',
      kcl('net', '1.2.0', '[dependencies]\nx = { path = "../x" }\n'),
      'KCL_PATH_DEPENDENCY',
      5,
    ],
  ])('refuses %s at its line, before anything is written', async (_name, files, code, line) => {
    repositoryWith(dir, files)
    await expect(planned(['kcl/net/v1.2.0'])).rejects.toMatchObject({
      code: 'FINDINGS',
      exit: 2,
      findings: [expect.objectContaining({ code, place: { file: 'kcl/net/kcl.mod', line, column: 1 } })],
    })
  })

  it('refuses a snapshot, which kpm would take for the newest version', async () => {
    repositoryWith(dir, kcl('net', '1.2.0'))
    await expect(planned(['kcl/net'], { snapshot: true })).rejects.toMatchObject({
      code: 'KCL_SNAPSHOT',
      exit: 2,
    })
  })

  it('comes before what needs it: other KCL packages and extensions', async () => {
    repositoryWith(dir, {
      ...extension('web', schemaOf('web', '1.0.0', '[dependencies]\napp = "0.1.0"\n'), false),
      ...kcl('app', '0.2.0', '[dependencies]\nnet = "1.0.0"\n'),
      ...kcl('net', '1.2.0'),
    })
    await using from = sources()
    const gitTags = ['taskservs/web/v1.0.0', 'kcl/app/v0.2.0', 'kcl/net/v1.2.0']
    const { releases } = await plan({ ...options, directory: dir, gitTags }, from)
    const { waves } = orderOf(await Promise.all(releases.map(orderedRelease)))
    expect(waves.map((wave) => wave.map((index) => releases[index]?.name))).toEqual([
      ['net'],
      ['app'],
      ['web'],
    ])
  })

  it('is among the versions of the working tree', async () => {
    repositoryWith(dir, { ...kcl('net', '1.2.0'), ...extension('etcd', schemaOf('etcd', '1.0.0')) })
    await using from = sources()
    const { tags } = await workingVersions(defaultLayouts, from)
    expect(tags.map((one) => one.tag).sort()).toEqual(['kcl/net/v1.2.0', 'taskservs/etcd/v1.0.0'])
  })
})

describe('planning an extension that publishes its schema', () => {
  it('releases kcl/ beside it, under the name and version of its own kcl.mod', async () => {
    repositoryWith(dir, extension('etcd', schemaOf('etcd-schema', '0.3.0', '', 'etcd')))
    git(dir, 'tag', 'taskservs/etcd/v1.0.0')
    const { releases } = await planned(['taskservs/etcd/v1.0.0'])
    expect(releases).toMatchObject([
      {
        kind: 'kcl',
        name: 'etcd-schema',
        version: '0.3.0',
        folder: 'taskservs/etcd/kcl',
        gitTag: 'taskservs/etcd/v1.0.0',
        repository: 'provisioning-kcl/etcd-schema',
        tag: '0.3.0',
      },
      { kind: 'taskserv', name: 'etcd', repository: 'etcd', tag: '1.0.0' },
    ])
    const [schema] = releases
    const paths = (await Array.fromAsync(schema?.tree.files() ?? [])).map((file) => file.path)
    expect(paths.sort()).toEqual(['etcd-schema.k', 'kcl.mod'])
    expect(schema?.tree.commit).toBe(git(dir, 'rev-parse', 'HEAD'))
  })

  it('releases nothing beside it where the manifest does not ask for that', async () => {
    repositoryWith(dir, extension('etcd', schemaOf('etcd', '0.3.0'), false))
    expect(await addresses(['taskservs/etcd/v1.0.0'])).toEqual(['taskserv etcd:1.0.0'])
  })

  it('leaves it out of a snapshot and says so', async () => {
    repositoryWith(dir, extension('etcd', schemaOf('etcd', '0.3.0')))
    const { releases, findings } = await planned(['taskservs/etcd'], { snapshot: true })
    expect(releases.map((one) => one.kind)).toEqual(['taskserv'])
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'KCL_SNAPSHOT',
        level: 'notice',
        place: { file: 'taskservs/etcd/manifest.yaml', line: 6, column: 14 },
      }),
    )
  })

  it('refuses a path dependency, which is only warned of in what is not published', async () => {
    const inside = '[dependencies]\nx = { path = "lib" }\n'
    repositoryWith(dir, extension('etcd', schemaOf('etcd', '0.3.0', inside)))
    const place = { file: 'taskservs/etcd/kcl/kcl.mod', line: 5, column: 1 }
    await expect(planned(['taskservs/etcd/v1.0.0'])).rejects.toMatchObject({
      code: 'FINDINGS',
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'KCL_PATH_DEPENDENCY', level: 'error', place }),
      ]),
    })
    write(dir, extension('etcd', schemaOf('etcd', '0.3.0', inside), false))
    commitAll(dir)
    expect((await planned(['taskservs/etcd/v1.0.0'])).findings).toContainEqual(
      expect.objectContaining({ code: 'KCL_PATH_DEPENDENCY', level: 'warning', place }),
    )
  })

  it('refuses a schema without kcl.mod, or without name and version', async () => {
    repositoryWith(dir, extension('etcd', { 'taskservs/etcd/kcl/kcl.mod': '[package]\n' }))
    await expect(planned(['taskservs/etcd/v1.0.0'])).rejects.toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'KCL_MOD_VALUE_INVALID', message: 'package.name is missing' }),
      ]),
    })
    rmSync(join(dir, 'taskservs/etcd/kcl'), { recursive: true })
    await expect(planned(['taskservs/etcd/v1.0.0'], { allowDirty: true })).rejects.toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ code: 'KCL_MOD_MISSING' })]),
    })
  })

  it('releases a schema once that several versions of it bring unchanged', async () => {
    repositoryWith(dir, extension('etcd', schemaOf('etcd', '0.3.0')))
    git(dir, 'tag', 'taskservs/etcd/v1.0.0')
    write(dir, extension('etcd', schemaOf('etcd', '0.3.0'), true, '1.1.0'))
    commitAll(dir)
    git(dir, 'tag', 'taskservs/etcd/v1.1.0')
    expect((await addresses(['taskservs/etcd/v1.0.0', 'taskservs/etcd/v1.1.0'])).sort()).toEqual([
      'kcl provisioning-kcl/etcd:0.3.0',
      'taskserv etcd:1.0.0',
      'taskserv etcd:1.1.0',
    ])
  })

  it('refuses two packages of one name and version with different files', async () => {
    repositoryWith(dir, {
      ...extension('etcd', schemaOf('shared', '0.3.0', '', 'etcd')),
      ...kcl('shared', '0.3.0', '# another\n'),
    })
    const gitTags = ['taskservs/etcd/v1.0.0', 'kcl/shared/v0.3.0']
    for (const order of [gitTags, gitTags.toReversed()])
      await expect(planned(order)).rejects.toMatchObject({
        code: 'PACKAGE_COLLISION',
        message: expect.stringMatching(
          /^(?=.*taskservs\/etcd\/kcl)(?=.*kcl\/shared .*provisioning-kcl\/shared:0.3.0)/,
        ),
      })
  })
})

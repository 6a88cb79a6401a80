import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Event } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { plan, type SelectOptions } from '../../src/release/plan.ts'
import { Sources } from '../../src/release/sources.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from '../git/fixture.ts'

let dir: string
let events: Event[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-plan-'))
  events = []
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

function extension(name: string, version: string, type = 'taskserv'): Record<string, string> {
  const folder = `${type}s/${name}`
  return {
    [`${folder}/manifest.yaml`]: `name: ${name}\ntype: ${type}\nversion: "${version}"\ndescription: x\nlicense: MIT\n`,
    [`${folder}/scripts/install.nu`]: 'print hello\n',
    [`${folder}/kcl/kcl.mod`]: '[package]\n',
  }
}

async function planned(gitTags: string[], more: Partial<SelectOptions> = {}) {
  await using sources = new Sources({
    directory: dir,
    environment: gitEnv,
    report: { emit: (event) => events.push(event), secret() {} },
  })
  const { releases, findings } = await plan(
    {
      directory: dir,
      layouts: defaultLayouts,
      gitTags,
      snapshot: false,
      allowDirty: false,
      requireGitTag: false,
      ...more,
    },
    sources,
  )
  return { releases: await Promise.all(releases.map(withText)), findings }
}

type Release = Awaited<ReturnType<typeof plan>>['releases'][number]

/** With the text of one file, while git still answers. */
async function withText(release: Release) {
  const file = await release.tree.file('scripts/install.nu')
  const chunks: Uint8Array[] = []
  if (file !== undefined) for await (const chunk of file.open()) chunks.push(chunk)
  return { ...release, script: Buffer.concat(chunks).toString() }
}

describe('planning a release', () => {
  it('takes the bytes of the tag’s commit, whatever the working tree holds', async () => {
    repositoryWith(dir, extension('etcd', '3.5.0'))
    git(dir, 'tag', 'taskservs/etcd/v3.5.0')
    const tagged = git(dir, 'rev-parse', 'HEAD')
    write(dir, { 'taskservs/etcd/scripts/install.nu': 'print later\n' })
    commitAll(dir)
    write(dir, { 'taskservs/etcd/scripts/install.nu': 'print dirty\n' })
    const { releases } = await planned(['taskservs/etcd/v3.5.0'])
    expect(releases).toMatchObject([
      { name: 'etcd', version: '3.5.0', repository: 'etcd', tag: '3.5.0', script: 'print hello\n' },
    ])
    expect(releases[0]?.tree.commit).toBe(tagged)
    expect(events).toEqual([])
  })

  it('takes the working tree where the tag does not exist, and says so', async () => {
    repositoryWith(dir, extension('etcd', '3.5.0'))
    const { releases } = await planned(['taskservs/etcd/v3.5.0'])
    expect(releases[0]?.tree.commit).toBe(git(dir, 'rev-parse', 'HEAD'))
    expect(events).toMatchObject([
      { type: 'info', message: expect.stringContaining('git tag taskservs/etcd/v3.5.0 does not exist') },
    ])
  })

  it('refuses a missing tag where a tag push started the release', async () => {
    repositoryWith(dir, extension('etcd', '3.5.0'))
    await expect(planned(['taskservs/etcd/v3.5.0'], { requireGitTag: true })).rejects.toMatchObject({
      code: 'GIT_TAG_MISSING',
      exit: 2,
    })
  })

  it('works without git, without a commit and never calls that dirty', async () => {
    write(dir, extension('etcd', '3.5.0'))
    const { releases } = await planned(['taskservs/etcd/v3.5.0'])
    expect(releases[0]?.tree.commit).toBeUndefined()
    git(dir, 'init', '-q')
    expect((await planned(['taskservs/etcd/v3.5.0'])).releases[0]?.tree.commit).toBeUndefined()
  })

  it('refuses uncommitted changes in the folder, and no others', async () => {
    repositoryWith(dir, { ...extension('etcd', '3.5.0'), ...extension('redis', '7.0.0') })
    write(dir, { 'taskservs/redis/notes.md': 'new' })
    await planned(['taskservs/etcd/v3.5.0'])
    await expect(planned(['taskservs/redis/v7.0.0'])).rejects.toMatchObject({
      code: 'FOLDER_DIRTY',
      exit: 3,
      message: expect.stringContaining('taskservs/redis/notes.md'),
      hint: expect.stringContaining('--allow-dirty'),
    })
    const { releases } = await planned(['taskservs/redis/v7.0.0'], { allowDirty: true })
    expect(releases[0]?.tree).not.toHaveProperty('commit')
    expect(releases[0]?.tree).not.toHaveProperty('time')
  })

  it('leaves out what git ignores', async () => {
    repositoryWith(dir, { ...extension('etcd', '3.5.0'), '.gitignore': '*.log\nbuild/\n' })
    write(dir, { 'taskservs/etcd/a.log': 'x', 'taskservs/etcd/build/b': 'x' })
    const { releases } = await planned(['taskservs/etcd/v3.5.0'])
    const paths: string[] = []
    for await (const file of releases[0]?.tree.files() ?? []) paths.push(file.path)
    expect(paths).toEqual(['kcl/kcl.mod', 'manifest.yaml', 'scripts/install.nu'])
  })

  it('tells every finding of every package at once, with places, before git is asked about dirt', async () => {
    repositoryWith(dir, { ...extension('etcd', '3.5.0'), ...extension('redis', '7.0.0') })
    rmSync(join(dir, 'taskservs/redis/scripts'), { recursive: true })
    await expect(planned(['taskservs/etcd/v3.5.1', 'taskservs/redis/v7.0.0'])).rejects.toMatchObject({
      code: 'FINDINGS',
      exit: 2,
      findings: expect.arrayContaining([
        expect.objectContaining({
          code: 'MANIFEST_VERSION_MISMATCH',
          place: { file: 'taskservs/etcd/manifest.yaml', line: 3, column: 10 },
        }),
        expect.objectContaining({
          place: expect.objectContaining({ file: expect.stringContaining('redis') }),
        }),
      ]),
    })
  })

  it('names both packages that claim one repository', async () => {
    repositoryWith(dir, { ...extension('web', '1.0.0'), ...extension('web', '1.0.0', 'cluster') })
    await expect(planned(['taskservs/web/v1.0.0'])).rejects.toMatchObject({
      code: 'PACKAGE_COLLISION',
      message: expect.stringMatching(/taskservs\/web.*clusters\/web|clusters\/web.*taskservs\/web/),
    })
  })

  it('names two packages of different commits that claim one repository', async () => {
    repositoryWith(dir, extension('web', '1.0.0'))
    git(dir, 'tag', 'taskservs/web/v1.0.0')
    rmSync(join(dir, 'taskservs'), { recursive: true })
    write(dir, extension('web', '2.0.0', 'provider'))
    commitAll(dir)
    git(dir, 'tag', 'providers/web/v2.0.0')
    await expect(planned(['taskservs/web/v1.0.0', 'providers/web/v2.0.0'])).rejects.toMatchObject({
      code: 'PACKAGE_COLLISION',
      message: expect.stringMatching(/taskserv taskservs\/web.*provider providers\/web/),
    })
  })

  it('releases many tags of many commits at once, each tag once', async () => {
    repositoryWith(dir, extension('etcd', '3.5.0'))
    git(dir, 'tag', 'taskservs/etcd/v3.5.0')
    write(dir, extension('etcd', '3.5.1'))
    commitAll(dir)
    git(dir, 'tag', '-a', '-m', 'annotated', 'taskservs/etcd/v3.5.1')
    const tags = ['taskservs/etcd/v3.5.0', 'taskservs/etcd/v3.5.1', 'refs/tags/taskservs/etcd/v3.5.1']
    const { releases } = await planned(tags)
    expect(releases.map((one) => one.version)).toContain('3.5.0')
    expect(new Set(releases.map((one) => one.version))).toEqual(new Set(['3.5.0', '3.5.1']))
    expect(releases).toHaveLength(2)
  })

  it('reads an extension repository below the git root', async () => {
    const below = extension('etcd', '3.5.0')
    repositoryWith(
      dir,
      Object.fromEntries(Object.entries(below).map(([path, text]) => [`infra/${path}`, text])),
    )
    git(dir, 'tag', 'taskservs/etcd/v3.5.0')
    const root = dir
    dir = join(root, 'infra')
    try {
      const { releases } = await planned(['taskservs/etcd/v3.5.0'])
      expect(releases).toMatchObject([{ folder: 'taskservs/etcd', script: 'print hello\n' }])
    } finally {
      dir = root
    }
  })

  it('packs the core as a plain folder under v-tags', async () => {
    repositoryWith(dir, { 'core/nulib/main.nu': 'print core\n', 'README.md': 'x' })
    const layouts = { ...defaultLayouts, core: { ...defaultLayouts.core, folder: 'core' } }
    const { releases } = await planned(['v3.5.0'], { layouts })
    expect(releases).toMatchObject([
      { kind: 'core', repository: 'provisioning-core', tag: 'v3.5.0', version: '3.5.0', folder: 'core' },
    ])
    expect(releases[0]?.manifest).toBeUndefined()
  })

  it('sends prebuilt platform services to publish', async () => {
    mkdirSync(join(dir, 'x'))
    await expect(planned(['orchestrator/v3.5.0'])).rejects.toMatchObject({
      code: 'PLATFORM_IS_PREBUILT',
      hint: expect.stringContaining('slipway publish --from'),
    })
  })

  it.each([
    ['taskservs/etcd/v3.5', 'VERSION_INVALID'],
    ['taskservs/etcd/v1.0.0+build', 'VERSION_BUILD_METADATA'],
    ['taskservs/../etcd/v1.0.0', 'GIT_TAG_INVALID'],
    ['--upload-pack=evil', 'GIT_TAG_INVALID'],
    ['taskservs/redis/v1.0.0', 'EXTENSION_NOT_FOUND'],
  ])('refuses %s', async (tag, code) => {
    write(dir, extension('etcd', '3.5.0'))
    await expect(planned([tag])).rejects.toMatchObject({ code, exit: 2 })
  })
})

describe('a snapshot', () => {
  it('builds the commit under a version of its own that sorts before the release', async () => {
    repositoryWith(dir, extension('etcd', '3.5.0'))
    writeFileSync(join(dir, 'taskservs/etcd/scripts/install.nu'), 'print dirty\n')
    const { releases } = await planned(['taskservs/etcd'], { snapshot: true })
    const sha = git(dir, 'rev-parse', 'HEAD').slice(0, 12)
    expect(releases).toMatchObject([
      { version: expect.stringMatching(/^3\.5\.0-snapshot\.20200202020202\./), script: 'print hello\n' },
    ])
    expect(releases[0]?.version).toContain(sha)
    expect(releases[0]?.tag).toBe(releases[0]?.version)
    expect(releases[0]?.manifest).toMatchObject({ version: releases[0]?.version })
    expect(releases[0]?.gitTag).toBeUndefined()
  })

  it('is not confused by a name that starts like a version', async () => {
    repositoryWith(dir, extension('v2ray', '5.0.0'))
    const { releases } = await planned(['taskservs/v2ray'], { snapshot: true })
    expect(releases).toMatchObject([{ name: 'v2ray', repository: 'v2ray' }])
  })

  it('needs a commit', async () => {
    write(dir, extension('etcd', '3.5.0'))
    await expect(planned(['taskservs/etcd'], { snapshot: true })).rejects.toMatchObject({
      code: 'SNAPSHOT_NEEDS_COMMIT',
    })
  })
})

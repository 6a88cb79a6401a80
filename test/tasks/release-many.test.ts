import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Event } from '../../src/core/report.ts'
import type { ReleaseOptions } from '../../src/tasks/release.ts'
import { type FakeRegistry, startFakeRegistry } from '../fake/registry.ts'
import { commitAll, git, repositoryWith, write } from '../git/fixture.ts'
import { exactTags, filesOf, releaseTo } from './graphs.ts'

let dir: string
let registry: FakeRegistry
let events: Event[]

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-many-'))
  registry = await startFakeRegistry()
  events = []
})
afterEach(async () => {
  rmSync(dir, { recursive: true, force: true })
  await registry[Symbol.asyncDispose]()
})

const one = (name: string, version: string, ...needs: string[]) => filesOf({ name, version, needs })
const run = (more: Partial<ReleaseOptions>, places = [`oci://${registry.host}/x`]) =>
  releaseTo(dir, places, more, events)
const released = async (more: Partial<ReleaseOptions>) =>
  (await run(more)).releases.map(({ name, version }) => `${name} ${version}`).sort()
const said = () => events.flatMap((event) => (event.type === 'info' ? [event.message] : []))
const latest = (name: string) => registry.repository(`x/${name}`)?.tags.get('latest')
const digest = (name: string, tag: string) => registry.repository(`x/${name}`)?.tags.get(tag)

/** Commits these files, perhaps with tags on the commit. */
function commit(files: Readonly<Record<string, string>>, ...tags: string[]): string {
  write(dir, files)
  const id = commitAll(dir)
  for (const tag of tags) git(dir, 'tag', tag)
  return id
}

describe('release --all-changed', () => {
  const all = { allChanged: true }

  it('releases the versions of the working tree that a target lacks, from the checked-out commit', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), ...one('redis', '7.0.0') })
    expect(await released(all)).toEqual(['etcd 3.5.0', 'redis 7.0.0'])
    const head = commit(one('etcd', '3.5.1'))
    const { releases, exit } = await run(all)
    expect(exit).toBe(0)
    expect(releases).toMatchObject([{ name: 'etcd', version: '3.5.1', commit: head }])
  })

  it('takes the bytes of git’s objects, not those that the checkout made of them', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), '.gitattributes': '*.nu text eol=crlf\n' })
    rmSync(join(dir, 'taskservs/etcd/scripts/install.nu'))
    git(dir, 'checkout', '-q', '--', '.')
    const crlf = (await run(all)).releases[0]?.layer
    git(dir, 'tag', 'taskservs/etcd/v3.5.0')
    await using other = await startFakeRegistry()
    const tagged = await run({ gitTags: ['taskservs/etcd/v3.5.0'] }, [`oci://${other.host}/x`])
    expect(tagged.releases[0]?.layer).toBe(crlf)
  })

  it('takes the commit of the version’s own git tag where there is one, also one with its category', async () => {
    const [etcd = {}, cilium = {}] = [one('etcd', '3.5.0'), one('cilium', '1.0.0')]
    const below = Object.entries(cilium).map(([path, text]) => [
      path.replace('/cilium', '/networking/cilium'),
      text,
    ])
    repositoryWith(dir, { ...etcd, ...Object.fromEntries(below) })
    const tagged = commit({}, 'taskservs/etcd/v3.5.0', 'taskservs/networking/cilium/v1.0.0')
    commit({ 'taskservs/etcd/README.md': 'later', 'taskservs/networking/cilium/README.md': 'later' })
    const { releases } = await run(all)
    expect(releases.map(({ name, commit }) => [name, commit])).toEqual([
      ['etcd', tagged],
      ['cilium', tagged],
    ])
  })

  it('releases what is missing at any target, and says at which it was there', async () => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    await run(all)
    await using other = await startFakeRegistry()
    const { releases } = await run(all, [`oci://${registry.host}/x`, `oci://${other.host}/x`])
    expect(releases[0]?.targets.map(({ outcome }) => outcome)).toEqual(['unchanged', 'published'])
  })

  it('says that there is nothing to release, and writes nothing', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), ...one('redis', '7.0.0') })
    await run(all)
    registry.clearLog()
    expect(await run(all)).toEqual({ releases: [], failed: [], findings: [], exit: 0 })
    expect(said().at(-1)).toBe('Nothing to release: all 2 versions found are at every target already.')
    const asked = (name: string, version: string) => [
      `GET /v2/x/${name}/tags/list`,
      `HEAD /v2/x/${name}/manifests/latest`,
      `HEAD /v2/x/${name}/manifests/${version}`,
    ]
    const lines = registry.log().map((line) => line.replace(/\?.*/, ''))
    expect(lines.sort()).toEqual([...asked('etcd', '3.5.0'), ...asked('redis', '7.0.0')].sort())
  })

  it.each([
    ['behind', 'set'],
    ['missing', 'delete'],
  ] as const)('moves latest where a run ended before it did: %s', async (_, how) => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    await run(all)
    const first = latest('etcd') ?? ''
    commit(one('etcd', '3.5.1'))
    await run(all)
    const second = latest('etcd')
    expect(second).not.toBe(first)
    registry.repository('x/etcd')?.tags[how]('latest', first)
    const { releases } = await run(all)
    expect(releases).toMatchObject([
      { version: '3.5.1', targets: [{ outcome: 'unchanged', moved: { latest: '3.5.1' } }] },
    ])
    expect(latest('etcd')).toBe(second)
    // Where nobody asked for moving tags, nobody misses them.
    registry.repository('x/etcd')?.tags[how]('latest', first)
    expect((await run({ ...all, moving: [] })).releases).toEqual([])
  })

  it('refuses uncommitted changes in a folder that would be released, and no others', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), ...one('redis', '7.0.0') })
    await run(all)
    commit(one('etcd', '3.5.1'))
    write(dir, { 'taskservs/redis/notes.md': 'x' })
    expect(await released(all)).toEqual(['etcd 3.5.1'])
    write(dir, one('redis', '7.0.1'))
    await expect(run(all)).rejects.toMatchObject({ code: 'FOLDER_DIRTY', exit: 3 })
    expect(await released({ ...all, allowDirty: true })).toEqual(['redis 7.0.1'])
  })

  it('does not guess what a target lacks that does not answer', async () => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    registry.fail({ path: /tags\/list/, status: 500, times: 10 })
    await expect(run(all)).rejects.toMatchObject({ exit: 1, side: 'destination' })
    expect(registry.log(/^(PUT|POST)/)).toEqual([])
  })

  it('tells of a package whose version cannot be read instead of passing it over', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), ...one('redis', 'seven') })
    await expect(run(all)).rejects.toMatchObject({
      code: 'FINDINGS',
      findings: expect.arrayContaining([
        expect.objectContaining({ place: { file: 'taskservs/redis/manifest.yaml', line: 3, column: 10 } }),
      ]),
    })
  })

  it('publishes an extension after the KCL package in it, and not without it', async () => {
    const files = one('etcd', '3.5.0')
    const manifest = 'taskservs/etcd/manifest.yaml'
    repositoryWith(dir, {
      ...files,
      [manifest]: `${files[manifest]}publish_kcl: true\n`,
      'taskservs/etcd/kcl/kcl.mod': '[package]\nname = "a-schema"\nversion = "0.1.0"\n',
    })
    registry.fail({ method: 'PUT', path: /a-schema\/manifests\/0/, status: 403 })
    const { releases } = await run(all)
    expect(releases.map(({ name, targets }) => [name, targets[0]?.outcome, targets[0]?.error?.code])).toEqual(
      [
        ['a-schema', 'failed', 'DENIED'],
        ['etcd', 'refused', 'DEPENDENCY_FAILED'],
      ],
    )
    expect((await run(all)).exit).toBe(0)
    expect(exactTags(registry)).toEqual(['a-schema:0.1.0', 'etcd:3.5.0'])
  })

  it('misses no latest of a KCL package, which never has one', async () => {
    repositoryWith(dir, {
      'kcl/net/kcl.mod': '[package]\nname = "net"\nversion = "1.2.0"\n',
      'kcl/net/main.k': 'a = 1\n',
    })
    expect(await released(all)).toEqual(['net 1.2.0'])
    expect(await released(all)).toEqual([])
  })

  it('with since takes only what changed since the branches parted', async () => {
    repositoryWith(dir, { ...one('etcd', '3.5.0'), ...one('redis', '7.0.0') })
    git(dir, 'checkout', '-q', '-b', 'topic')
    commit(one('etcd', '3.5.1'))
    expect(await released({ since: 'main' })).toEqual(['etcd 3.5.1'])
    expect(await released({ allChanged: true, since: 'HEAD' })).toEqual([])
    expect(said().at(-1)).toBe('Nothing to release: no package has changed since HEAD.')
    await expect(run({ since: 'gone' })).rejects.toMatchObject({ code: 'GIT_REF_MISSING' })
  })

  it('with since refuses to guess where the clone is too shallow', async () => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    commit(one('etcd', '3.5.1'))
    const whole = dir
    dir = mkdtempSync(join(tmpdir(), 'slipway-many-'))
    try {
      git(dir, 'clone', '-q', '--depth=1', `file://${whole}`, '.')
      await expect(run({ since: 'v1' })).rejects.toMatchObject({
        code: 'GIT_HISTORY_MISSING',
        hint: expect.stringContaining('fetch-depth: 0'),
      })
    } finally {
      rmSync(whole, { recursive: true, force: true })
    }
  })
})

describe('release --missing-tags', () => {
  const missing = { missingTags: true }

  it('releases every git tag without an artifact from its own commit, versions in order', async () => {
    repositoryWith(dir, {})
    const commits = ['3.9.0', '3.10.0', '3.10.0-rc.1'].map((version) =>
      commit(one('etcd', version), `taskservs/etcd/v${version}`),
    )
    const { releases, exit } = await run(missing)
    expect(exit).toBe(0)
    const found = new Map(releases.map(({ version, commit }) => [version, commit]))
    expect([found.get('3.9.0'), found.get('3.10.0'), found.get('3.10.0-rc.1')]).toEqual(commits)
    expect(exactTags(registry)).toEqual(['etcd:3.9.0', 'etcd:3.10.0-rc.1', 'etcd:3.10.0'])
    expect(latest('etcd')).toBe(digest('etcd', '3.10.0'))
    await run(missing)
    expect(said().at(-1)).toBe('Nothing to release: all 3 versions found are at every target already.')
  })

  it('reports git tags that cannot be released, and releases the others', async () => {
    repositoryWith(dir, {})
    commit(one('etcd', '3.5.0'), 'taskservs/etcd/v3.5.0', 'taskservs/gone/v1.0.0', 'taskservs/etcd/v3.5.9')
    const { releases, failed, findings, exit } = await run(missing)
    expect(exit).toBe(1)
    expect(releases).toMatchObject([{ name: 'etcd', version: '3.5.0', targets: [{ outcome: 'published' }] }])
    expect(failed).toMatchObject([
      { gitTag: 'taskservs/etcd/v3.5.9', name: 'etcd', version: '3.5.9', error: { code: 'FINDINGS' } },
      { gitTag: 'taskservs/gone/v1.0.0', error: { code: 'EXTENSION_NOT_FOUND' } },
    ])
    expect(failed[0]?.error.message).toContain('taskservs/etcd/manifest.yaml:3:10')
    expect(findings).toEqual([])
  })

  it('reports packages whose tests fail, and releases the others', async () => {
    repositoryWith(dir, {})
    commit({ ...one('etcd', '3.5.0'), 'taskservs/etcd/fails': '' }, 'taskservs/etcd/v3.5.0')
    commit(one('redis', '7.0.0'), 'taskservs/redis/v7.0.0')
    const tests = { skipTests: false, testCommand: 'test ! -e fails' }
    const { releases, failed, exit } = await run({ ...missing, ...tests })
    expect(exit).toBe(1)
    expect(releases.map(({ name }) => name)).toEqual(['redis'])
    expect(failed).toMatchObject([{ gitTag: 'taskservs/etcd/v3.5.0', error: { code: 'TESTS_FAILED' } }])
    // Asked for by name, the same stops everything.
    await expect(
      run({ ...tests, gitTags: ['taskservs/etcd/v3.5.0', 'taskservs/redis/v7.0.0'] }),
    ).rejects.toMatchObject({ code: 'TESTS_FAILED' })
  })

  it('keeps back what needs a git tag that failed, unless another version will do', async () => {
    repositoryWith(dir, {})
    commit({}, 'taskservs/runc/v1.0.0')
    commit(one('containerd', '1.7.0', 'runc'), 'taskservs/containerd/v1.7.0')
    const { releases, exit } = await run(missing)
    expect(exit).toBe(1)
    expect(releases[0]?.targets[0]).toMatchObject({
      outcome: 'refused',
      error: { code: 'DEPENDENCY_FAILED', message: expect.stringContaining('runc 1.0.0') },
    })
    commit(one('runc', '1.0.1'), 'taskservs/runc/v1.0.1')
    expect((await run({ gitTags: ['taskservs/runc/v1.0.1'] })).exit).toBe(0)
    const again = await run(missing)
    expect(again.releases).toMatchObject([{ name: 'containerd', targets: [{ outcome: 'published' }] }])
    expect(again.failed).toMatchObject([{ gitTag: 'taskservs/runc/v1.0.0' }])
  })

  it('leaves alone tags of other forms, platform services, and v-tags of a repository without the core', async () => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    for (const tag of ['nightly', 'orchestrator/v3.5.0', 'v1.2.0', 'taskservs/etcd/v3.5'])
      git(dir, 'tag', tag)
    expect(await run(missing)).toMatchObject({ releases: [], failed: [], exit: 0 })
    expect(said().at(-1)).toBe('Nothing to release: the repository has no git tag of a release.')
  })

  it('says what a shallow clone without tags needs, and that there is no git', async () => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    commit({}, 'taskservs/etcd/v3.5.0')
    const whole = dir
    dir = mkdtempSync(join(tmpdir(), 'slipway-many-'))
    try {
      git(dir, 'clone', '-q', '--depth=1', '--no-tags', `file://${whole}`, '.')
      await run(missing)
      expect(said().at(-1)).toContain('fetch-depth: 0')
      rmSync(join(dir, '.git'), { recursive: true })
      await expect(run(missing)).rejects.toMatchObject({ code: 'GIT_REPOSITORY_MISSING', exit: 2 })
    } finally {
      rmSync(whole, { recursive: true, force: true })
    }
  })

  it('takes nothing of a circle, and prints it', async () => {
    repositoryWith(dir, {})
    commit(
      { ...one('a', '1.0.0', 'b'), ...one('b', '1.0.0', 'a') },
      'taskservs/a/v1.0.0',
      'taskservs/b/v1.0.0',
    )
    await expect(run(missing)).rejects.toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      message: expect.stringContaining('a:1.0.0 → b:1.0.0 → a:1.0.0'),
    })
    expect(registry.log(/^(PUT|POST)/)).toEqual([])
  })
})

describe('ways to say what is released', () => {
  it.each([
    [{ allChanged: true, missingTags: true }, 'missing-tags and all-changed'],
    [{ since: 'main', missingTags: true }, 'missing-tags and since'],
    [{ gitTags: ['taskservs/etcd/v3.5.0'], allChanged: true }, 'git tags and all-changed'],
    [{ gitTags: ['taskservs/etcd/v3.5.0'], missingTags: true }, 'git tags and missing-tags'],
    [{ snapshot: true, allChanged: true }, 'all-changed and snapshot'],
    [{ snapshot: true, missingTags: true }, 'missing-tags and snapshot'],
  ])('refuse %o', async (more, named) => {
    repositoryWith(dir, one('etcd', '3.5.0'))
    await expect(run(more)).rejects.toMatchObject({
      code: 'SELECTION_CONFLICT',
      exit: 2,
      message: `${named} cannot be combined`,
    })
  })
})

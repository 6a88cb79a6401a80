import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseTag } from '../../src/oci/reference.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { parseTarget } from '../../src/store/address.ts'
import { memoryTree } from '../../src/tree/memory.ts'
import { published, taskserv } from '../sources/published.ts'
import { extension, project, projectAt, versionsOf, workspaceFile, write } from './solving.ts'

const warned = (events: readonly { type: string; code?: string }[], code: string) =>
  events.filter((one) => one.type === 'warning' && one.code === code)

describe('a repository without a workspace file', () => {
  it('is solved at the versions of its own manifests, and with the highest of what else they need', async () => {
    const one = project()
    write(one.directory, {
      ...extension('kubernetes', '1.28.0', { containerd: '>=1.7.0 <2.0.0' }),
      ...extension('etcd', '3.5.16'),
    })
    await one.stock({
      'kubernetes 1.29.0': {},
      'containerd 1.7.20': { runc: '^1.1.0' },
      'containerd 1.7.23': { runc: '^1.1.0' },
      'containerd 2.0.0': { runc: '^1.1.0' },
      'runc 1.1.15': {},
    })
    const result = await one.resolve()
    expect(versionsOf(result)).toEqual({
      containerd: '1.7.23',
      etcd: '3.5.16',
      kubernetes: '1.28.0',
      runc: '1.1.15',
    })
    expect(result.lock.roots).toEqual({ etcd: '3.5.16', kubernetes: '1.28.0' })
    expect(result.waves).toEqual([['etcd', 'runc'], ['containerd'], ['kubernetes']])
    expect(result.order).toEqual(['etcd', 'runc', 'containerd', 'kubernetes'])
    expect(result.lock.packages.map(({ id, source }) => [id, source])).toEqual([
      ['containerd', 'layout:.slipway/registry#containerd'],
      ['etcd', 'path:taskservs/etcd'],
      ['kubernetes', 'path:taskservs/kubernetes'],
      ['runc', 'layout:.slipway/registry#runc'],
    ])
  })

  it('takes its own version of what the registry has too, unless an override asks for another', async () => {
    const one = project()
    write(one.directory, { ...extension('a', '1.0.0', { b: '*' }), ...extension('b', '1.0.0') })
    await one.stock({ 'b 0.9.0': {}, 'b 1.0.0': { c: '*' }, 'b 1.1.0': { c: '*' } })
    const own = await one.resolve({ dryRun: true })
    expect(versionsOf(own)).toEqual({ a: '1.0.0', b: '1.0.0' })
    expect(own.lock.packages.map(({ source }) => source)).toEqual(['path:taskservs/a', 'path:taskservs/b'])
    const other = await one.resolve({ dryRun: true, overrides: { b: '<1' } })
    expect(versionsOf(other)).toEqual({ a: '1.0.0', b: '0.9.0' })
  })

  it('with nothing in it is told so, naming where it was looked for', async () => {
    const one = project()
    await expect(one.resolve()).rejects.toMatchObject({
      code: 'NOTHING_TO_SOLVE',
      exit: 2,
      message: expect.stringContaining(one.directory),
    })
  })

  it('with a broken manifest is told where, and nothing is written', async () => {
    const one = project()
    write(one.directory, { ...extension('a', '1.0.0', { b: 'not a range' }), ...extension('b', '1.0.0') })
    const error = await one.resolve().catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'FINDINGS', exit: 2 })
    expect(error.findings[0]).toMatchObject({ place: { file: 'taskservs/a/manifest.yaml', line: 7 } })
    expect(one.lock()).toBeUndefined()
  })

  it('with a circle shows all of it, and writes nothing', async () => {
    const one = project()
    write(one.directory, {
      ...extension('a', '1.0.0', { b: '*' }),
      ...extension('b', '1.0.0', { c: '*' }),
      ...extension('c', '1.0.0', { a: '*' }),
    })
    await expect(one.resolve()).rejects.toMatchObject({
      code: 'DEPENDENCY_CYCLE',
      exit: 2,
      message: 'Nothing can come first in a → b → c → a',
    })
    expect(one.lock()).toBeUndefined()
  })

  it('of an extension and a KCL package of one name has both', async () => {
    const one = project()
    write(one.directory, {
      ...extension('network', '1.0.0'),
      'kcl/network/kcl.mod': '[package]\nname = "network"\nversion = "0.2.0"\n',
      'kcl/network/network.k': 'a = 1\n',
    })
    expect(versionsOf(await one.resolve())).toEqual({ 'kcl:network': '0.2.0', network: '1.0.0' })
  })
})

describe('a workspace', () => {
  const away = (directory: string) => `layout:${join(directory, '../away')}`

  it('says what is wanted; what that needs is found in the same and in named sources', async () => {
    const one = project()
    write(one.directory, workspaceFile(['layout:../../away#kubernetes:^1.28']))
    await one.stock({ 'kubernetes 1.28.0': { etcd: '^3.5' }, 'kubernetes 2.0.0': {} }, away(one.directory))
    await one.stock({ 'etcd 3.5.16': {} })
    // A folder is no root where a workspace file is.
    write(one.directory, extension('stray', '1.0.0'))
    const result = await one.resolve(await one.workspace())
    expect(versionsOf(result)).toEqual({ etcd: '3.5.16', kubernetes: '1.28.0' })
    expect(result.lock.roots).toEqual({ kubernetes: '^1.28' })
    expect(result.lock.packages.map(({ source }) => source)).toEqual([
      'layout:.slipway/registry#etcd',
      'layout:../away#kubernetes',
    ])
  })

  it('is searched for a module only where its entry says it is', async () => {
    const one = project()
    write(one.directory, workspaceFile(['layout:../../away#etcd:^3.5']))
    await one.stock({ 'etcd 3.5.16': {} }, away(one.directory))
    await one.stock({ 'etcd 3.9.0': {} })
    const result = await one.resolve({
      ...(await one.workspace()),
      sources: [parseTarget(`layout:${join(one.directory, '.slipway/registry')}`)],
      sourcesGiven: true,
    })
    expect(versionsOf(result)).toEqual({ etcd: '3.5.16' })
  })
})

describe('the lock', () => {
  it('keeps what it holds where that still fits, and moves it where it does not', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': {} })
    await one.resolve()
    await one.stock({ 'b 1.1.0': {}, 'b 1.2.0': {} })
    const kept = await one.resolve()
    expect(versionsOf(kept)).toEqual({ a: '1.0.0', b: '1.0.0' })
    expect(kept).toMatchObject({ written: false, changes: [] })
    write(one.directory, extension('a', '1.0.0', { b: '>=1.1.0 <1.2.0' }))
    const moved = await one.resolve()
    expect(versionsOf(moved)).toEqual({ a: '1.0.0', b: '1.1.0' })
    expect(moved.changes.map(({ id, type }) => [id, type])).toEqual([
      ['a', 'requires'],
      ['b', 'upgraded'],
    ])
  })

  it('is the same text on a second run, and after the folder has moved', async () => {
    const one = project('here')
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': {} })
    expect((await one.resolve()).written).toBe(true)
    const text = one.lock()
    expect((await one.resolve()).written).toBe(false)
    const there = join(one.directory, '../somewhere/else')
    write(join(one.directory, '../somewhere'), { 'kept.txt': '' })
    renameSync(one.directory, there)
    const other = projectAt(there)
    expect((await other.resolve()).written).toBe(false)
    expect(other.lock()).toBe(text)
    await expect(other.resolve({ frozen: true })).resolves.toMatchObject({ written: false })
  })

  it('is not written in a dry run', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0'))
    const result = await one.resolve({ dryRun: true })
    expect(result).toMatchObject({ written: false, changes: [{ id: 'a', type: 'added' }] })
    expect(one.lock()).toBeUndefined()
  })

  it('that is hostile is refused with its line, and stays as it is', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0'))
    await one.resolve()
    const bad = (one.lock() ?? '').replace('path:taskservs/a', 'path:/etc')
    expect(bad).toContain('path:/etc')
    writeFileSync(join(one.directory, 'slipway.lock'), bad)
    await expect(one.resolve()).rejects.toMatchObject({
      code: 'LOCK_INVALID',
      exit: 2,
      message: expect.stringMatching(/^slipway\.lock:\d+:\d+: .*absolute path/),
    })
    expect(one.lock()).toBe(bad)
  })

  it('stays as it is when the registry fails in the middle, and the error names the repository', async () => {
    const one = project()
    const { startFakeRegistry } = await import('../fake/registry.ts')
    await using fake = await startFakeRegistry()
    const target = `oci://${fake.host}/ext`
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': { c: '*' }, 'c 1.0.0': {} }, target)
    const from = { sources: [parseTarget(target)], sourcesGiven: true }
    await one.resolve(from)
    const before = one.lock()
    await one.stock({ 'b 1.1.0': { c: '>=1' } }, target)
    fake.fail({ path: /ext\/c\/tags/, status: 500, times: 99 })
    const error = await one.update({ ...from }).catch((thrown) => thrown)
    expect(error).toMatchObject({ exit: 1, side: 'source' })
    expect(error.message).toContain(`${fake.host}/ext/c`)
    expect(one.lock()).toBe(before)
  })
})

describe('what decides a solution', () => {
  const shelf = {
    'b 1.0.0': {},
    'b 1.1.0': { more: { platforms: ['linux/amd64'] } },
    'b 1.2.0': { more: { platforms: ['linux/arm64'] } },
    'b 1.3.0-rc.1': {},
  }
  async function wanting(range: string) {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: range }))
    await one.stock(shelf)
    return one
  }

  it.each([
    ['nothing', {}, '1.2.0'],
    ['the lowest that fit', { lowest: true }, '1.0.0'],
    ['a platform', { platform: 'linux/amd64' }, '1.1.0'],
    ['prereleases of the package', { prereleases: ['b'] }, '1.3.0-rc.1'],
    ['prereleases of all', { prereleases: ['*'] }, '1.3.0-rc.1'],
    ['prereleases of another', { prereleases: ['c'] }, '1.2.0'],
    ['an override', { overrides: { b: '<1.1' } }, '1.0.0'],
  ] as const)('is %s', async (_, more, version) => {
    const one = await wanting('^1.0.0')
    const result = await one.resolve({ ...more, overrides: 'overrides' in more ? more.overrides : {} })
    expect(versionsOf(result).b).toBe(version)
    // What decided is part of the lock: the same command is content with it, another one is not.
    await expect(one.resolve({ ...more, frozen: true } as object)).resolves.toMatchObject({ written: false })
    if (Object.keys(more).length > 0)
      await expect(one.resolve({ frozen: true })).rejects.toMatchObject({
        code: 'LOCK_OUT_OF_DATE',
        message: expect.stringContaining('the option'),
      })
  })

  it('is not the lock where that was made from the other end', async () => {
    const one = await wanting('^1.0.0')
    await one.resolve()
    expect(versionsOf(await one.resolve({ lowest: true })).b).toBe('1.0.0')
    expect(versionsOf(await one.resolve({ lowest: true })).b).toBe('1.0.0')
    expect(versionsOf(await one.resolve()).b).toBe('1.2.0')
  })

  it('is the lowest version of a KCL package, which a requirement states as a minimum', async () => {
    const one = project()
    const mod = (name: string, version: string, more = '') =>
      `[package]\nname = "${name}"\nversion = "${version}"\n${more}`
    write(one.directory, {
      'kcl/fleet/kcl.mod': mod('fleet', '0.1.0', '\n[dependencies]\nnetwork = "0.2.0"\n'),
      'kcl/fleet/fleet.k': 'a = 1\n',
    })
    await one.run(async ({ open }) => {
      const place = parseTarget(`layout:${join(one.directory, '.slipway/registry')}`)
      const store = (await open(place)).repository('provisioning-kcl/network')
      for (const version of ['0.1.0', '0.2.1', '0.3.0']) {
        const tree = memoryTree({ 'kcl.mod': mod('network', version), 'main.k': 'a = 1\n' })
        const { encoded } = await packKcl({ name: 'network', tree }, store)
        await store.tag(encoded, [parseTag(version)])
      }
    })
    expect(versionsOf(await one.resolve())).toEqual({ 'kcl:fleet': '0.1.0', 'kcl:network': '0.2.1' })
    expect(await one.update()).toEqual({ changes: [], written: false })
  })

  it('is not a retracted version, unless it is locked', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: '<1.3' }))
    await one.stock({ 'b 1.1.0': {}, 'b 1.2.0': {} })
    await one.resolve()
    await one.stock({ 'b 1.3.0': { more: { retracted: { '1.2.0': 'broken' } } } })
    expect(versionsOf(await one.resolve()).b).toBe('1.2.0')
    expect((await one.update()).changes).toMatchObject([{ id: 'b', type: 'downgraded' }])
    expect(versionsOf(await one.resolve()).b).toBe('1.1.0')
  })
})

describe('an option that changes nothing', () => {
  it('is told where it names no package of the solution, with what it may have meant', async () => {
    const one = project()
    write(one.directory, extension('kubernetes', '1.0.0', { etcd: '*' }))
    await one.stock({ 'etcd 3.5.16': {} })
    await one.resolve({ overrides: { ectd: '*', etcd: '>=3' }, prereleases: ['*', 'redis'] })
    expect(warned(one.events, 'OPTION_UNUSED')).toMatchObject([
      { message: expect.stringMatching(/override.*"ectd"/), hint: 'Did you mean etcd?' },
      { message: expect.stringMatching(/prereleases.*"redis"/) },
    ])
  })
})

describe('a prerelease of the repository itself', () => {
  it('is no match for a range that names none, but for who allows it, which is hinted at', async () => {
    const one = project()
    write(one.directory, { ...extension('a', '1.0.0', { b: '^1.0.0' }), ...extension('b', '1.0.0-rc.1') })
    await expect(one.resolve()).rejects.toMatchObject({
      code: 'UNSATISFIABLE',
      hint: 'b 1.0.0-rc.1 is a prerelease that would match: allow it with --prerelease b.',
    })
    expect(versionsOf(await one.resolve({ prereleases: ['b'] }))).toEqual({ a: '1.0.0', b: '1.0.0-rc.1' })
  })
})

describe('what is not as it should be', () => {
  it('is told: a damaged newest version means an older one, but not without a word', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': {} })
    await one.run(async ({ open }) => {
      const registry = await open(parseTarget(`layout:${one.directory}/.slipway/registry`))
      for (const tag of ['1.1.0', '1.2.0'])
        await published(registry, { manifest: taskserv('b', '1.0.0', {}, {}), repository: 'b', tag })
    })
    expect(versionsOf(await one.resolve()).b).toBe('1.0.0')
    expect(warned(one.events, 'VERSION_UNREADABLE')).toMatchObject([
      {
        message:
          'b 1.2.0 has the manifest of version 1.0.0: it was passed over; so were 1 more of its versions',
      },
    ])
  })
})

describe('the core', () => {
  const needing = (least: string) => `min_provisioning_version: "${least}"\n`
  const core = (text: string) => ({ core: { text, origin: '--core-version' } })

  it('is not checked where nobody says which one there is, which is said once', async () => {
    const one = project()
    write(one.directory, {
      ...extension('a', '1.0.0', { c: '*' }, needing('3.5.0')),
      ...extension('b', '1.0.0', {}, needing('3.6.0')),
    })
    await one.stock({ 'c 1.0.0': { more: { min_provisioning_version: '9.0.0' } } })
    const result = await one.resolve()
    expect(versionsOf(result)).toEqual({ a: '1.0.0', b: '1.0.0', c: '1.0.0' })
    const said = warned(one.events, 'CORE_UNKNOWN')
    expect(said).toHaveLength(1)
    expect(said[0]).toMatchObject({ message: expect.stringMatching(/3 packages.*c.*9\.0\.0/) })
  })

  it('may be named among dependencies, too', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { core: '^3.4' }))
    expect(versionsOf(await one.resolve({ dryRun: true }))).toEqual({ a: '1.0.0' })
    expect(warned(one.events, 'CORE_UNKNOWN')).toMatchObject([
      { message: expect.stringMatching(/^a requires provisioning \^3\.4, and nothing says/) },
    ])
    expect(versionsOf(await one.resolve(core('3.5.0')))).toEqual({ a: '1.0.0', core: '3.5.0' })
    await expect(one.resolve(core('4.0.0'))).rejects.toMatchObject({ code: 'UNSATISFIABLE' })
  })

  it('of a repository of its own is at the version of its manifest, unless another is named', async () => {
    const one = project()
    const manifest = 'name: provisioning-core\ntype: core\nversion: 3.5.0\ndescription: x\nlicense: MIT\n'
    write(one.directory, {
      'manifest.yaml': `${manifest}dependencies:\n  c: "*"\n`,
      ...extension('a', '1.0.0', { c: '*' }, needing('3.5.0')),
    })
    await one.stock({ 'c 1.0.0': {}, 'c 2.0.0': { more: { min_provisioning_version: '4.0.0' } } })
    const own = await one.resolve()
    expect(versionsOf(own)).toEqual({ a: '1.0.0', c: '1.0.0', core: '3.5.0' })
    expect(own.lock.roots).toEqual({ a: '1.0.0', core: '3.5.0' })
    expect(one.events).toEqual([])
    await expect(one.resolve({ frozen: true })).resolves.toMatchObject({ written: false })
    expect(versionsOf(await one.resolve({ ...core('4.0.0'), dryRun: true })).core).toBe('4.0.0')
  })

  it('is a name that no extension has', async () => {
    const one = project()
    write(one.directory, extension('core', '1.0.0'))
    const error = await one.resolve().catch((thrown) => thrown)
    expect(error.findings).toMatchObject([
      { code: 'PACKAGE_NAME_INVALID', level: 'error', place: { file: 'taskservs/core/manifest.yaml' } },
    ])
    expect(one.lock()).toBeUndefined()
  })

  it('is not spoken of by what does not solve', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', {}, needing('3.5.0')))
    await one.resolve()
    one.events.length = 0
    await one.resolve({ frozen: true })
    expect(one.events).toEqual([])
  })

  it('takes part in solving: a version that needs a newer one is left out', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { c: '*' }))
    await one.stock({
      'c 1.0.0': { more: { min_provisioning_version: '3.5.0' } },
      'c 2.0.0': { more: { min_provisioning_version: '4.0.0' } },
    })
    const result = await one.resolve(core('v3.5.2'))
    expect(versionsOf(result)).toEqual({ a: '1.0.0', c: '1.0.0', core: '3.5.2' })
    expect(result.lock.roots).toEqual({ a: '1.0.0', core: '3.5.2' })
    expect(versionsOf(await one.resolve({ ...core('4.0.0') })).c).toBe('1.0.0')
    expect((await one.update(core('4.0.0'))).changes).toMatchObject([{ id: 'c', type: 'upgraded' }])
  })

  it('of a flag or slipway.yaml wins over the workspace’s', async () => {
    const one = project()
    const file = 'workspace/config/provisioning.yaml'
    const text = workspaceFile(['layout:../../away#c'])[file] ?? ''
    write(one.directory, {
      [file]: text.replace(
        'dependencies:\n',
        'dependencies:\n  core:\n    source: "oci://ghcr.io/acme/provisioning-core:v3.5.0"\n',
      ),
    })
    await one.stock(
      { 'c 1.0.0': {}, 'c 2.0.0': { more: { min_provisioning_version: '4.0.0' } } },
      `layout:${join(one.directory, '../away')}`,
    )
    const own = await one.resolve({ ...(await one.workspace()), dryRun: true })
    expect(versionsOf(own)).toEqual({ c: '1.0.0', core: '3.5.0' })
    expect(own.lock.packages.find(({ id }) => id === 'core')?.source).toBe(
      'oci://ghcr.io/acme/provisioning-core',
    )
    const given = await one.resolve({ ...(await one.workspace()), ...core('4.1.0'), dryRun: true })
    expect(versionsOf(given)).toEqual({ c: '2.0.0', core: '4.1.0' })
  })

  it('that is no version is refused, with who said so', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0'))
    await expect(one.resolve(core('latest'))).rejects.toMatchObject({
      code: 'CORE_INVALID',
      exit: 2,
      message: expect.stringContaining('--core-version'),
    })
  })
})

describe('offline', () => {
  it('what an earlier run asked is enough for the same solution', async () => {
    const one = project()
    const { startFakeRegistry } = await import('../fake/registry.ts')
    const fake = await startFakeRegistry()
    const target = `oci://${fake.host}/ext`
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': { c: '*' }, 'c 1.0.0': {} }, target)
    const from = { sources: [parseTarget(target)], sourcesGiven: true }
    const never = await one.resolve({ ...from, offline: true }).catch((thrown) => thrown)
    expect(never).toMatchObject({ code: 'OFFLINE', exit: 1 })
    const online = await one.resolve(from)
    expect(online.counts.requests).toBeGreaterThan(0)
    await fake[Symbol.asyncDispose]()
    fake.clearLog()
    const text = one.lock()
    const offline = await one.resolve({ ...from, offline: true })
    expect(offline.counts).toMatchObject({ requests: 0 })
    expect(offline.counts.hits).toBeGreaterThan(0)
    expect(one.lock()).toBe(text)
    await expect(one.resolve(from)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('an older version is not taken without a word, but only of what could have been chosen', async () => {
    const one = project()
    const { startFakeRegistry } = await import('../fake/registry.ts')
    await using fake = await startFakeRegistry()
    const target = `oci://${fake.host}/ext`
    const from = { sources: [parseTarget(target)], sourcesGiven: true }
    const needs = (b: string) => write(one.directory, extension('a', '1.0.0', { b, c: '1.x' }))
    await one.stock({ 'b 1.0.0': {}, 'b 1.1.0': {}, 'c 1.0.0': {} }, target)
    needs('1.x')
    await one.resolve(from)
    // All tags are read, but of these only the manifest of b 2.0.0.
    await one.stock({ 'b 1.2.0': {}, 'b 1.3.0': {}, 'b 2.0.0': {}, 'c 3.0.0': {} }, target)
    needs('2.x')
    expect(versionsOf(await one.resolve(from))).toMatchObject({ b: '2.0.0', c: '1.0.0' })
    rmSync(join(one.directory, 'slipway.lock'))
    needs('1.x')
    one.events.length = 0
    const offline = await one.resolve({ ...from, offline: true })
    expect(versionsOf(offline)).toMatchObject({ b: '1.1.0', c: '1.0.0' })
    expect(one.events).toMatchObject([
      {
        type: 'warning',
        code: 'OFFLINE_PASSED_OVER',
        message:
          'Passed over, because they were not fetched before and --offline asks nothing: b 1.3.0 (1.1.0 was taken)',
      },
    ])
  })
})

describe('requests', () => {
  it('are counted over a network only', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: '*' }))
    await one.stock({ 'b 1.0.0': {} })
    expect((await one.resolve()).counts.requests).toBe(0)
    const { startFakeRegistry } = await import('../fake/registry.ts')
    await using fake = await startFakeRegistry()
    await one.stock({ 'b 1.0.0': {} }, `oci://${fake.host}`)
    fake.clearLog()
    const { counts } = await one.resolve({ sources: [parseTarget(`oci://${fake.host}`)] })
    expect(counts.requests).toBe(fake.log(/tags|manifests/).length)
  })
})

describe('a KCL package that no source has', () => {
  const needing = (text: string) => ({
    ...extension('a', '1.0.0'),
    'taskservs/a/kcl/kcl.mod': `[package]\n[dependencies]\n${text}\n`,
  })

  it('is left to KCL’s own client, which is said, and stays in the lock as what is needed', async () => {
    const one = project()
    write(one.directory, needing('k8s = "1.31.2"'))
    const { lock } = await one.resolve()
    expect(lock.packages).toMatchObject([{ id: 'a', dependencies: { 'kcl:k8s': '>=1.31.2' } }])
    expect(one.events).toContainEqual(
      expect.objectContaining({ code: 'KCL_ELSEWHERE', message: expect.stringContaining('kcl:k8s') }),
    )
    expect((await one.resolve({ frozen: true })).lock).toEqual(lock)
  })

  it('is missed by a frozen lock once another version is needed', async () => {
    const one = project()
    write(one.directory, needing('k8s = "1.31.2"'))
    await one.resolve()
    write(one.directory, needing('k8s = "1.32.0"'))
    await expect(one.resolve({ frozen: true })).rejects.toMatchObject({
      code: 'LOCK_OUT_OF_DATE',
      message: expect.stringContaining('a requires kcl:k8s >=1.32.0 now, and >=1.31.2 in the lock'),
    })
  })
})

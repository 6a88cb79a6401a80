import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { PackageCache } from '../../src/install/cache.ts'
import { install } from '../../src/install/install.ts'
import type { InstallItem } from '../../src/install/item.ts'
import type { InstallOptions } from '../../src/install/options.ts'
import { previousLock } from '../../src/install/state.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { archiveOf, entry, fleet, incompressible, itemOf, recording, temporaryFolder } from './packages.ts'

async function rooted() {
  const folder = await temporaryFolder()
  const root = join(folder.path, 'root')
  await mkdir(root)
  const report = recording()
  return {
    folder,
    root,
    report,
    run: (items: readonly InstallItem[], options: Partial<InstallOptions> = {}) =>
      install(items, { root, lock: 'lock', report, ...options }),
    read: (path: string) => readFile(join(root, path), 'utf8'),
    /** Every file and link below the root but Slipway's own. */
    files: async () =>
      (await readdir(root, { recursive: true, withFileTypes: true }))
        .filter((one) => !one.isDirectory())
        .map((one) => join(one.parentPath, one.name).slice(root.length + 1))
        .filter((path) => !path.startsWith('.slipway/'))
        .sort(),
    staged: async () => await readdir(join(root, '.slipway/staging')).catch(() => []),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}

const kubernetes = 'extensions/taskservs/kubernetes'

describe('an install', () => {
  it('puts packages into the folders of their kinds, each after what it depends on', async () => {
    await using t = await rooted()
    const result = await t.run(fleet('1.0.0'))
    expect(result.installed.map(({ id, folder }) => [id, folder])).toEqual([
      ['containerd', 'extensions/taskservs/containerd'],
      ['kcl:network', 'kcl/network'],
      ['kubernetes', kubernetes],
      ['old', 'extensions/clusters/old'],
    ])
    expect(result).toMatchObject({ unchanged: [], removed: [], kept: [] })
    expect(await t.files()).toEqual([
      'extensions/clusters/old/manifest.yaml',
      'extensions/clusters/old/scripts/install.nu',
      'extensions/taskservs/containerd/manifest.yaml',
      'extensions/taskservs/containerd/scripts/install.nu',
      `${kubernetes}/manifest.yaml`,
      `${kubernetes}/scripts/install.nu`,
      'kcl/network/manifest.yaml',
      'kcl/network/scripts/install.nu',
    ])
    expect((await lstat(join(t.root, kubernetes, 'scripts/install.nu'))).mode & 0o100).toBe(0o100)
    expect(await t.staged()).toEqual([])
    expect(await t.read('.slipway/.gitignore')).toBe('*\n')
    expect((await readdir(join(t.root, '.slipway'))).sort()).toEqual([
      '.gitignore',
      'install.lock-state',
      'installed',
      'staging',
    ])
  })

  it('leaves a receipt with the digest of every file', async () => {
    await using t = await rooted()
    const item = itemOf('kubernetes', '1.0.0', { manifest: digestOf('manifest') })
    await t.run([item])
    const text = 'kubernetes 1.0.0 manifest.yaml\n'
    expect(JSON.parse(await t.read('.slipway/installed/kubernetes.json'))).toEqual({
      format: 1,
      id: 'kubernetes',
      kind: 'taskserv',
      name: 'kubernetes',
      version: '1.0.0',
      source: item.source,
      manifest: digestOf('manifest'),
      layer: item.layer,
      files: [
        { path: 'manifest.yaml', sha256: digestOf(text).slice(7), mode: '644' },
        {
          path: 'scripts/install.nu',
          sha256: digestOf('# kubernetes 1.0.0\n').slice(7),
          mode: '755',
        },
      ],
    })
  })

  it('fetches nothing where everything is there and intact, and only what changed', async () => {
    await using t = await rooted()
    await t.run(fleet('1.0.0'))
    const again = fleet('1.0.0')
    expect(await t.run(again)).toEqual({
      installed: [],
      unchanged: ['containerd', 'kcl:network', 'kubernetes', 'old'],
      removed: [],
      kept: [],
    })
    const upgraded = [itemOf('containerd', '1.0.1'), ...again.filter(({ id }) => id !== 'containerd')]
    const result = await t.run(upgraded)
    expect(result.installed).toMatchObject([
      { id: 'containerd', version: '1.0.1', before: '1.0.0', files: 2 },
    ])
    expect(await t.read('extensions/taskservs/containerd/manifest.yaml')).toContain('containerd 1.0.1')
    for (const item of again) expect((item as ReturnType<typeof itemOf>).opened.times).toBe(0)
  })

  it('removes what is no longer needed, and nothing that it did not install', async () => {
    await using t = await rooted()
    await t.run(fleet('1.0.0'))
    await mkdir(join(t.root, 'extensions/clusters/mine'))
    await writeFile(join(t.root, 'extensions/clusters/mine/manifest.yaml'), 'mine')
    const result = await t.run([])
    expect(result.removed).toEqual(['containerd', 'kcl:network', 'kubernetes', 'old'])
    expect(await t.files()).toEqual(['extensions/clusters/mine/manifest.yaml'])
    expect(await t.staged()).toEqual([])
    expect(await readdir(join(t.root, '.slipway/installed'))).toEqual(['kcl'])
  })

  it('moves a package that became another kind', async () => {
    await using t = await rooted()
    await t.run([itemOf('kubernetes', '1.0.0')])
    await t.run([itemOf('kubernetes', '2.0.0', { kind: 'cluster' })])
    expect(await t.files()).toEqual([
      'extensions/clusters/kubernetes/manifest.yaml',
      'extensions/clusters/kubernetes/scripts/install.nu',
    ])
    expect(JSON.parse(await t.read('.slipway/installed/kubernetes.json'))).toMatchObject({ kind: 'cluster' })
  })

  it('in a dry run tells what would be done and changes nothing', async () => {
    await using t = await rooted()
    const items = fleet('1.0.0')
    const result = await t.run(items, { dryRun: true })
    expect(result.installed.map(({ id }) => id)).toEqual(['containerd', 'kcl:network', 'kubernetes', 'old'])
    expect(await readdir(t.root)).toEqual([])
    await t.run(items)
    expect(await t.run([], { dryRun: true })).toMatchObject({ removed: expect.arrayContaining(['old']) })
    expect((await t.files()).length).toBe(8)
  })

  it('fetches several packages at once, as many as it may', async () => {
    await using t = await rooted()
    let running = 0
    let most = 0
    const items = Array.from({ length: 12 }, (_, n) => {
      const item = itemOf(`p${n}`, '1.0.0')
      return {
        ...item,
        open: async function* () {
          most = Math.max(most, ++running)
          await sleep(5)
          yield* item.open()
          running--
        },
      }
    })
    await t.run(items, { concurrency: 3 })
    expect(most).toBe(3)
  })

  it('through a cache fetches once for any number of roots', async () => {
    await using t = await rooted()
    await using other = await rooted()
    const cache = new PackageCache(join(t.folder.path, 'cache'), t.report)
    const items = fleet('1.0.0')
    await t.run(items, { cache })
    await other.run(items, { cache })
    expect(cache.counters).toMatchObject({ hits: 4, misses: 4, pulls: 4 })
    expect(await other.files()).toEqual(await t.files())
    for (const item of items) {
      await writeFile(cache.path(item), 'damaged')
      await rm(join(t.root, folderOf(item)), { recursive: true })
    }
    expect((await t.run(items, { cache })).installed).toHaveLength(4)
    expect(t.report.warnings).toEqual(Array(4).fill('CACHE_CORRUPT'))
    expect(await other.files()).toEqual(await t.files())
  })
})

describe('what somebody changed', () => {
  it.each<[string, (folder: string) => Promise<unknown>, string]>([
    [
      'another content',
      (at) => writeFile(join(at, 'manifest.yaml'), 'x'),
      'manifest.yaml is not as installed',
    ],
    [
      'another mode',
      (at) => chmod(join(at, 'scripts/install.nu'), 0o644),
      'scripts/install.nu is not as installed',
    ],
    ['a file less', (at) => rm(join(at, 'manifest.yaml')), 'manifest.yaml is not as installed'],
    [
      'a link for a file',
      async (at) => {
        await rm(join(at, 'manifest.yaml'))
        await symlink('scripts/install.nu', join(at, 'manifest.yaml'))
      },
      'manifest.yaml is not as installed',
    ],
  ])('%s is refused, and replaced only when told', async (_name, change, message) => {
    await using t = await rooted()
    const item = itemOf('kubernetes', '1.0.0')
    await t.run([item])
    await change(join(t.root, kubernetes))
    const before = await t.files()
    for (const wanted of [item, itemOf('kubernetes', '2.0.0')]) {
      const failing = t.run([wanted, itemOf('fresh', '1.0.0')])
      await expect(failing).rejects.toMatchObject({
        code: 'INSTALL_MODIFIED',
        exit: 3,
        message: `${kubernetes} was changed since 1.0.0 was installed: ${message}`,
      })
      expect(wanted.opened.times).toBe(wanted === item ? 1 : 0)
      expect(await t.files()).toEqual(before)
    }
    await t.run([item], { replace: true })
    expect(await t.read(`${kubernetes}/manifest.yaml`)).toContain('kubernetes 1.0.0')
    expect((await t.run([item])).unchanged).toEqual(['kubernetes'])
  })

  it('by adding a file is left alone until the file would be lost', async () => {
    await using t = await rooted()
    await t.run([itemOf('kubernetes', '1.0.0')])
    await writeFile(join(t.root, kubernetes, 'notes\u001b.txt'), 'mine')
    expect((await t.run([itemOf('kubernetes', '1.0.0')])).unchanged).toEqual(['kubernetes'])
    await expect(t.run([itemOf('kubernetes', '2.0.0')])).rejects.toMatchObject({
      code: 'INSTALL_MODIFIED',
      message: expect.stringContaining('notes�.txt is new'),
    })
    const kept = await t.run([])
    expect(kept).toMatchObject({ removed: [], kept: ['kubernetes'] })
    expect(t.report.warnings).toEqual(['INSTALL_KEPT'])
    expect(await t.read(`${kubernetes}/manifest.yaml`)).toContain('kubernetes 1.0.0')
    expect((await t.run([], { replace: true })).removed).toEqual(['kubernetes'])
    expect(await t.files()).toEqual([])
  })

  it('by removing the whole folder is installed again', async () => {
    await using t = await rooted()
    await t.run([itemOf('kubernetes', '1.0.0')])
    await rm(join(t.root, kubernetes), { recursive: true })
    expect((await t.run([itemOf('kubernetes', '1.0.0')])).installed).toHaveLength(1)
    await rm(join(t.root, kubernetes), { recursive: true })
    expect((await t.run([])).removed).toEqual(['kubernetes'])
  })

  it('or made by hand is refused, all folders at once', async () => {
    await using t = await rooted()
    for (const name of ['a', 'b']) {
      await mkdir(join(t.root, 'extensions/taskservs', name), { recursive: true })
      await writeFile(join(t.root, 'extensions/taskservs', name, 'x'), 'mine')
    }
    await mkdir(join(t.root, 'extensions/taskservs/c'))
    const items = ['a', 'b', 'c'].map((name) => itemOf(name, '1.0.0'))
    await expect(t.run(items)).rejects.toMatchObject({
      code: 'INSTALL_OCCUPIED',
      exit: 3,
      message:
        'extensions/taskservs/a was not installed by Slipway\nextensions/taskservs/b was not installed by Slipway',
    })
    expect(await t.files()).toEqual(['extensions/taskservs/a/x', 'extensions/taskservs/b/x'])
    expect((await t.run(items, { replace: true })).installed).toHaveLength(3)
    expect(existsSync(join(t.root, 'extensions/taskservs/a/x'))).toBe(false)
  })

  it.each([
    ['cut off', (text: string) => text.slice(0, 50)],
    ['of another package', (text: string) => text.replace('"name": "kubernetes"', '"name": "other"')],
    ['with a name that is a path', (text: string) => text.replace('"name": "kubernetes"', '"name": "../x"')],
  ])('in a receipt, which is %s, counts as not installed', async (_name, damage) => {
    await using t = await rooted()
    await t.run([itemOf('kubernetes', '1.0.0')])
    const path = join(t.root, '.slipway/installed/kubernetes.json')
    await writeFile(path, damage(await readFile(path, 'utf8')))
    await expect(t.run([itemOf('kubernetes', '1.0.0')])).rejects.toMatchObject({ code: 'INSTALL_OCCUPIED' })
    expect((await t.run([])).removed).toEqual([])
    expect(t.report.warnings).toContain('INSTALL_RECEIPT_DAMAGED')
    expect(await t.files()).toHaveLength(2)
  })
})

describe('a root that cannot be trusted', () => {
  it.each([
    'extensions',
    'extensions/taskservs',
    'extensions/clusters',
    'kcl',
    '.slipway',
    '.slipway/installed',
    '.slipway/installed/kcl',
    '.slipway/staging',
  ])('with %s as a link out of it is refused before anything is fetched', async (path) => {
    await using t = await rooted()
    const outside = join(t.folder.path, 'outside')
    await mkdir(join(outside, 'staging'), { recursive: true })
    await mkdir(join(t.root, path, '..'), { recursive: true })
    await symlink(outside, join(t.root, path))
    const items = fleet('1.0.0')
    await expect(t.run(items)).rejects.toMatchObject({
      code: 'INSTALL_UNSAFE',
      exit: 3,
      message: expect.stringContaining(`${path} is a symbolic link`),
    })
    expect(await readdir(outside, { recursive: true })).toEqual(['staging'])
    expect(items.map((one) => (one as ReturnType<typeof itemOf>).opened.times)).toEqual([0, 0, 0, 0])
  })

  it('whose package folder is a link keeps what the link leads to', async () => {
    await using t = await rooted()
    const outside = join(t.folder.path, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'manifest.yaml'), 'theirs')
    await mkdir(join(t.root, 'extensions/taskservs'), { recursive: true })
    await symlink(outside, join(t.root, kubernetes))
    const items = [itemOf('kubernetes', '1.0.0')]
    await expect(t.run(items)).rejects.toMatchObject({ code: 'INSTALL_OCCUPIED' })
    await t.run(items, { replace: true })
    expect((await lstat(join(t.root, kubernetes))).isDirectory()).toBe(true)
    expect(await readFile(join(outside, 'manifest.yaml'), 'utf8')).toBe('theirs')
  })

  it('with leftovers that lead out has them removed, not followed', async () => {
    await using t = await rooted()
    const outside = join(t.folder.path, 'outside')
    await mkdir(join(outside, 'old'), { recursive: true })
    const change = { kind: 'taskserv', name: 'kubernetes' }
    await writeFile(join(outside, 'change.json'), JSON.stringify(change))
    await mkdir(join(outside, 'new'))
    await mkdir(join(t.root, '.slipway/staging'), { recursive: true })
    await symlink(outside, join(t.root, '.slipway/staging/x'))
    await t.run([])
    expect((await readdir(outside)).sort()).toEqual(['change.json', 'new', 'old'])
    expect(await t.staged()).toEqual([])
  })

  it('that is no folder is bad input', async () => {
    await using t = await rooted()
    await expect(t.run([], { root: join(t.root, 'none') })).rejects.toMatchObject({ code: 'FOLDER_MISSING' })
  })

  it.each<[string, InstallItem[]]>([
    ['whose name is a path', [itemOf('../../x', '1.0.0')]],
    ['whose version is a path', [itemOf('x', '../1.0.0')]],
    ['without a digest', [itemOf('x', '1.0.0', { layer: 'sha256:beef' as never })]],
    ['of one name twice', [itemOf('x', '1.0.0'), itemOf('x', '2.0.0', { id: 'y' })]],
  ])('gets no packages %s', async (_name, items) => {
    await using t = await rooted()
    await expect(t.run(items)).rejects.toMatchObject({ code: 'INSTALL_ITEM_INVALID', exit: 2 })
    expect(await readdir(t.root)).toEqual([])
  })

  it('gets no packages that need each other', async () => {
    await using t = await rooted()
    const items = [
      itemOf('a', '1.0.0', { dependsOn: ['b'] }),
      itemOf('b', '1.0.0', { dependsOn: ['a', 'core'] }),
    ]
    await expect(t.run(items)).rejects.toMatchObject({ code: 'DEPENDENCY_CYCLE', exit: 2 })
    expect(await readdir(t.root)).toEqual([])
  })
})

describe('a package that is not what it should be', () => {
  const hostile = archiveOf(entry({ path: 'ok' }, 'x'), entry({ path: '../evil' }, 'x'))
  it.each<[string, Partial<InstallItem> & { bytes?: Buffer }, string]>([
    ['of another digest', { layer: digestOf('other') }, 'DIGEST_MISMATCH'],
    ['that climbs out', { bytes: hostile }, 'ARCHIVE_UNSAFE'],
    ['that is cut off', { bytes: incompressible(1, 5000).subarray(0, 2000) }, 'ARCHIVE_DAMAGED'],
    ['that is larger than allowed', { bytes: incompressible(2, 400_000) }, 'ARCHIVE_TOO_LARGE'],
    ['that is no archive', { bytes: Buffer.from('hello') }, 'ARCHIVE_DAMAGED'],
  ])('%s ends the install, and nothing of it or the others is there', async (_name, changes, code) => {
    for (const cached of [false, true]) {
      await using t = await rooted()
      await t.run([itemOf('good', '1.0.0')])
      const cache = new PackageCache(join(t.folder.path, 'cache'), t.report)
      const items = [itemOf('good', '2.0.0'), itemOf('bad', '1.0.0', changes)]
      const limits = { bytes: 500_000 }
      await expect(t.run(items, { limits, ...(cached && { cache }) })).rejects.toMatchObject({ code })
      expect(await t.files()).toEqual([
        'extensions/taskservs/good/manifest.yaml',
        'extensions/taskservs/good/scripts/install.nu',
      ])
      expect(await t.read('extensions/taskservs/good/manifest.yaml')).toContain('good 1.0.0')
      expect(await t.staged()).toEqual([])
      expect(existsSync(join(t.folder.path, 'evil'))).toBe(false)
    }
  })
})

describe('the way back', () => {
  it('is the lock that was installed before, and leads forward again', async () => {
    await using t = await rooted()
    await expect(previousLock(t.root)).rejects.toMatchObject({ code: 'INSTALL_NO_PREVIOUS', exit: 2 })
    const run = (lock: string) => t.run([itemOf('kubernetes', lock)], { lock })
    await run('1.0.0')
    await expect(previousLock(t.root)).rejects.toMatchObject({ code: 'INSTALL_NO_PREVIOUS' })
    await run('2.0.0')
    await run('2.0.0')
    expect(await previousLock(t.root)).toBe('1.0.0')
    await run(await previousLock(t.root))
    expect(await t.read(`${kubernetes}/manifest.yaml`)).toContain('kubernetes 1.0.0')
    expect(await previousLock(t.root)).toBe('2.0.0')
  })

  it('of an install that did not end is the lock before it', async () => {
    await using t = await rooted()
    await t.run([itemOf('kubernetes', '1.0.0')], { lock: 'one' })
    await t.run([itemOf('kubernetes', '2.0.0')], { lock: 'two' })
    const bad = itemOf('kubernetes', '3.0.0', { layer: digestOf('other') })
    await expect(t.run([bad], { lock: 'three' })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect(await previousLock(t.root)).toBe('two')
    await t.run([itemOf('kubernetes', '2.0.0')], { lock: 'two' })
    expect(await previousLock(t.root)).toBe('one')
  })

  it('is not there where the file that tells is damaged', async () => {
    await using t = await rooted()
    await t.run([], { lock: 'one' })
    await t.run([], { lock: 'two' })
    await writeFile(join(t.root, '.slipway/install.lock-state'), '{')
    await expect(previousLock(t.root)).rejects.toMatchObject({ code: 'INSTALL_NO_PREVIOUS' })
    await t.run([], { lock: 'three' })
    await t.run([], { lock: 'four' })
    expect(await previousLock(t.root)).toBe('three')
  })
})

function folderOf({ kind, name }: InstallItem): string {
  return kind === 'kcl' ? `kcl/${name}` : `extensions/${kind}s/${name}`
}

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { depsResolve } from '../../src/tasks/deps-resolve.ts'
import { install } from '../../src/tasks/install.ts'
import { extension, type Project, project, write } from './solving.ts'

const resolved = (one: Project) =>
  one.run((context) => depsResolve({ ...one.options(), frozen: false, dryRun: false }, context))

const installed = (one: Project, how: { root?: string; rollback?: boolean } = {}) =>
  one.run((context) =>
    install(
      {
        ...one.options(),
        root: how.root ?? one.directory,
        rollback: how.rollback ?? false,
        replace: false,
        dryRun: false,
      },
      context,
    ),
  )

const kcl = (version: string) => ({
  'kcl/net/kcl.mod': `[package]\nname = "net"\nversion = "${version}"\n`,
  'kcl/net/main.k': 'x = 1\n',
})

describe('installing a repository into itself', () => {
  it('leaves a KCL package alone that stands where it would be installed', async () => {
    const one = project()
    write(one.directory, { ...extension('etcd', '3.5.16'), ...kcl('1.0.0') })
    await resolved(one)
    const first = await installed(one)
    expect(first.installed.map(({ id }) => id)).toEqual(['etcd'])
    expect(existsSync(join(one.directory, '.slipway/installed/kcl/net.json'))).toBe(false)
    // Still the author's own folder: it may be edited, and the next install minds nothing.
    write(one.directory, { 'kcl/net/main.k': 'x = 2\n' })
    expect((await installed(one)).unchanged).toEqual(['etcd'])
    expect(readFileSync(join(one.directory, 'kcl/net/main.k'), 'utf8')).toBe('x = 2\n')
  })

  it('brings it elsewhere like any other', async () => {
    const one = project()
    write(one.directory, { ...extension('etcd', '3.5.16'), ...kcl('1.0.0'), 'out/.keep': '' })
    await resolved(one)
    const root = join(one.directory, 'out')
    const done = await installed(one, { root })
    expect(done.installed.map(({ folder }) => folder)).toEqual(['extensions/taskservs/etcd', 'kcl/net'])
    expect(existsSync(join(root, 'kcl/net/kcl.mod'))).toBe(true)
  })
})

describe('the way back', () => {
  it('is refused where a folder of the repository is at another version by now', async () => {
    const one = project()
    write(one.directory, extension('etcd', '3.5.15'))
    await resolved(one)
    await installed(one)
    write(one.directory, extension('etcd', '3.5.16'))
    await resolved(one)
    expect((await installed(one)).installed).toMatchObject([{ id: 'etcd', before: '3.5.15' }])
    await expect(installed(one, { rollback: true })).rejects.toMatchObject({
      code: 'LOCKED_PACKAGE_GONE',
      message: expect.stringContaining('is at 3.5.16 now, not etcd 3.5.15'),
    })
    const manifest = join(one.directory, 'extensions/taskservs/etcd/manifest.yaml')
    expect(readFileSync(manifest, 'utf8')).toContain('version: 3.5.16')
  })
})

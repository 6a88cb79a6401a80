import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { readRepository } from '../../src/release/repository.ts'
import { parseTarget } from '../../src/store/address.ts'
import { depsValidate, unsolvable } from '../../src/tasks/deps-validate.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { extensionId } from '../../src/version/package-id.ts'
import { publishedKcl } from '../sources/published.ts'
import { extension, type Project, project, write } from './solving.ts'

const validate = (one: Project) => one.run((context) => depsValidate(one.options(), context))

async function stocked(): Promise<Project> {
  const one = project()
  write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }))
  await one.stock({ 'b 1.0.0': {} })
  return one
}

describe('validating dependencies', () => {
  it('tells whether they can be met, and writes nothing', async () => {
    const one = await stocked()
    expect(await validate(one)).toMatchObject({ packages: 2, locked: false })
    expect(one.lock()).toBeUndefined()
    write(one.directory, extension('a', '1.0.0', { b: '^2.0.0' }))
    await expect(validate(one)).rejects.toMatchObject({ code: 'UNSATISFIABLE', exit: 1 })
    write(one.directory, {
      ...extension('a', '1.0.0', { c: '*' }),
      ...extension('c', '1.0.0', { a: '*' }),
    })
    await expect(validate(one)).rejects.toMatchObject({ code: 'DEPENDENCY_CYCLE', exit: 2 })
  })

  it('does not mind that newer versions exist than the lock has', async () => {
    const one = await stocked()
    await one.resolve()
    await one.stock({ 'b 1.1.0': {} })
    const before = one.lock()
    expect(await validate(one)).toMatchObject({ packages: 2, locked: true })
    expect(one.lock()).toBe(before)
  })

  it('refuses a lock that is not what is required now', async () => {
    const one = await stocked()
    await one.resolve()
    write(one.directory, extension('a', '1.0.0', { b: '~1.0.0' }))
    await expect(validate(one)).rejects.toMatchObject({ code: 'LOCK_OUT_OF_DATE', exit: 3 })
  })

  it('refuses a lock of what sources no longer have, naming it', async () => {
    const one = await stocked()
    await one.resolve()
    const before = one.lock()
    rmSync(join(one.directory, '.slipway/registry'), { recursive: true })
    await one.stock({ 'b 1.0.1': {} })
    await expect(validate(one)).rejects.toMatchObject({
      code: 'LOCK_STALE',
      exit: 3,
      message: expect.stringContaining('b 1.0.0 → 1.0.1'),
    })
    expect(one.lock()).toBe(before)
  })

  it('refuses a lock of content that was replaced under its version', async () => {
    const one = await stocked()
    await one.resolve()
    await one.stock({ 'b 1.0.0': { more: { description: 'not what it was' } } })
    await expect(validate(one)).rejects.toMatchObject({ code: expect.stringMatching(/^LOCK_/), exit: 3 })
  })
})

describe('a check of a repository that cannot be solved', () => {
  const found = async (
    one: Project,
    about: readonly string[],
    more: Parameters<Project['options']>[0] = {},
  ) => {
    const { graph } = await readRepository(folderTree(one.directory), defaultLayouts)
    const ids = new Set(about.map(extensionId))
    return await one.run((context) => unsolvable(one.options(more), context, { graph, ids }))
  }
  async function clashing() {
    const one = project()
    write(one.directory, {
      ...extension('a', '1.0.0', { b: '^1.0.0' }),
      ...extension('c', '1.0.0', { b: '^2.0.0' }),
    })
    await one.stock({ 'b 1.0.0': {}, 'b 2.0.0': {} })
    return one
  }

  it('is told at a requirement of what the check is about, on one line', async () => {
    const one = await clashing()
    for (const name of ['a', 'c'])
      expect(await found(one, [name])).toMatchObject([
        {
          code: 'UNSATISFIABLE',
          level: 'error',
          message: expect.stringMatching(/^[^\n]*\bb \^[12]\.0\.0[^\n]*$/),
          place: { file: `taskservs/${name}/manifest.yaml`, line: 7 },
        },
      ])
  })

  it('is a warning where the check is about something else', async () => {
    const one = await clashing()
    write(one.directory, extension('d', '1.0.0'))
    expect(await found(one, ['d'])).toMatchObject([{ code: 'UNSATISFIABLE', level: 'warning' }])
  })

  it('is nothing where no source has a KCL package, which comes from elsewhere, but an error where its version is missing', async () => {
    const one = project()
    const needing = (version: string) => ({
      ...extension('a', '1.0.0'),
      'taskservs/a/kcl/kcl.mod': `[package]\n[dependencies]\nk8s = "${version}"\n`,
    })
    write(one.directory, needing('1.31.2'))
    const told = {
      code: 'UNSATISFIABLE',
      message: expect.stringContaining('k8s'),
      place: { file: 'taskservs/a/kcl/kcl.mod', line: 3 },
    }
    expect(await found(one, ['a'])).toEqual([])
    await one.run(async ({ open }) => {
      const registry = await open(parseTarget(`layout:${one.directory}/.slipway/registry`))
      const mod = '[package]\nname = "k8s"\nversion = "1.0.0"\n'
      await publishedKcl(registry, 'provisioning-kcl/k8s', mod)
    })
    expect(await found(one, ['a'])).toMatchObject([{ ...told, level: 'error' }])
    write(one.directory, needing('1.0.0'))
    expect(await found(one, ['a'])).toEqual([])
  })

  it('is not told where nobody can know: no source is named, or it cannot be asked', async () => {
    const one = await clashing()
    expect(await found(one, ['a'], { sources: [] })).toEqual([])
    const sources = [parseTarget('oci://127.0.0.1:1/x')]
    expect(await found(one, ['a'], { sources })).toEqual([])
  })

  it('is nothing where all goes together', async () => {
    expect(await found(await stocked(), ['a'])).toEqual([])
  })
})

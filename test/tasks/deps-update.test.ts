import { describe, expect, it } from 'vitest'
import { parseTarget } from '../../src/store/address.ts'
import { published, taskserv } from '../sources/published.ts'
import { extension, type Project, project, versionsOf, write } from './solving.ts'

/** Everything locked at 1.0.0, and newer versions of all of it published since. */
async function behind(): Promise<Project> {
  const one = project()
  write(one.directory, extension('a', '1.0.0', { b: '^1.0.0', c: '^1.0.0' }))
  await one.stock({ 'b 1.0.0': { d: '^1.0.0' }, 'c 1.0.0': {}, 'd 1.0.0': { e: '*' }, 'e 1.0.0': {} })
  await one.resolve()
  await one.stock({
    'b 1.1.0': { d: '^1.0.0' },
    'b 1.2.0': { d: '^1.0.0' },
    'c 1.1.0': {},
    'd 1.1.0': { e: '*' },
    'e 1.1.0': {},
  })
  return one
}

const now = async (one: Project) => versionsOf(await one.resolve({ frozen: true }))

describe('updating', () => {
  it('without a name moves everything', async () => {
    const one = await behind()
    const { changes, written } = await one.update()
    expect(changes.map(({ id, type }) => `${id} ${type}`)).toEqual([
      'b upgraded',
      'c upgraded',
      'd upgraded',
      'e upgraded',
    ])
    expect(written).toBe(true)
    expect(await now(one)).toEqual({ a: '1.0.0', b: '1.2.0', c: '1.1.0', d: '1.1.0', e: '1.1.0' })
    expect(await one.update()).toEqual({ changes: [], written: false })
  })

  it('one package leaves the others where they are', async () => {
    const one = await behind()
    await one.update({ name: 'b' })
    expect(await now(one)).toEqual({ a: '1.0.0', b: '1.2.0', c: '1.0.0', d: '1.0.0', e: '1.0.0' })
  })

  it('one package recursively moves what it needs, all the way down, and nothing else', async () => {
    const one = await behind()
    await one.update({ name: 'b', recursive: true })
    expect(await now(one)).toEqual({ a: '1.0.0', b: '1.2.0', c: '1.0.0', d: '1.1.0', e: '1.1.0' })
  })

  it('to a very version takes that one, and keeps it', async () => {
    const one = await behind()
    await one.update({ name: 'b', precise: '1.1.0' })
    expect((await now(one)).b).toBe('1.1.0')
    await one.resolve()
    expect((await now(one)).b).toBe('1.1.0')
  })

  it('to a version that does not fit says why, and changes nothing', async () => {
    const one = await behind()
    await one.stock({ 'b 2.0.0': {} })
    const before = one.lock()
    const error = await one.update({ name: 'b', precise: '2.0.0' }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'UNSATISFIABLE', exit: 1 })
    expect(error.message).toContain('2.0.0')
    expect(error.message).toContain('^1.0.0')
    expect(one.lock()).toBe(before)
  })

  it('to a version that does not exist says so', async () => {
    const one = await behind()
    const error = await one.update({ name: 'b', precise: '1.9.9' }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'UNSATISFIABLE' })
    expect(error.message).toContain('1.9.9')
  })

  it('in a dry run tells what would move, and moves nothing', async () => {
    const one = await behind()
    const before = one.lock()
    const { changes, written } = await one.update({ dryRun: true })
    expect(changes).toHaveLength(4)
    expect(written).toBe(false)
    expect(one.lock()).toBe(before)
  })

  it.each([
    ['a version without a name', { precise: '1.0.0' }, 'PRECISE_NEEDS_NAME', 2],
    ['what is no version', { name: 'b', precise: '^1' }, 'VERSION_INVALID', 2],
    ['a package that is not locked', { name: 'bb' }, 'PACKAGE_NOT_LOCKED', 2],
  ])('%s is refused', async (_, more, code, exit) => {
    const one = await behind()
    await expect(one.update(more)).rejects.toMatchObject({ code, exit, hint: expect.any(String) })
  })

  it('one package needs a lock', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0'))
    await expect(one.update({ name: 'a' })).rejects.toMatchObject({ code: 'LOCK_MISSING', exit: 3 })
  })
})

describe('other content under a locked version', () => {
  /** `b 1.0.0` and `c 1.0.0` are locked; then somebody pushes another `c 1.0.0`. */
  async function replaced(): Promise<Project> {
    const one = project()
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0', c: '^1.0.0' }))
    await one.stock({ 'b 1.0.0': {}, 'c 1.0.0': {} })
    await one.resolve()
    await one.stock({ 'b 1.1.0': {} })
    await one.run(async ({ open }) => {
      const registry = await open(parseTarget(`layout:${one.directory}/.slipway/registry`))
      const manifest = taskserv('c', '1.0.0', {}, {})
      await published(registry, { manifest, repository: 'c', layer: Buffer.from('other files') })
    })
    return one
  }

  it.each([
    ['resolving', (one: Project) => one.resolve()],
    ['updating another package', (one: Project) => one.update({ name: 'b' })],
    ['updating all of them', (one: Project) => one.update()],
  ])('is refused by %s, naming both digests', async (_, work) => {
    const one = await replaced()
    const before = one.lock()
    const error = await work(one).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'LOCKED_CONTENT_CHANGED', exit: 3 })
    expect(error.message).toMatch(/^! c 1\.0\.0 has other content: sha256:\S+ → sha256:\S+$/)
    expect(error.hint).toContain('slipway deps update c')
    expect(one.lock()).toBe(before)
  })

  it('is taken where that very package is updated', async () => {
    const one = await replaced()
    const { changes } = await one.update({ name: 'c' })
    expect(changes.map(({ id, type }) => `${id} ${type}`)).toEqual(['c replaced'])
    await one.resolve({ frozen: true })
  })
})

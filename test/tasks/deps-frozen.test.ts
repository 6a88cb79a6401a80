import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseTarget } from '../../src/store/address.ts'
import { extension, type Project, project, versionsOf, workspaceFile, write } from './solving.ts'

/** A repository whose lock is written. */
async function locked(): Promise<Project> {
  const one = project()
  write(one.directory, { ...extension('a', '1.0.0', { b: '^1.0.0' }), ...extension('c', '1.0.0') })
  await one.stock({ 'b 1.0.0': {}, 'b 1.2.0': {} })
  await one.resolve()
  return one
}

/** What is told of the lock; it must not be touched. */
async function refusal(one: Project, more: Parameters<Project['resolve']>[0] = {}): Promise<string> {
  const before = one.lock()
  const error = await one.resolve({ ...more, frozen: true }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'LOCK_OUT_OF_DATE', exit: 3, hint: expect.stringContaining('slipway') })
  expect(one.lock()).toBe(before)
  return (error as Error).message
}

describe('a frozen lock', () => {
  it('is the solution as it stands, without a request', async () => {
    const one = await locked()
    rmSync(join(one.directory, '.slipway'), { recursive: true })
    const result = await one.resolve({ frozen: true })
    expect(versionsOf(result)).toEqual({ a: '1.0.0', b: '1.2.0', c: '1.0.0' })
    expect(result).toMatchObject({ written: false, changes: [], order: ['b', 'c', 'a'] })
    expect(result.counts).toMatchObject({ requests: 0, decisions: 0 })
  })

  it.each([
    [
      'a range was edited',
      extension('a', '1.0.0', { b: '~1.0.0' }),
      'a requires b ~1.0.0 now, and ^1.0.0 in the lock',
    ],
    ['a need is gone', extension('a', '1.0.0'), 'a no longer requires b'],
    [
      'a need was added',
      extension('a', '1.0.0', { b: '^1.0.0', d: '*' }),
      'a requires d *, which is not in the lock',
    ],
    [
      'a version was raised',
      extension('a', '1.1.0', { b: '^1.0.0' }),
      'a changed from 1.0.0 to 1.1.0 (taskservs/a/manifest.yaml)',
    ],
    [
      'a package was added',
      extension('d', '1.0.0'),
      'd 1.0.0 is required, but not in the lock (taskservs/d/manifest.yaml)',
    ],
  ])('is refused where %s, which is said', async (_, files, told) => {
    const one = await locked()
    write(one.directory, files)
    const message = await refusal(one)
    expect(message).toContain('slipway.lock is not what is required now:')
    expect(message).toContain(`\n  ${told}`)
    // Solving anew makes it right.
    await one.stock({ 'd 2.0.0': {} })
    await one.resolve()
    await expect(one.resolve({ frozen: true })).resolves.toMatchObject({ written: false })
  })

  it('is refused where a package was removed', async () => {
    const one = await locked()
    rmSync(join(one.directory, 'taskservs/c'), { recursive: true })
    expect(await refusal(one)).toContain('c 1.0.0 is in the lock, but no longer required')
  })

  it('does not mind a change that no solution depends on: a comment, a word to find it by', async () => {
    const one = await locked()
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0' }, '# a comment\ntags: [x]\n'))
    await expect(one.resolve({ frozen: true })).resolves.toMatchObject({ written: false })
  })

  it('that was edited itself is refused', async () => {
    const one = await locked()
    const text = one.lock() ?? ''
    expect(text).toContain('b: ^1.0.0')
    writeFileSync(join(one.directory, 'slipway.lock'), text.replace('b: ^1.0.0', 'b: ">=1"'))
    expect(await refusal(one)).toContain('a requires b ^1.0.0 now, and >=1 in the lock')
  })

  it.each([
    ['another registry', 'oci://ghcr.io/somebody/b'],
    ['another repository of the same one', 'layout:.slipway/registry#c'],
    ['a folder of this machine', 'path:../home/b'],
    ['git', 'git+https://git.example/b#taskservs/b/v1.2.0'],
  ])('that takes a package from %s than where it is sought is refused', async (_, source) => {
    const one = await locked()
    const text = one.lock() ?? ''
    expect(text).toContain('source: layout:.slipway/registry#b')
    writeFileSync(
      join(one.directory, 'slipway.lock'),
      text.replace('source: layout:.slipway/registry#b', `source: ${source}`),
    )
    expect(await refusal(one)).toMatch(
      `b is at ${source} in the lock, which is none of the places where it is sought`,
    )
  })

  it('needs its source to be named as it was when it was written', async () => {
    const one = await locked()
    await one.stock({ 'd 1.0.0': {} }, `layout:${one.directory}/other`)
    write(one.directory, extension('a', '1.0.0', { b: '^1.0.0', d: '*' }))
    const sources = [parseTarget(`layout:${one.directory}/other`), ...one.options().sources]
    await one.resolve({ sources })
    expect(await refusal(one)).toMatch('d is at layout:other#d in the lock')
    await one.resolve({ sources, frozen: true })
  })

  it('tells twenty differences and counts the rest', async () => {
    const one = await locked()
    for (let at = 0; at < 25; at++) write(one.directory, extension(`x${at}`, '1.0.0'))
    const lines = (await refusal(one)).split('\n')
    expect(lines).toHaveLength(22)
    // Each is required, and has a folder.
    expect(lines.at(-1)).toBe('  and 30 more')
  })

  it('that is missing is refused', async () => {
    const one = project()
    write(one.directory, extension('a', '1.0.0'))
    await expect(one.resolve({ frozen: true })).rejects.toMatchObject({ code: 'LOCK_MISSING', exit: 3 })
    expect(one.lock()).toBeUndefined()
  })
})

describe('a frozen lock of a workspace', () => {
  const file = 'workspace/config/provisioning.yaml'
  async function workspace(...entries: string[]) {
    const one = project()
    write(one.directory, workspaceFile(entries))
    write(join(one.directory, '..'), extension('near', '1.0.0', { etcd: '^3.5' }))
    const away = (name: string) => `layout:${join(one.directory, '..', name)}`
    for (const name of ['here', 'there']) await one.stock({ 'kubernetes 1.28.0': {} }, away(name))
    await one.stock({ 'etcd 3.5.16': {} })
    await one.resolve(await one.workspace())
    await expect(one.resolve({ ...(await one.workspace()), frozen: true })).resolves.toMatchObject({
      written: false,
    })
    return one
  }

  it.each([
    [
      'the range of an entry',
      'layout:../../here#kubernetes:1.28.x',
      `kubernetes changed from ^1.28 to 1.28.x (${file}:5:11)`,
    ],
    [
      'only the place of an entry',
      'layout:../../there#kubernetes:^1.28',
      `kubernetes is at layout:../there#kubernetes now, and at layout:../here#kubernetes in the lock (${file}:5:11)`,
    ],
  ])('is refused where %s was edited', async (_, entry, told) => {
    const one = await workspace('layout:../../here#kubernetes:^1.28')
    write(one.directory, workspaceFile([entry]))
    expect(await refusal(one, await one.workspace())).toContain(`\n  ${told}`)
  })

  it.each([
    ['needs', '1.0.0', { etcd: '~3.5.1' }, 'near requires etcd ~3.5.1 now, and ^3.5 in the lock'],
    ['version', '1.1.0', { etcd: '^3.5' }, 'near is 1.1.0 in its folder now, and 1.0.0 in the lock'],
  ])('is refused where the %s of a folder changed', async (_, version, needs, told) => {
    const one = await workspace('path:../../taskservs/near')
    write(join(one.directory, '..'), extension('near', version, needs))
    const message = await refusal(one, await one.workspace())
    expect(message.split('\n').slice(1)).toEqual([expect.stringContaining(told)])
  })
})

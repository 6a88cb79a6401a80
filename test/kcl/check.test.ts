import { describe, expect, it } from 'vitest'
import { adviseKcl, checkKcl } from '../../src/kcl/check.ts'
import { type MemoryFile, memoryTree } from '../../src/tree/memory.ts'
import { parseVersion } from '../../src/version/version.ts'

const good = '[package]\nname = "net"\nversion = "1.2.3"\n'
const expected = { name: 'net', version: parseVersion('1.2.3'), gitTag: 'kcl/net/v1.2.3' }

function check(files: Record<string, MemoryFile>, wanted: Parameters<typeof checkKcl>[2] = expected) {
  return checkKcl(memoryTree(files), 'kcl/net', wanted)
}

describe('checking a KCL package', () => {
  it('takes one whose folder, kcl.mod and git tag tell one story', async () => {
    const { mod, findings } = await check({ 'kcl.mod': good, 'net.k': 'a = 1' })
    expect(findings).toEqual([])
    expect(mod).toMatchObject({ name: 'net', version: '1.2.3' })
  })

  it.each<[string, Record<string, MemoryFile>, object]>([
    ['no kcl.mod', { 'net.k': '' }, { code: 'KCL_MOD_MISSING', place: { file: 'kcl/net/kcl.mod' } }],
    ['a linked kcl.mod', { 'kcl.mod': { link: 'x' } }, { code: 'KCL_MOD_LINK' }],
    ['a huge kcl.mod', { 'kcl.mod': `#${'x'.repeat(1024 * 1024)}` }, { code: 'KCL_MOD_TOO_LARGE' }],
    [
      'another name',
      { 'kcl.mod': good.replace('net', 'network') },
      { code: 'KCL_NAME_MISMATCH', place: { file: 'kcl/net/kcl.mod', line: 2, column: 1 } },
    ],
    [
      'another version',
      { 'kcl.mod': good.replace('1.2.3', '1.2.4') },
      {
        code: 'KCL_VERSION_MISMATCH',
        message: expect.stringContaining('kcl/net/v1.2.3'),
        place: { file: 'kcl/net/kcl.mod', line: 3, column: 1 },
      },
    ],
    [
      'a path dependency',
      { 'kcl.mod': `${good}[dependencies]\nprovisioning = { path = "../../../kcl", version = "0.0.1" }\n` },
      {
        code: 'KCL_PATH_DEPENDENCY',
        place: { file: 'kcl/net/kcl.mod', line: 5, column: 1 },
        hint: expect.stringContaining('provisioning = "0.0.1"'),
      },
    ],
    [
      'a symbolic link',
      { 'kcl.mod': good, 'sub/a.k': { link: '../b.k' } },
      { code: 'KCL_LINK', place: { file: 'kcl/net/sub/a.k' } },
    ],
    [
      'an include without kcl.mod',
      { 'kcl.mod': `${good}include = ["*.k"]\n`, 'a.k': '' },
      { code: 'KCL_MOD_EXCLUDED', place: { file: 'kcl/net/kcl.mod', line: 4, column: 1 } },
    ],
  ])('refuses %s at its place', async (_name, files, finding) => {
    const { mod, findings } = await check(files)
    expect(mod).toBeUndefined()
    expect(findings).toEqual([expect.objectContaining({ level: 'error', ...finding })])
  })

  it('asks for name and version, each told once', async () => {
    const { findings } = await check({ 'kcl.mod': '[package]\nversion = "1.2"\n' })
    expect(findings.map((one) => one.message)).toEqual([
      expect.stringContaining('package.version is "1.2"'),
      'package.name is missing',
    ])
  })

  it('allows links that are not packed, and any name and version where none is expected', async () => {
    const text = `${good}exclude = ["link"]\n`
    const { mod, findings } = await check({ 'kcl.mod': text, link: { link: '/etc' } }, {})
    expect(findings).toEqual([])
    expect(mod?.name).toBe('net')
  })
})

describe('advice for an extension’s own schema', () => {
  const advise = (text: string) => adviseKcl(memoryTree({ 'kcl.mod': text }), 'taskservs/x/kcl')

  it('has nothing to say of a kcl.mod without name and version', async () => {
    expect(await advise('[package]\n')).toEqual([])
  })

  it('only warns, of path dependencies too', async () => {
    const place = { file: 'taskservs/x/kcl/kcl.mod', line: 2, column: 1 }
    expect(await advise('[dependencies]\nx = { path = "../x" }\n')).toEqual([
      expect.objectContaining({ code: 'KCL_PATH_DEPENDENCY', level: 'warning', place }),
    ])
    expect(await advise('[package]\nname = 1\n')).toEqual([
      expect.objectContaining({ code: 'KCL_MOD_VALUE_INVALID', level: 'warning', place }),
    ])
  })
})

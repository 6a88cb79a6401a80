import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { checkPackage } from '../../src/extension/check.ts'
import { type Discovery, discover, findPackage } from '../../src/extension/discover.ts'
import { parseGitTag } from '../../src/extension/git-tag.ts'
import { defaultLayouts as layouts, layoutsWith } from '../../src/extension/kinds.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { type MemoryFile, memoryTree } from '../../src/tree/memory.ts'
import { subtree } from '../../src/tree/subtree.ts'

const example = fileURLToPath(new URL('../../examples/provisioning-extensions', import.meta.url))

const manifest = (name: string, type = 'taskserv', version = '1.0.0') =>
  `name: ${name}\ntype: ${type}\nversion: ${version}\ndescription: x\nlicense: MIT\n`

const folder = (path: string, text: string, more: Record<string, MemoryFile> = {}) => {
  const files = { 'manifest.yaml': text, 'scripts/install.nu': '# x', 'kcl/kcl.mod': '[package]', ...more }
  return Object.fromEntries(Object.entries(files).map(([file, content]) => [`${path}/${file}`, content]))
}

async function thrown(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('discovery', () => {
  test('finds every package of the example repository, with its category', async () => {
    const found = await discover(folderTree(example), layouts)
    expect(found.findings).toEqual([])
    expect(found.packages.length).toBeGreaterThanOrEqual(12)
    expect(findPackage(found, layouts, { kind: 'taskserv', name: 'cilium' })).toEqual({
      kind: 'taskserv',
      name: 'cilium',
      category: 'networking',
      folder: 'taskservs/networking/cilium',
    })
  })

  test("takes neither categories nor a package's own folders for packages", async () => {
    const tree = memoryTree({
      ...folder('taskservs/a', manifest('a'), { 'examples/x/manifest.yaml': 'x', 'x/manifest.yaml': 'x' }),
      ...folder('taskservs/cat/b', manifest('b')),
      'taskservs/README.md': 'x',
      'taskservs/cat/README.md': 'x',
      'taskservs/.hidden/c/manifest.yaml': 'x',
      'elsewhere/d/manifest.yaml': 'x',
      'kcl/network/kcl.mod': 'x',
    })
    const found = await discover(tree, layouts)
    expect(found.packages.map((one) => one.folder)).toEqual(['kcl/network', 'taskservs/a', 'taskservs/cat/b'])
  })

  test('finds the core where the repository itself is one', async () => {
    const tree = memoryTree({ 'manifest.yaml': manifest('provisioning-core', 'core') })
    expect((await discover(tree, layouts)).packages).toEqual([
      { kind: 'core', name: 'provisioning-core', folder: '' },
    ])
  })

  test('two packages of one repository are an error that names both, also across kinds', async () => {
    const tree = memoryTree({
      ...folder('taskservs/redis', manifest('redis')),
      ...folder('providers/redis', manifest('redis', 'provider')),
      ...folder('taskservs/other', manifest('other')),
      'kcl/redis/kcl.mod': 'x',
    })
    const found = await discover(tree, layouts)
    expect(found.findings).toMatchObject([
      {
        code: 'PACKAGE_COLLISION',
        message: expect.stringMatching(/providers\/redis.*taskservs\/redis.* redis$/),
      },
    ])
    const error = await thrown(() => findPackage(found, layouts, { kind: 'taskserv', name: 'redis' }))
    expect(error).toMatchObject({ code: 'PACKAGE_COLLISION', exit: 2 })
    expect(findPackage(found, layouts, { kind: 'taskserv', name: 'other' }).folder).toBe('taskservs/other')
    const apart = layoutsWith({ provider: { prefix: 'providers' } })
    expect((await discover(tree, apart)).findings).toEqual([])
  })

  test('a folder no package can be named after is an error', async () => {
    const found = await discover(memoryTree(folder('taskservs/My Redis', manifest('x'))), layouts)
    expect(found).toMatchObject({
      packages: [],
      findings: [{ code: 'PACKAGE_NAME_INVALID', level: 'error' }],
    })
  })

  test('no extension can have the name of the core, since a dependency on core means that; a KCL package can', async () => {
    const tree = memoryTree({ ...folder('taskservs/core', manifest('core')), 'kcl/core/kcl.mod': 'x' })
    expect(await discover(tree, layouts)).toMatchObject({
      packages: [{ kind: 'kcl', name: 'core' }],
      findings: [
        {
          code: 'PACKAGE_NAME_INVALID',
          message: 'No taskserv can be named "core"',
          place: { file: 'taskservs/core/manifest.yaml' },
        },
      ],
    })
  })

  test('what is not there is an error that helps to find it', async () => {
    const found: Discovery = await discover(folderTree(example), layouts)
    const hint = async (tag: string) =>
      await thrown(() => findPackage(found, layouts, parseGitTag(tag, layouts)))
    expect(await hint('taskservs/kubernets/v1.0.0')).toMatchObject({
      code: 'EXTENSION_NOT_FOUND',
      exit: 2,
      hint: 'Did you mean kubernetes?',
    })
    expect(await hint('providers/redis/v1.0.0')).toMatchObject({
      hint: 'There is a taskserv of this name in taskservs/databases/redis.',
    })
    expect(await hint('taskservs/storage/redis/v1.0.0')).toMatchObject({
      hint: 'It lies in taskservs/databases/redis.',
    })
    expect(await hint('kcl/logs/v1.0.0')).toMatchObject({ hint: 'There are fleet, network.' })
    const empty = await discover(memoryTree({}), layouts)
    const tag = parseGitTag('kcl/network/v1.0.0', layouts)
    expect(await thrown(() => findPackage(empty, layouts, tag))).toMatchObject({
      hint: 'It would be kcl/network/kcl.mod.',
    })
  })
})

describe('a check', () => {
  test('finds nothing wrong with any example', async () => {
    const tree = folderTree(example)
    const { packages } = await discover(tree, layouts)
    for (const one of packages) {
      const checked = await checkPackage(subtree(tree, one.folder), one)
      expect(checked.findings.filter((finding) => finding.level === 'error')).toEqual([])
      // What a KCL package says of itself stands in kcl.mod.
      if (one.kind !== 'kcl') expect(checked.manifest?.name).toBe(one.name)
    }
  })

  const one = { kind: 'taskserv', name: 'a', folder: 'taskservs/a' } as const
  const check = async (files: Record<string, MemoryFile>, gitTag?: string) => {
    const tree = subtree(memoryTree(files), one.folder)
    const version = gitTag === undefined ? undefined : parseGitTag(gitTag, layouts).version
    return await checkPackage(tree, one, { version, gitTag })
  }

  test('tells at once where folder, manifest and git tag disagree, with line and column', async () => {
    const { findings, document } = await check(
      folder('taskservs/a', manifest('b', 'cluster')),
      'taskservs/a/v1.0.1',
    )
    expect(findings.filter((finding) => finding.level === 'error')).toMatchObject([
      { code: 'MANIFEST_NAME_MISMATCH', place: { file: 'taskservs/a/manifest.yaml', line: 1, column: 7 } },
      { code: 'MANIFEST_TYPE_MISMATCH', place: { line: 2, column: 7 } },
      {
        code: 'MANIFEST_VERSION_MISMATCH',
        place: { line: 3, column: 10 },
        message: 'version is "1.0.0", but the git tag taskservs/a/v1.0.1 says 1.0.1',
      },
    ])
    expect(document?.name).toBe('b')
  })

  test('tells what is missing from a folder beside what is wrong in its manifest', async () => {
    const { findings } = await check({ 'taskservs/a/manifest.yaml': 'name: b\n' })
    const codes = findings.filter((finding) => finding.level === 'error').map((finding) => finding.code)
    expect(codes.sort()).toEqual([
      'MANIFEST_NAME_MISMATCH',
      'MANIFEST_VALUE_INVALID',
      'MANIFEST_VALUE_INVALID',
      'STRUCTURE_REQUIRED',
      'STRUCTURE_REQUIRED',
    ])
    expect(findings.filter((finding) => finding.code === 'STRUCTURE_RECOMMENDED')).toHaveLength(5)
  })

  test('needs the schema directory that the manifest names', async () => {
    const named = `${manifest('a')}schema: nickel\n`
    const without = await check(folder('taskservs/a', named))
    expect(without.findings).toContainEqual(
      expect.objectContaining({
        code: 'STRUCTURE_REQUIRED',
        place: expect.objectContaining({ line: 6, column: 9 }),
      }),
    )
    const withIt = await check(folder('taskservs/a', named, { 'nickel/a.ncl': 'x' }))
    expect(withIt.findings.filter((finding) => finding.level === 'error')).toEqual([])
  })

  test.each([
    ['missing', { 'taskservs/a/scripts/install.nu': 'x' }, 'MANIFEST_MISSING'],
    ['a symbolic link', { 'taskservs/a/manifest.yaml': { link: '/etc/passwd' } }, 'MANIFEST_LINK'],
    ['50 MB', { 'taskservs/a/manifest.yaml': new Uint8Array(50_000_000) }, 'YAML_TOO_LARGE'],
  ])('a manifest that is %s is a finding', async (_, files: Record<string, MemoryFile>, code) => {
    const { findings, manifest } = await check(files)
    expect(findings).toContainEqual(expect.objectContaining({ code, level: 'error' }))
    expect(manifest).toBeUndefined()
  })

  test('the core may be a plain folder, but a manifest that it has must agree', async () => {
    const core = { kind: 'core', name: 'provisioning-core', folder: '' } as const
    expect(await checkPackage(memoryTree({ 'bin/x': 'x' }), core)).toMatchObject({ findings: [] })
    const wrong = await checkPackage(memoryTree({ 'manifest.yaml': manifest('other', 'core') }), core)
    expect(wrong.findings).toMatchObject([
      { code: 'MANIFEST_NAME_MISMATCH', place: { file: 'manifest.yaml', line: 1 } },
    ])
  })

  test('an empty install script is an error', async () => {
    const { findings } = await check(folder('taskservs/a', manifest('a'), { 'scripts/install.nu': '' }))
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'STRUCTURE_REQUIRED', message: expect.stringContaining('empty') }),
    )
  })
})

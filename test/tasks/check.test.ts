import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { SlipwayError } from '../../src/core/error.ts'
import type { Finding } from '../../src/core/finding.ts'
import type { Event } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import type { Tag } from '../../src/oci/reference.ts'
import { pack } from '../../src/package/pack.ts'
import { packKcl } from '../../src/package/pack-kcl.ts'
import { parseTarget, showPlace } from '../../src/store/address.ts'
import { memoryRegistry } from '../../src/store/memory.ts'
import type { Registry } from '../../src/store/store.ts'
import { type CheckOptions, check } from '../../src/tasks/check.ts'
import type { Context } from '../../src/tasks/context.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from '../git/fixture.ts'
import { extensionFiles, manifestText } from '../release/packages.ts'

const example = fileURLToPath(new URL('../../examples/provisioning-extensions', import.meta.url))

let dir: string
let events: Event[]
let registries: Map<string, Registry>
let broken: SlipwayError | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-check-'))
  events = []
  registries = new Map()
  broken = undefined
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const context: Context = {
  clock: systemClock,
  report: { emit: (event) => events.push(event), secret() {} },
  signal: new AbortController().signal,
  environment: gitEnv,
  async open(place) {
    if (broken !== undefined) throw broken
    const key = showPlace(place)
    const registry = registries.get(key) ?? memoryRegistry(key)
    registries.set(key, registry)
    return registry
  },
  transport: () => Promise.reject(new Error('nothing is downloaded here')),
  scratch: async () => dir,
}
const published = 'oci://registry.example/extensions'

async function checked(more: Partial<CheckOptions> = {}) {
  const options: CheckOptions = {
    directory: dir,
    layouts: defaultLayouts,
    paths: [],
    uncommitted: false,
    sources: [],
    compression: 6,
    shape: 'artifact',
    allowIrreproducible: true,
    concurrency: 4,
    ...more,
  }
  const result = await check(options, context)
  return { ...result, told: result.findings.map(show), names: result.packages.map((one) => one.name) }
}
const withSources = { sources: [parseTarget(published)] }
const show = ({ code, place }: Finding) => `${code} ${place.file}:${place.line ?? ''}`

/** Publishes a folder of the repository as it is now. */
async function publish(path: string, version = '1.0.0'): Promise<void> {
  const name = path.split('/').at(-1) ?? ''
  const store = (await context.open(parseTarget(published))).repository(`extensions/${name}`)
  const manifest = { name, type: 'taskserv', version, description: 'x', license: 'MIT' }
  const input = { kind: 'taskserv', name, version, manifest, tree: folderTree(join(dir, path)) }
  const { encoded } = await pack(input, store, { allowIrreproducible: true })
  await store.tag(encoded, [version as Tag])
}

describe('checking a repository', () => {
  it('finds nothing wrong with the example, and asks nobody where no source is named', async () => {
    cpSync(example, dir, { recursive: true })
    broken = new SlipwayError('HOST_UNREACHABLE', 'nobody')
    const { told, exit, packages } = await checked()
    expect(told).toEqual(['STRUCTURE_RECOMMENDED taskservs/container-runtime/runc/manifest.yaml:'])
    expect(exit).toBe(0)
    expect(packages).toHaveLength(14)
    expect(packages.find((one) => one.name === 'kubernetes')).toEqual({
      kind: 'taskserv',
      name: 'kubernetes',
      folder: 'taskservs/kubernetes',
      version: '1.28.0',
      errors: 0,
      warnings: 0,
    })
  })

  it('tells everything at once: manifests, structure, names, kcl.mod and cycles, sorted, to the report too', async () => {
    write(dir, {
      ...extensionFiles('taskservs/a', '1.0.0', { b: '^1.0.0' }),
      ...extensionFiles('taskservs/b', '1.0.0', { a: '^1.0.0' }),
      ...extensionFiles('taskservs/c', '1.0'),
      ...extensionFiles('clusters/c'),
      'taskservs/b/kcl/kcl.mod': '[package]\n[dependencies]\ncommon = { path = "../../common" }\n',
      'kcl/network/kcl.mod':
        '[package]\nname = "network"\nversion = "0.1.0"\n[dependencies]\nx = { path = "x" }\n',
      'kcl/network/main.k': 'a = 1\n',
      'taskservs/Odd Name/manifest.yaml': 'name: x\n',
    })
    rmSync(join(dir, 'taskservs/a/scripts/install.nu'))
    const { told, exit, findings } = await checked()
    expect(told).toEqual([
      'KCL_PATH_DEPENDENCY kcl/network/kcl.mod:5',
      'PACKAGE_NAME_INVALID taskservs/Odd Name/manifest.yaml:',
      'STRUCTURE_REQUIRED taskservs/a/manifest.yaml:',
      'KCL_PATH_DEPENDENCY taskservs/b/kcl/kcl.mod:3',
      'DEPENDENCY_CYCLE taskservs/b/manifest.yaml:7',
      'PACKAGE_COLLISION taskservs/c/manifest.yaml:',
      'MANIFEST_VALUE_INVALID taskservs/c/manifest.yaml:3',
    ])
    expect(exit).toBe(2)
    expect(events.filter((one) => one.type === 'finding').map((one) => one.finding)).toEqual(findings)
  })

  it('follows dependencies of kcl.mod in the order, and prints a cycle through them whole', async () => {
    const mod = (name: string, needs: string) =>
      `[package]\nname = "${name}"\nversion = "0.1.0"\n[dependencies]\n${needs} = "0.1.0"\n`
    write(dir, { 'kcl/a/kcl.mod': mod('a', 'b'), 'kcl/b/kcl.mod': mod('b', 'a') })
    const { findings } = await checked()
    expect(findings).toMatchObject([
      {
        code: 'DEPENDENCY_CYCLE',
        message: expect.stringContaining('kcl:a → kcl:b → kcl:a'),
        place: { file: 'kcl/b/kcl.mod', line: 5 },
      },
    ])
  })

  it('looks at the folders that are named alone, and refuses one without a package', async () => {
    write(dir, { ...extensionFiles('taskservs/a', '1'), ...extensionFiles('providers/b', '1') })
    const { names, told } = await checked({ paths: ['./taskservs/'] })
    expect(names).toEqual(['a'])
    expect(told).toEqual(['MANIFEST_VALUE_INVALID taskservs/a/manifest.yaml:3'])
    await expect(checked({ paths: ['clusters'] })).rejects.toMatchObject({ code: 'EXTENSION_NOT_FOUND' })
  })

  it('hands the graph to a further check, whose findings count', async () => {
    write(dir, extensionFiles('taskservs/a'))
    const extra: Finding = {
      code: 'X',
      level: 'error',
      message: 'no',
      place: { file: 'taskservs/a/manifest.yaml' },
    }
    const { told, exit, packages } = await checked({
      solve: async ({ graph, ids }) => (graph.nodes.size === 1 && [...ids].join() === 'a' ? [extra] : []),
    })
    expect([told, exit, packages[0]?.errors]).toEqual([['X taskservs/a/manifest.yaml:'], 2, 1])
  })
})

describe('checking what changed', () => {
  /** a needs b, b needs c; d stands apart, and e has an error. */
  async function branch(change: () => void): Promise<void> {
    repositoryWith(dir, {
      ...extensionFiles('taskservs/a', '1.0.0', { b: '^1.0.0' }),
      ...extensionFiles('taskservs/b', '1.0.0', { c: '^1.0.0' }),
      ...extensionFiles('taskservs/c'),
      ...extensionFiles('taskservs/d'),
      ...extensionFiles('taskservs/e', 'broken'),
    })
    git(dir, 'checkout', '-q', '-b', 'topic')
    change()
  }
  const since = { since: ['main'] }

  it('takes what changed and everything that depends on it, and no other findings', async () => {
    await branch(() => {
      write(dir, { 'taskservs/c/docs/more.md': '' })
      commitAll(dir)
      write(dir, { 'taskservs/d/docs/more.md': '' })
    })
    const result = await checked(since)
    expect(result.packages.map(({ name, because }) => `${name} ${because}`)).toEqual([
      'a dependent',
      'b dependent',
      'c changed',
    ])
    expect(result.since).toEqual({ base: git(dir, 'rev-parse', 'main'), removed: [] })
    expect(result.findings).toEqual([])
    expect((await checked({ ...since, uncommitted: true })).names).toEqual(['a', 'b', 'c', 'd'])
  })

  it('takes dependents of a package that is gone, which nobody else has', async () => {
    await branch(() => {
      rmSync(join(dir, 'taskservs/c'), { recursive: true })
      commitAll(dir)
    })
    const { names, told, since: from } = await checked({ ...since, ...withSources })
    expect(names).toEqual(['a', 'b'])
    expect(from?.removed).toEqual(['c'])
    expect(told).toEqual(['UNPUBLISHED_DEPENDENCY taskservs/b/manifest.yaml:7'])
  })

  it('finds the cycle that a change closes, at the change', async () => {
    await branch(() => {
      write(dir, { 'taskservs/c/manifest.yaml': manifestText('taskservs/c', '1.0.0', { a: '*' }) })
      commitAll(dir)
    })
    expect((await checked(since)).findings).toMatchObject([
      {
        code: 'DEPENDENCY_CYCLE',
        message: expect.stringContaining('a → b → c → a'),
        place: { file: 'taskservs/c/manifest.yaml', line: 7 },
      },
    ])
  })

  it('takes dependents of a KCL package that an extension brings', async () => {
    const mod = (name: string, needs = '') =>
      `[package]\nname = "${name}"\nversion = "0.1.0"\n[dependencies]\n${needs}`
    await branch(() => {
      write(dir, {
        'taskservs/d/manifest.yaml': `${manifestText('taskservs/d')}publish_kcl: true\n`,
        'taskservs/d/kcl/kcl.mod': mod('d_schema'),
        'kcl/other/kcl.mod': mod('other', 'd_schema = "0.1.0"\n'),
      })
      commitAll(dir)
      git(dir, 'branch', '-f', 'main')
      write(dir, { 'taskservs/d/kcl/more.k': '' })
      commitAll(dir)
    })
    const { packages } = await checked(since)
    expect(packages.map(({ name, because }) => `${name} ${because}`)).toEqual([
      'other dependent',
      'd changed',
    ])
  })

  it('takes nothing where nothing changed that belongs to a package', async () => {
    await branch(() => {
      write(dir, { 'README.md': '' })
      commitAll(dir)
    })
    expect(await checked(since)).toMatchObject({ packages: [], findings: [], exit: 0 })
  })

  it('says loudly that a shallow clone cannot tell, and takes everything', async () => {
    await branch(() => {
      write(dir, { 'taskservs/c/docs/more.md': '' })
      commitAll(dir)
    })
    git(dir, 'clone', '-q', '--depth=1', '--branch=topic', `file://${dir}`, 'clone')
    const { names, exit } = await checked({ ...since, directory: join(dir, 'clone') })
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(exit).toBe(2)
    expect(events[0]).toMatchObject({
      type: 'warning',
      code: 'MERGE_BASE_UNKNOWN',
      message: expect.stringMatching(/Every package is checked.*shallow/),
      hint: expect.stringContaining('fetch-depth: 0'),
    })
  })
})

describe('checking against what is published', () => {
  it('passes a version with the content that is published, and one that is new', async () => {
    write(dir, { ...extensionFiles('taskservs/a'), ...extensionFiles('taskservs/b', '1.0.1') })
    await publish('taskservs/a')
    await publish('taskservs/b')
    expect(await checked(withSources)).toMatchObject({ findings: [], exit: 0 })
  })

  it('asks for a higher version where the content changed, at its line', async () => {
    write(dir, extensionFiles('taskservs/a'))
    await publish('taskservs/a')
    appendFileSync(join(dir, 'taskservs/a/scripts/install.nu'), 'print more\n')
    expect(await checked(withSources)).toMatchObject({
      exit: 2,
      findings: [
        {
          code: 'VERSION_NOT_RAISED',
          level: 'error',
          message: `a changed, but 1.0.0 is published already, as ${published}/a:1.0.0`,
          place: { file: 'taskservs/a/manifest.yaml', line: 3, column: 10 },
          hint: expect.stringContaining('1.0.1'),
        },
      ],
    })
    write(dir, { 'taskservs/a/manifest.yaml': manifestText('taskservs/a', '1.0.1') })
    expect((await checked(withSources)).findings).toEqual([])
  })

  it('asks it of what a branch changed, not of what depends on that', async () => {
    const both = { ...extensionFiles('taskservs/a', '1.0.0', { b: '*' }), ...extensionFiles('taskservs/b') }
    repositoryWith(dir, both)
    for (const path of ['taskservs/a', 'taskservs/b']) {
      await publish(path)
      appendFileSync(join(dir, path, 'scripts/install.nu'), 'print more\n')
    }
    commitAll(dir)
    write(dir, { 'taskservs/b/docs/more.md': '' })
    commitAll(dir)
    const { names, told } = await checked({ ...withSources, since: ['HEAD~1'] })
    expect(names).toEqual(['a', 'b'])
    expect(told).toEqual(['VERSION_NOT_RAISED taskservs/b/manifest.yaml:3'])
  })

  it('takes a change of the manifest alone for a change', async () => {
    write(dir, extensionFiles('taskservs/a'))
    await publish('taskservs/a')
    write(dir, { 'taskservs/a/manifest.yaml': manifestText('taskservs/a', '1.0.0', { b: '*' }) })
    write(dir, extensionFiles('taskservs/b'))
    expect((await checked(withSources)).told).toEqual(['VERSION_NOT_RAISED taskservs/a/manifest.yaml:3'])
  })

  it('tells what could not be packed anew as a finding', async () => {
    write(dir, extensionFiles('taskservs/a'))
    await publish('taskservs/a')
    write(dir, { 'taskservs/a/oci-manifest.json': '{}' })
    expect((await checked(withSources)).told).toEqual(['PACKAGE_NAME_RESERVED taskservs/a/manifest.yaml:1'])
  })

  it('asks the same of KCL packages, their own and those that extensions bring', async () => {
    const mod = (name: string) => `[package]\nname = "${name}"\nversion = "0.1.0"\n`
    write(dir, {
      'kcl/network/kcl.mod': mod('network'),
      ...extensionFiles('taskservs/a'),
      'taskservs/a/manifest.yaml': `${manifestText('taskservs/a')}publish_kcl: true\n`,
      'taskservs/a/kcl/kcl.mod': mod('a_schema'),
    })
    for (const [name, folder] of [
      ['network', 'kcl/network'],
      ['a_schema', 'taskservs/a/kcl'],
    ] as const) {
      const registry = await context.open(parseTarget(published))
      const store = registry.repository(`extensions/provisioning-kcl/${name}`)
      const tree = folderTree(join(dir, folder))
      const { encoded } = await packKcl({ name, tree }, store, { allowIrreproducible: true })
      await store.tag(encoded, ['0.1.0' as Tag])
    }
    expect((await checked(withSources)).findings).toEqual([])
    write(dir, { 'kcl/network/main.k': 'a = 1\n', 'taskservs/a/kcl/main.k': 'a = 1\n' })
    expect((await checked(withSources)).told).toEqual([
      'VERSION_NOT_RAISED kcl/network/kcl.mod:3',
      'VERSION_NOT_RAISED taskservs/a/kcl/kcl.mod:3',
    ])
  })

  it('tells dependencies that nobody has and that no version fits, beside each other', async () => {
    write(dir, extensionFiles('taskservs/a', '1.0.0', { b: '^2.0.0', nowhere: '*' }))
    write(dir, extensionFiles('taskservs/b'))
    await publish('taskservs/b')
    rmSync(join(dir, 'taskservs/b'), { recursive: true })
    expect((await checked(withSources)).told).toEqual([
      'UNSATISFIABLE_DEPENDENCY taskservs/a/manifest.yaml:7',
      'UNPUBLISHED_DEPENDENCY taskservs/a/manifest.yaml:8',
    ])
  })

  it('never takes a registry that cannot be asked for a pass', async () => {
    write(dir, {
      ...extensionFiles('taskservs/a', '1.0.0', { other: '*' }),
      ...extensionFiles('taskservs/b'),
    })
    broken = new SlipwayError('HOST_UNREACHABLE', 'registry.example does not answer', { hint: 'Wait.' })
    const { findings, exit } = await checked(withSources)
    expect(exit).toBe(1)
    expect(findings).toMatchObject([
      {
        code: 'SOURCE_UNAVAILABLE',
        level: 'error',
        message: expect.stringMatching(
          /oci:\/\/registry\.example\/extensions .*about other, a 1\.0\.0 and b 1\.0\.0: .*does not answer/,
        ),
        hint: 'Wait.',
      },
    ])
  })
})

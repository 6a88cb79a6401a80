import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git } from './generated.ts'
import { peer, type RegistryKind, type RunningRegistry, run, startRegistry } from './registries.ts'
import { outcomes, release, slipway } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const packages = { network: '0.2.0', fleet: '0.1.0' }
const tags = Object.entries(packages).map(([name, version]) => `kcl/${name}/v${version}`)

/** kpm's sum of a folder, written once more: os.walk by sorted names, all contents in a row. */
const sum = `
import base64, hashlib, os, sys
def walk(folder):
    for name in sorted(os.listdir(os.fsencode(folder))):
        path = os.path.join(os.fsencode(folder), name)
        if os.path.isdir(path): yield from walk(path)
        elif b'.git' not in path and b'.tar' not in path: yield path
digest = hashlib.sha256()
for path in walk(sys.argv[1]):
    with open(path, 'rb') as file: digest.update(file.read())
print(base64.b64encode(digest.digest()).decode())
`

interface Manifest {
  readonly artifactType: string
  readonly annotations: Record<string, string>
  readonly layers: readonly { readonly digest: string }[]
}

let scratch: string
let repository: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'slipway-kcl-peer-'))
  repository = join(scratch, 'repository')
  await cp(examples, repository, { recursive: true, filter: (path) => !path.endsWith('.slipway') })
  git(repository, ['init', '-q', '-b', 'main'])
  commit(repository, tags)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function client(name: string, args: readonly string[]): Promise<string> {
  const result = await run(peer(name), args, { cwd: scratch, env: { DOCKER_CONFIG: scratch, HOME: scratch } })
  expect(result, `${name} ${args.join(' ')}: ${result.stderr}`).toMatchObject({ code: 0 })
  return result.stdout
}

async function texts(folder: string): Promise<Record<string, string>> {
  const read = (await readdir(folder))
    .sort()
    .map(async (file) => [file, await readFile(join(folder, file), 'utf8')])
  return Object.fromEntries(await Promise.all(read))
}

describe.each<RegistryKind>(['distribution2', 'referrers'])('KCL packages on %s', (kind) => {
  let registry: RunningRegistry
  const at = (name: keyof typeof packages) =>
    `${registry.url}/extensions/provisioning-kcl/${name}:${packages[name]}`

  beforeAll(async () => {
    registry = await startRegistry(kind)
    const result = await release([...tags, '-C', repository, '--to', `oci://${registry.url}/extensions`])
    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(outcomes(result)).toEqual(['published'])
  })
  afterAll(() => registry.stop())

  it('have the one tag that kpm can read, and no moving one', async () => {
    const url = `${registry.url}/extensions/provisioning-kcl/fleet`
    expect((await client('oras', ['repo', 'tags', '--plain-http', url])).trim()).toBe('0.1.0')
  })

  it('are pulled by oras as one .tgz, whose files have the sum that the manifest tells', async () => {
    const folder = await mkdtemp(join(scratch, 'oras-'))
    await client('oras', ['pull', '--plain-http', at('fleet'), '-o', folder])
    // kpm asks for exactly one *.tgz.
    expect(await readdir(folder)).toEqual(['fleet_0.1.0.tgz'])
    await run('tar', ['-xzf', join(folder, 'fleet_0.1.0.tgz'), '-C', folder])
    await rm(join(folder, 'fleet_0.1.0.tgz'))
    expect(await texts(folder)).toEqual(await texts(join(examples, 'kcl/fleet')))
    const text = await client('oras', ['manifest', 'fetch', '--plain-http', at('fleet')])
    const { annotations, artifactType } = JSON.parse(text) as Manifest
    expect(artifactType).toBe('application/vnd.oci.image.layer.v1.tar+gzip')
    expect(annotations['org.kcllang.package.sum']).toBe((await client('python', ['-c', sum, folder])).trim())
  })

  it('are unchanged when the same files are released from another commit, refused with others', async () => {
    const other = join(scratch, `other-${kind}`)
    await cp(repository, other, { recursive: true })
    await writeFile(join(other, 'README.md'), 'another commit')
    git(other, ['tag', '-d', ...tags])
    commit(other, tags)
    const to = ['-C', other, '--to', `oci://${registry.url}/extensions`]
    expect(outcomes(await release([...tags, ...to]))).toEqual(['unchanged'])
    await writeFile(join(other, 'kcl/network/network.k'), 'other = 1\n')
    git(other, ['tag', '-d', ...tags])
    commit(other, tags)
    const changed = await release(['kcl/network/v0.2.0', ...to])
    expect(changed.code).toBe(3)
    expect(changed.releases[0]?.targets[0]?.error?.code).toBe('TAG_EXISTS')
  })

  it('are pulled by slipway with the sum compared, also when another client pushed them', async () => {
    const folder = join(scratch, `slipway-${kind}`)
    const pulled = await slipway(['pull', `oci://${at('network')}`, '-o', folder])
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
    expect(await texts(folder)).toEqual(await texts(join(examples, 'kcl/network')))

    await run('tar', ['-C', folder, '-cf', join(scratch, 'own_1.0.0.tar'), '.'])
    const type = 'application/vnd.oci.image.layer.v1.tar'
    const push = ['push', '--plain-http', '--artifact-type', type]
    const own = `${registry.url}/extensions/provisioning-kcl/own`
    for (const [tag, annotation] of [
      ['1.0.0', (await client('python', ['-c', sum, folder])).trim()],
      ['1.0.1', 'another'],
    ])
      await client('oras', [
        ...push,
        '--annotation',
        `org.kcllang.package.sum=${annotation}`,
        `${own}:${tag}`,
        `own_1.0.0.tar:${type}`,
      ])
    const again = await slipway(['pull', `oci://${own}:1.0.0`, '-o', join(folder, 'own')])
    expect(again, again.stderr).toMatchObject({ code: 0 })
    const wrong = await slipway(['pull', `oci://${own}:1.0.1`, '-o', join(folder, 'wrong')])
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toContain('KCL_SUM_MISMATCH')
    expect(await readdir(folder)).not.toContain('wrong')
  })
})

describe('a KCL package at another registry, by its address in kcl.mod', () => {
  let registry: RunningRegistry
  let project: string
  const run = (...args: string[]) =>
    slipway([...args, '-C', project], {
      env: { HOME: scratch, DOCKER_CONFIG: scratch, XDG_RUNTIME_DIR: undefined, XDG_CACHE_HOME: undefined },
    })

  beforeAll(async () => {
    registry = await startRegistry('distribution2')
    const names = join(scratch, 'theirs')
    const push = async (name: string, dependencies: string) => {
      await mkdir(join(names, 'kcl', name), { recursive: true })
      const mod = `[package]\nname = "${name}"\nversion = "0.1.0"\n\n[dependencies]\n${dependencies}`
      await writeFile(join(names, 'kcl', name, 'kcl.mod'), mod)
      await writeFile(join(names, 'kcl', name, `${name}.k`), `name = "${name}"\n`)
    }
    const at = (prefix: string, name: string) =>
      `${name} = { oci = "oci://${registry.url}/${prefix}/provisioning-kcl/${name}", tag = "0.1.0" }\n`
    await push('base', '')
    await push('shared', at('one', 'base'))
    git(names, ['init', '-q', '-b', 'main'])
    commit(names, ['kcl/base/v0.1.0', 'kcl/shared/v0.1.0'])
    for (const [name, prefix] of [
      ['base', 'one'],
      ['shared', 'two'],
    ]) {
      const to = ['--to', `oci://${registry.url}/${prefix}`]
      const result = await release([`kcl/${name}/v0.1.0`, '-C', names, ...to])
      expect(result, result.stderr).toMatchObject({ code: 0 })
    }
    project = join(scratch, 'ours')
    await mkdir(join(project, 'kcl/ours'), { recursive: true })
    await mkdir(join(scratch, 'target'))
    await writeFile(
      join(project, 'kcl/ours/kcl.mod'),
      `[package]\nname = "ours"\nversion = "1.0.0"\n\n[dependencies]\n${at('two', 'shared')}`,
    )
    await writeFile(join(project, 'kcl/ours/ours.k'), 'import shared\nname = shared.name\n')
  })
  afterAll(() => registry.stop())

  it('is solved, locked, shown in the tree and installed, with what it names in turn', async () => {
    const resolved = await run('deps', 'resolve')
    expect(resolved, resolved.stderr).toMatchObject({ code: 0 })
    const lock = await readFile(join(project, 'slipway.lock'), 'utf8')
    expect(lock).toContain(`source: oci://${registry.url}/two/provisioning-kcl/shared`)
    expect(lock).toContain(`source: oci://${registry.url}/one/provisioning-kcl/base`)
    const tree = await run('deps', 'tree')
    expect(tree, tree.stderr).toMatchObject({ code: 0 })
    expect(tree.stdout).toMatch(/kcl:ours 1\.0\.0.*kcl:shared 0\.1\.0.*kcl:base 0\.1\.0/s)
    const frozen = await run('deps', 'resolve', '--frozen')
    expect(frozen, frozen.stderr).toMatchObject({ code: 0 })
    const installed = await run('install', '--root', join(scratch, 'target'))
    expect(installed, installed.stderr).toMatchObject({ code: 0 })
    expect(await readFile(join(scratch, 'target/kcl/shared/shared.k'), 'utf8')).toBe('name = "shared"\n')
    expect(await readFile(join(scratch, 'target/kcl/base/base.k'), 'utf8')).toBe('name = "base"\n')
    expect(await readFile(join(project, 'slipway.lock'), 'utf8')).toBe(lock)
  })

  it('is not installed from an address that nobody names, whatever the lock says', async () => {
    const file = join(project, 'slipway.lock')
    const lock = await readFile(file, 'utf8')
    await writeFile(file, lock.replace('/one/provisioning-kcl/base', '/two/provisioning-kcl/base'))
    const refused = await run('install', '--root', join(scratch, 'none'))
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('LOCK_OUT_OF_DATE')
    expect(refused.stderr).toContain(`kcl:base is at oci://${registry.url}/two/provisioning-kcl/base`)
    await writeFile(file, lock)
  })
})

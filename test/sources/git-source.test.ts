import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { type GitRemoteOptions, gitRemote } from '../../src/sources/git-remote.ts'
import { gitSource } from '../../src/sources/git-source.ts'
import { extensionId, kclId } from '../../src/version/package-id.ts'
import { parseVersion } from '../../src/version/version.ts'
import { commitAll, git, gitEnv, repositoryWith, write } from '../git/fixture.ts'
import { rejection } from '../registry/client.ts'
import { temporary } from './folder.ts'

const redis = extensionId('redis')
const v = parseVersion
const manifest = (version: string, lines = '') => `name: redis\ntype: taskserv\nversion: ${version}\n${lines}`

/** A repository with a tag for each version, and a folder for what is fetched from it. */
function repository() {
  const [origin, scratch] = [temporary(), temporary()]
  repositoryWith(origin, { 'README.md': '' })
  const release = (tag: string, files: Readonly<Record<string, string>>) => {
    write(origin, files)
    commitAll(origin)
    git(origin, 'tag', tag)
  }
  const remote = (options: Partial<GitRemoteOptions> = {}) => {
    const made = gitRemote({
      url: pathToFileURL(origin).href,
      environment: gitEnv,
      scratch: async () => scratch,
      protocols: ['file'],
      ...options,
    })
    onTestFinished(() => made[Symbol.asyncDispose]())
    return made
  }
  const source = (options: Partial<GitRemoteOptions> = {}, tag = 'taskservs/redis/v{version}') =>
    gitSource({ remote: remote(options), kind: 'taskserv', name: 'redis', tag, layouts: defaultLayouts })
  return { origin, scratch, release, remote, source }
}

describe('a package in a git repository', () => {
  test('has a version for each tag of its form, each with the files of its own commit', async () => {
    const { release, source } = repository()
    const at = (name: string) => `taskservs/redis/${name}`
    release('taskservs/redis/v1.0.0', {
      [at('manifest.yaml')]: manifest('1.0.0', 'dependencies: {etcd: ^3}\n'),
    })
    release('taskservs/redis/v1.1.0-rc.1', {
      [at('manifest.yaml')]: manifest('1.1.0-rc.1', 'min_provisioning_version: 3.5.0\n'),
      [at('kcl/kcl.mod')]: '[dependencies]\nk8s = "1.31.2"\n',
    })
    for (const other of [
      'taskservs/etcd/v3.0.0',
      'v2.0.0',
      'taskservs/redis/v3',
      'taskservs/db/redis/v4.0.0',
    ])
      release(other, {})
    const one = source()
    expect((await one.versions(redis)).map((each) => each.version)).toEqual(['1.0.0', '1.1.0-rc.1'])
    expect(await one.versions(extensionId('etcd'))).toEqual([])
    const [old, last] = await Promise.all([
      one.candidate(redis, v('1.0.0')),
      one.candidate(redis, v('1.1.0-rc.1')),
    ])
    expect(old).toMatchObject({
      kind: 'taskserv',
      source: `${one.name}#taskservs/redis/v1.0.0`,
      requires: [{ id: 'etcd', text: '^3' }],
    })
    expect(last).toMatchObject({
      requires: [
        { id: 'core', text: '>=3.5.0' },
        { id: 'kcl:k8s', text: '>=1.31.2' },
      ],
    })
    expect(await one.candidate(redis, v('3.0.0'))).toBeUndefined()
    const file = await (await one.tree(v('1.0.0')))?.file('manifest.yaml')
    expect(file).toMatchObject({
      path: 'manifest.yaml',
      size: manifest('1.0.0', 'dependencies: {etcd: ^3}\n').length,
    })
    expect(await one.tree(v('9.0.0'))).toBeUndefined()
  })

  test.each([
    ['below a category', 'taskservs/db/redis/manifest.yaml', 'taskservs/db/redis/v{version}'],
    ['below a category that its tag does not name', 'taskservs/db/redis/manifest.yaml', undefined],
    ['at the root of a repository of its own', 'manifest.yaml', undefined],
  ])('may stand %s', async (_, path, form = 'taskservs/redis/v{version}') => {
    const { release, source } = repository()
    release(form.replace('{version}', '1.0.0'), { [path]: manifest('1.0.0') })
    const one = source({}, form)
    expect(await one.candidate(redis, v('1.0.0'))).toMatchObject({ id: 'redis' })
    expect(await (await one.tree(v('1.0.0')))?.file('manifest.yaml')).toBeDefined()
  })

  test('may be a KCL package', async () => {
    const { release, remote } = repository()
    release('kcl/net/v1.0.0', { 'kcl/net/kcl.mod': '[package]\nname = "net"\nversion = "1.0.0"\n' })
    const of = { kind: 'kcl', name: 'net', tag: 'kcl/net/v{version}', layouts: defaultLayouts } as const
    const one = gitSource({ remote: remote(), ...of })
    expect(await one.candidate(kclId('net'), v('1.0.0'))).toMatchObject({ kind: 'kcl', id: 'kcl:net' })
  })

  test('is withheld where its files say something else, or are not there', async () => {
    const { release, source } = repository()
    release('taskservs/redis/v0.9.0', { 'other.txt': '' })
    release('taskservs/redis/v1.0.0', { 'taskservs/redis/manifest.yaml': manifest('1.0.1') })
    release('taskservs/redis/v2.0.0', { 'taskservs/redis/manifest.yaml': 'name: [' })
    const one = source()
    const reason = async (version: string) => {
      const found = await one.candidate(redis, v(version))
      return found !== undefined && 'unavailable' in found ? found.unavailable.reason : undefined
    }
    expect(await reason('0.9.0')).toBe('has no files at git tag taskservs/redis/v0.9.0')
    expect(await reason('1.0.0')).toContain('taskservs/redis/manifest.yaml:3:10: version is "1.0.1"')
    expect(await reason('2.0.0')).toContain('is broken at git tag taskservs/redis/v2.0.0')
  })

  test('asks for its tags once, and fetches a commit once and without its history', async () => {
    const { origin, release, remote, scratch } = repository()
    release('taskservs/redis/v1.0.0', { 'taskservs/redis/manifest.yaml': manifest('1.0.0') })
    release('taskservs/redis/v1.1.0', { 'taskservs/redis/manifest.yaml': manifest('1.1.0') })
    const one = remote()
    await Promise.all([one.tags(), one.tags()])
    await Promise.all([one.tree('taskservs/redis/v1.1.0', ''), one.tree('taskservs/redis/v1.1.0', '')])
    const [folder = ''] = readdirSync(scratch)
    expect(git(join(scratch, folder), 'rev-list', '--count', '--all')).toBe('1')
    expect(readdirSync(join(scratch, folder))).toEqual(['.git'])
    git(origin, 'tag', '-d', 'taskservs/redis/v1.0.0')
    expect(await one.tags()).toContain('taskservs/redis/v1.0.0')
    expect(await rejection(one.tree('taskservs/redis/v1.0.0', ''))).toMatchObject({ code: 'GIT_FAILED' })
  })

  test('starts nothing that a user has set up for git to start', async () => {
    const { release, source, origin } = repository()
    release('taskservs/redis/v1.0.0', { 'taskservs/redis/manifest.yaml': manifest('1.0.0') })
    const home = temporary()
    const trace = join(home, 'started')
    const hook = `#!/bin/sh\necho hook >> ${trace}\n`
    write(home, {
      'template/hooks/reference-transaction': hook,
      config: `[init]\n\ttemplateDir = ${home}/template\n[core]\n\tfsmonitor = touch ${trace}\n[url "ext::touch ${trace} "]\n\tinsteadOf = https://\n`,
    })
    chmodSync(join(home, 'template/hooks/reference-transaction'), 0o755)
    const environment = {
      ...gitEnv,
      GIT_CONFIG_GLOBAL: join(home, 'config'),
      GIT_TRACE: trace,
      GIT_DIR: origin,
    }
    expect(await source({ environment }).candidate(redis, v('1.0.0'))).toMatchObject({ id: 'redis' })
    const https = source({ environment, url: 'https://localhost:1/x', protocols: ['https'] })
    expect(await rejection(https.versions(redis))).toMatchObject({ code: 'GIT_FAILED' })
    expect(existsSync(trace) ? readFileSync(trace, 'utf8') : '').toBe('')
  })
})

describe('a repository', () => {
  test('that is not there is an error with its address, in the words of git on one line', async () => {
    const { source } = repository()
    const error = await rejection(source({ url: 'file:///nonexistent/x' }).versions(redis))
    expect(error).toMatchObject({
      code: 'GIT_FAILED',
      side: 'source',
      message: expect.stringMatching(/^git ls-remote of file:\/\/\/nonexistent\/x failed: .*$/),
    })
  })

  test('is not asked when offline', async () => {
    const { source } = repository()
    expect(await rejection(source({ offline: true }).versions(redis))).toMatchObject({ code: 'OFFLINE' })
  })

  test.each([
    'file:///srv/git/x',
    'ext::sh -c true',
    'ext://h/x',
    'git://h/x',
    '/srv/git/x',
    '--upload-pack=x',
    'https://user:secret@h/x',
    'https://user@h/x',
    'ssh://u:secret@h/x',
    'ssh://-oProxyCommand=x/y',
    'ssh://-l@h/y',
  ])('is none at %s', (url) => {
    const open = () => gitRemote({ url, environment: gitEnv, scratch: async () => '/nonexistent' })
    expect(open).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID', exit: 2 }))
    expect(open).not.toThrow(/secret/)
  })
})

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { loadWorkspace, readWorkspace, type WorkspaceOptions } from '../../src/config/workspace.ts'
import { SlipwayError } from '../../src/core/error.ts'
import { showFinding } from '../../src/core/finding.ts'
import { discover } from '../../src/extension/discover.ts'
import { defaultLayouts, layoutsWith } from '../../src/extension/kinds.ts'
import { folderTree } from '../../src/tree/folder.ts'
import { parseVersion } from '../../src/version/version.ts'
import { includes } from '../../src/version/version-set.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-workspace-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const examples = fileURLToPath(new URL('../../examples', import.meta.url))
const home = '/home/robin'

const read = (text: string, options: Partial<WorkspaceOptions> = {}) =>
  readWorkspace(text, { name: 'w.yaml', root: '/ws' }, { home, ...options })

/** A workspace with these lines below `dependencies`. */
const below = (...lines: string[]) => `dependencies:\n${lines.map((line) => `  ${line}\n`).join('')}`

const taskservs = (...entries: string[]) =>
  below('extensions:', '  modules:', '    taskservs:', ...entries.map((one) => `      - ${one}`))

/** What the one entry of a workspace says. */
function one(entry: string, options: Partial<WorkspaceOptions> = {}, more: string[] = []) {
  const text = below(
    'extensions:',
    ...more.map((line) => `  ${line}`),
    '  modules:',
    `    taskservs: [${JSON.stringify(entry)}]`,
  )
  const [module] = read(text, options).modules
  return { name: module?.name, text: module?.text, source: module?.source }
}

function failure(text: string, options: Partial<WorkspaceOptions> = {}): string[] {
  try {
    read(text, options)
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'WORKSPACE_INVALID' && error.exit === 2)
      return error.findings.filter(({ level }) => level === 'error').map(showFinding)
    throw error
  }
  return []
}

const warnings = (text: string) => read(text).findings.map(showFinding)

describe('the example', () => {
  it('is found from the folder above it and from itself, with the same result', async () => {
    const above = await loadWorkspace(examples, { home })
    const itself = await loadWorkspace(join(examples, 'workspace'), { home })
    expect(above?.root).toBe(join(examples, 'workspace'))
    expect(itself?.root).toBe(above?.root)
    expect(above?.file).toBe('workspace/config/provisioning.yaml')
    expect(itself?.file).toBe('config/provisioning.yaml')
    expect(itself?.findings).toEqual([])
    expect(itself?.modules.map(({ source }) => source)).toEqual(above?.modules.map(({ source }) => source))
  })

  it('says what the workspace wants, and where it is', async () => {
    const workspace = await loadWorkspace(join(examples, 'workspace'), { home })
    const repository = (name: string) => ({
      type: 'oci',
      host: 'localhost:5000',
      repository: `provisioning-extensions/${name}`,
    })
    expect(workspace?.modules.map(({ kind, id, text, source }) => [kind, id, text, source])).toEqual([
      ['provider', 'upcloud', '^1.6', repository('upcloud')],
      ['provider', 'local', '*', repository('local')],
      ['taskserv', 'kubernetes', '^1.28', repository('kubernetes')],
      ['taskserv', 'cilium', '>=1.15 <1.17', repository('cilium')],
      ['cluster', 'web', '2.1.0', repository('web')],
    ])
    expect(workspace?.core).toMatchObject({
      text: 'v3.5.0',
      version: '3.5.0',
      source: { type: 'oci', host: 'localhost:5000', repository: 'provisioning-core' },
    })
    const tokenPath = `${home}/.provisioning/tokens/oci`
    expect(workspace?.registry).toEqual({
      host: 'localhost:5000',
      plainHttp: true,
      tokenPath,
      namespaces: {
        extensions: 'provisioning-extensions',
        kcl: 'provisioning-kcl',
        platform: 'provisioning-platform',
        test: 'provisioning-test',
      },
    })
    expect([...(workspace?.hosts ?? [])]).toEqual([['localhost:5000', { plainHttp: true, tokenPath }]])
  })

  it('names extensions that the example repository has, in versions that fit', async () => {
    const workspace = await loadWorkspace(join(examples, 'workspace'), { home })
    const { packages } = await discover(folderTree(join(examples, 'provisioning-extensions')), defaultLayouts)
    const kinds = new Map(packages.map(({ name, kind }) => [name, kind]))
    for (const { name, kind } of workspace?.modules ?? [])
      expect([name, kinds.get(name)]).toEqual([name, kind])
    expect(workspace?.modules.length).toBe(5)
  })
})

describe('entries', () => {
  const oci = (repository: string, host = 'ghcr.io') => ({ type: 'oci', host, repository })
  const digest = `sha256:${'a'.repeat(64)}`

  it.each([
    ['oci://ghcr.io/acme/kubernetes:1.28.0', '1.28.0', oci('acme/kubernetes')],
    ['oci://ghcr.io/acme/ext/kubernetes:^1.28', '^1.28', oci('acme/ext/kubernetes')],
    ['oci://localhost:5000/kubernetes:>=1.7 <2', '>=1.7 <2', oci('kubernetes', 'localhost:5000')],
    ['oci://[::1]:5000/kubernetes:1.x || 2.x', '1.x || 2.x', oci('kubernetes', '[::1]:5000')],
    ['oci://ghcr.io/acme/kubernetes', '*', oci('acme/kubernetes')],
    ['layout:out#ext/kubernetes:^1', '^1', { type: 'layout', path: '/ws/out', repository: 'ext/kubernetes' }],
    ['layout:../kubernetes:^1', '^1', { type: 'layout', path: '/kubernetes', repository: '' }],
    ['archive:~/x.tar#kubernetes', '*', { type: 'archive', path: `${home}/x.tar`, repository: 'kubernetes' }],
    ['./extensions/kubernetes', '*', { type: 'folder', path: '/ws/extensions/kubernetes' }],
    ['../kubernetes', '*', { type: 'folder', path: '/kubernetes' }],
    ['~/src/kubernetes/', '*', { type: 'folder', path: `${home}/src/kubernetes` }],
    ['path:/srv/kubernetes', '*', { type: 'folder', path: '/srv/kubernetes' }],
    [
      `https://example.org/x/kubernetes-1.28.0-rc.1.tar.gz#${digest}`,
      '1.28.0-rc.1',
      { type: 'tarball', url: 'https://example.org/x/kubernetes-1.28.0-rc.1.tar.gz', digest },
    ],
  ])('%s', (entry, text, source) => {
    expect(one(entry)).toEqual({ name: 'kubernetes', text, source })
  })

  const git = (url: string, tag = 'taskservs/kubernetes/v{version}') => ({ type: 'git', url, tag })

  it.each([
    [
      'git+https://example.org/a/ext.git#taskservs/kubernetes/v1.28.0',
      '1.28.0',
      git('https://example.org/a/ext.git'),
    ],
    [
      'git+ssh://git@example.org/a/ext#taskservs/kubernetes:^1.28',
      '^1.28',
      git('ssh://git@example.org/a/ext'),
    ],
    ['gitea://git.example.org/a/ext#taskservs/kubernetes', '*', git('https://git.example.org/a/ext')],
    [
      'gitea://localhost:3000/a/ext#taskservs/orchestration/kubernetes/v1.28.0-rc.1',
      '1.28.0-rc.1',
      git('http://localhost:3000/a/ext', 'taskservs/orchestration/kubernetes/v{version}'),
    ],
    [
      'gitea://git.example.org/a/kubernetes.git:~1.28',
      '~1.28',
      git('https://git.example.org/a/kubernetes.git'),
    ],
  ])('%s', (entry, text, source) => {
    expect(one(entry)).toEqual({ name: 'kubernetes', text, source })
  })

  it('of gitea without a host use the configured one', () => {
    const giteaUrl = 'http://git.example.org:3000/org/'
    const url = 'http://git.example.org:3000/org/kubernetes'
    expect(one('gitea://kubernetes:^1', { giteaUrl }).source).toEqual(git(url))
    expect(one('gitea://git.example.org:3000/org/kubernetes', { giteaUrl }).source).toEqual(git(url))
    expect(failure(taskservs('gitea://kubernetes'))).toEqual([
      'w.yaml:5:11: error: dependencies.extensions.modules.taskservs[0] "gitea://kubernetes" names no host ' +
        '(Set gitea.url in slipway.yaml, or write gitea://HOST/OWNER/REPOSITORY.) [WORKSPACE_GITEA_URL_MISSING]',
    ])
  })

  it('that are only a name take the registry of extensions, else that of the workspace', () => {
    const own = ['oci: {registry: "https://ghcr.io", namespace: acme/ext}']
    expect(one('kubernetes:^1.28', {}, own)).toEqual({
      name: 'kubernetes',
      text: '^1.28',
      source: oci('acme/ext/kubernetes'),
    })
    const shared = `${taskservs('kubernetes')}registry: {oci: {endpoint: ghcr.io, namespaces: {extensions: shared/ext}}}`
    expect(read(shared).modules[0]?.source).toEqual(oci('shared/ext/kubernetes'))
    expect(failure(taskservs('kubernetes'))).toEqual([
      expect.stringContaining('[WORKSPACE_REGISTRY_MISSING]'),
    ])
  })

  it('without a scheme are paths where source_type is local', () => {
    expect(one('extensions/taskservs/kubernetes', {}, ['source_type: local']).source).toEqual({
      type: 'folder',
      path: '/ws/extensions/taskservs/kubernetes',
    })
    expect(failure(below('extensions:', '  source_type: gitea', '  modules: {taskservs: [x]}'))).toEqual([
      expect.stringContaining('has no scheme (With source_type gitea, write gitea://'),
    ])
  })

  it('follow the repositories and git tags of slipway.yaml', () => {
    const layouts = layoutsWith({
      taskserv: { repository: 'ext-{name}', gitTag: '{name}@{version}', prefix: 'ts' },
    })
    expect(one('oci://ghcr.io/acme/ext-redis:^7', { layouts }).name).toBe('redis')
    const own = ['oci: {registry: ghcr.io, namespace: acme}']
    expect(one('redis', { layouts }, own).source).toEqual(oci('acme/ts/ext-redis'))
    expect(one('git+https://example.org/x#redis@7.4.1', { layouts })).toEqual({
      name: 'redis',
      text: '7.4.1',
      source: git('https://example.org/x', 'redis@{version}'),
    })
  })

  it('admit prereleases as node-semver does, and whatever a folder holds', () => {
    const sets = ['oci://h/a/x:>=1.2.3-rc.1', './y'].map((entry) => read(taskservs(entry)).modules[0]?.set)
    const admits = sets.map((set) =>
      ['1.2.3-rc.2', '1.2.4-rc.1', '1.2.4'].map((text) => set && includes(set, parseVersion(text))),
    )
    expect(admits).toEqual([
      [true, false, true],
      [true, true, true],
    ])
  })

  it.each([
    ['oci://ghcr.io', 'names no repository'],
    ['oci:///x', 'is not a host'],
    ['oci://ghcr.io/Acme/x', 'for a repository'],
    ['oci://ghcr.io/acme/x:one', 'is not a version range (Write a range such as'],
    ['oci://ghcr.io/acme/x:latest', 'wants latest, which is no version (Write * for any version.)'],
    [`oci://ghcr.io/acme/x@${digest}`, 'names a digest (Write the version'],
    ['oci://ghcr.io/acme/core:1.0.0', 'is named core'],
    ['localhost:5000/ext/x:1.0.0', 'has no scheme (Did you mean oci://localhost:5000/ext/x:1.0.0?)'],
    ['ftp://example.org/x', 'knows no scheme ftp'],
    ['s3://example/x', 'knows no scheme s3'],
    ['path:', 'names no path'],
    ['git+ssh://-oProxyCommand=id/x#taskservs/x', 'is not a URL with a host'],
    ['Kubernetes', 'where the name stands'],
    ['archive:x.tar', 'does not say which repository'],
    ['layout:#x', 'names no path'],
    ['https://example.org/x-1.0.0.tar.gz', 'has no digest (Write #sha256:'],
    ['https://example.org/x-1.0.0.tar.gz#sha256:abc', 'cannot be read'],
    [`https://example.org/x.tar.gz#${digest}`, 'does not tell name and version'],
    [`https://example.org/x-1.0.0.tar.gz?token=1#${digest}`, 'holds a user, a password or a query'],
    [
      'git+https://example.org/a/b#providers/aws/v1.0.0',
      'of a provider where a taskserv stands (Those of a taskserv look like taskservs/NAME/v{version}.)',
    ],
    ['git+https://example.org/a/b#a/b/c/d:^1', 'which names no git tags'],
    ['git+https://example.org/a/b#taskservs/x/1.0.0', 'Did you mean taskservs/x/v1.0.0?'],
    ['git+https://example.org#taskservs/x', 'names no repository'],
    ['git+file:///srv/x#taskservs/x', 'knows no scheme git+file'],
    ['gitea://git.example.org/-/$(x)#taskservs/x', 'names no repository'],
  ])('%s is refused with what to write', (entry, expected) => {
    expect(failure(taskservs(JSON.stringify(entry)))).toEqual([expect.stringContaining(expected)])
  })

  it.each([
    'oci://user:hunter2@ghcr.io/acme/x',
    'https://user:hunter2@example.org/x-1.0.0.tar.gz',
    'git+https://user:hunter2@example.org/a/b#taskservs/x',
    'git+ssh://git:hunter2@example.org/a/b#taskservs/x',
    'user:hunter2@ghcr.io/acme/x',
  ])('%s is refused without telling the password', (entry) => {
    const told = failure(taskservs(JSON.stringify(entry)))
    expect(told).toHaveLength(1)
    expect(told[0]).not.toContain('hunter2')
  })
})

describe('the core', () => {
  const core = (source: string, options: Partial<WorkspaceOptions> = {}) =>
    read(below(`core: {source: ${JSON.stringify(source)}}`), options).core

  it('is a version, a range or whatever there is', () => {
    expect(core('oci://ghcr.io/acme/provisioning-core:v3.5.0')).toMatchObject({
      version: '3.5.0',
      text: 'v3.5.0',
    })
    expect(core('oci://ghcr.io/acme/provisioning-core:3.5.0-rc.1')).toMatchObject({ version: '3.5.0-rc.1' })
    expect(core('oci://ghcr.io/acme/provisioning-core:^3.5')).not.toHaveProperty('version')
    const { set } = core('oci://ghcr.io/acme/provisioning-core:^3.5') ?? {}
    expect(['3.6.0', '4.0.0'].map((text) => set && includes(set, parseVersion(text)))).toEqual([true, false])
    expect(core('oci://ghcr.io/acme/provisioning-core')).toMatchObject({ text: '*' })
  })

  it('has a scheme, whatever source_type says of extensions', () => {
    for (const type of ['oci', 'local', 'gitea'])
      expect(
        failure(below('core: {source: 3.5.0}', `extensions: {source_type: ${type}, oci: {registry: h}}`)),
      ).toEqual([
        expect.stringContaining('"3.5.0" has no scheme (Write oci://HOST/NAMESPACE/provisioning-core:v'),
      ])
  })

  it('comes from git too', () => {
    const source = { type: 'git', url: 'https://git.example.org/provisioning', tag: 'v{version}' }
    const giteaUrl = 'https://git.example.org'
    expect(core('gitea://provisioning#v3.5.0', { giteaUrl })).toMatchObject({ version: '3.5.0', source })
    expect(core('gitea://provisioning:v3.5.0', { giteaUrl })).toMatchObject({ version: '3.5.0', source })
    expect(core('gitea://provisioning', { giteaUrl })).toMatchObject({ text: '*', source })
  })
})

describe('the registry', () => {
  const registry = (endpoint: string, more = '') =>
    read(`registry: {type: oci, oci: {endpoint: ${JSON.stringify(endpoint)}${more}}}`)

  it.each([
    ['ghcr.io', '', 'ghcr.io', false, undefined],
    ['localhost:5000', '', 'localhost:5000', true, undefined],
    ['localhost:5000', ', tls_enabled: true', 'localhost:5000', false, false],
    ['ghcr.io', ', tls_enabled: false', 'ghcr.io', true, true],
    ['http://ghcr.io/', ', tls_enabled: true', 'ghcr.io', true, true],
    ['https://localhost:5000', ', tls_enabled: false', 'localhost:5000', false, false],
    ['oci://GHCR.io', ', tls_enabled: false', 'ghcr.io', true, true],
  ])('%s%s', (endpoint, more, host, plainHttp, said) => {
    const workspace = registry(endpoint, more)
    expect(workspace.registry).toMatchObject({ host, plainHttp, namespaces: {} })
    expect(workspace.hosts.get(host.toLowerCase())?.plainHttp).toBe(said)
  })

  it.each(['ghcr.io/acme', 'ftp://ghcr.io', '', 'a b', 'https://user:hunter2@ghcr.io', 'ghcr.io:99999'])(
    '%j is no endpoint',
    (endpoint) => {
      const told = failure(`registry: {oci: {endpoint: ${JSON.stringify(endpoint)}}}`)
      expect(told).toHaveLength(1)
      expect(told[0]).toMatch(/^w\.yaml:1:28: error: .*(is not HOST\[:PORT\]|must not be empty)/)
      expect(told[0]).not.toContain('hunter2')
    },
  )

  it('tells its token by path: absolute, from home or from the workspace', () => {
    const path = (text: string) => registry('ghcr.io', `, auth_token_path: ${text}`).registry?.tokenPath
    expect(path('/run/secrets/oci')).toBe('/run/secrets/oci')
    expect(path('~/tokens/oci')).toBe('/home/robin/tokens/oci')
    expect(path('config/../token')).toBe('/ws/token')
    expect(registry('ghcr.io').registry).not.toHaveProperty('tokenPath')
  })

  it('has namespaces with slashes', () => {
    const own = registry('ghcr.io', ', namespaces: {extensions: acme/ext, test: a/b/c}').registry
    expect(own?.namespaces).toEqual({ extensions: 'acme/ext', test: 'a/b/c' })
    expect(failure('registry: {oci: {endpoint: h, namespaces: {kcl: A/b}}}')).toEqual([
      expect.stringContaining('registry.oci.namespaces.kcl is not a part of a repository'),
    ])
  })

  it('under dependencies wins as a whole, and what it hides is told', () => {
    const text = [
      'dependencies: {registry: {type: oci, oci: {endpoint: ghcr.io, namespaces: {kcl: a}}}}',
      'registry: {type: oci, oci: {endpoint: ghcr.io, auth_token_path: t, namespaces: {kcl: b}}}',
    ].join('\n')
    const workspace = read(text)
    // The token was meant for the other block's registry.
    expect(workspace.registry).toEqual({ host: 'ghcr.io', plainHttp: false, namespaces: { kcl: 'a' } })
    expect(workspace.findings.map(showFinding)).toEqual([
      expect.stringMatching(
        /^w.yaml:2:65: warning: registry.oci.auth_token_path is not used.*WORKSPACE_SETTING_HIDDEN/,
      ),
      expect.stringMatching(
        /^w.yaml:2:86: warning: registry.oci.namespaces.kcl is not used.*WORKSPACE_SETTING_HIDDEN/,
      ),
    ])
  })

  it('may stand in both places where they agree', () => {
    const block = 'registry: {type: oci, oci: {endpoint: ghcr.io}}'
    const workspace = read(`${below(block)}${block}\n`)
    expect(workspace.registry?.host).toBe('ghcr.io')
    expect(workspace.findings).toEqual([])
  })

  it('cannot speak HTTP in one place and HTTPS in the other', () => {
    const text = `${below('extensions: {oci: {registry: ghcr.io, tls_enabled: true}}')}registry: {oci: {endpoint: "http://GHCR.io"}}`
    expect(failure(text)).toEqual([
      'w.yaml:3:28: error: ghcr.io speaks HTTP here, but not in w.yaml:2:54 ' +
        '(Say the same in both places.) [WORKSPACE_TLS_CONTRADICTION]',
    ])
  })

  it('gets one token, and the other place that names one is told', () => {
    const text = `${below('extensions: {oci: {registry: ghcr.io, auth_token_path: /a}}')}platform: {oci: {registry: ghcr.io, auth_token_path: /b}}`
    expect(read(text).hosts.get('ghcr.io')).toEqual({ tokenPath: '/a' })
    expect(warnings(text)).toEqual([expect.stringContaining('[WORKSPACE_TOKEN_HIDDEN]')])
    expect(warnings(text.replace('/b', '/a'))).toEqual([])
  })

  it('that is broken is told once, not at every name too', () => {
    const text = `${taskservs('x', 'y')}registry: {oci: {endpoint: a/b, namespaces: {extensions: e}}}`
    expect(failure(text)).toEqual([expect.stringContaining('[WORKSPACE_REGISTRY_INVALID]')])
  })
})

describe('the file', () => {
  it('may have keys that others know, which are told', () => {
    expect(warnings('name: staging\ndependencies: {extension: {}}\n')).toEqual([
      expect.stringContaining('w.yaml:1:1: warning: The key name is unknown'),
      expect.stringContaining('(Did you mean extensions?) [WORKSPACE_KEY_UNKNOWN]'),
    ])
  })

  it('tells all that is wrong at once, each with its place', () => {
    const text = `${taskservs('Upper', 'oci://h/x:nope')}registry: {oci: {endpoint: a/b}}\n`
    expect(failure(text).map((line) => line.split(': ')[0])).toEqual([
      'w.yaml:5:11',
      'w.yaml:6:11',
      'w.yaml:7:28',
    ])
  })

  it('names one package once', () => {
    const conflicting = taskservs('oci://h/a/x:^1', 'oci://h/a/x:^2')
    expect(failure(conflicting)).toEqual([
      'w.yaml:6:11: error: x is wanted as taskserv "oci://h/a/x:^2" here, but as taskserv "oci://h/a/x:^1" in ' +
        'w.yaml:5:11 (There is one version of a package, and one package of a name: keep one entry.) ' +
        '[WORKSPACE_MODULE_CONFLICT]',
    ])
    expect(failure(taskservs('oci://h/a/x:^1', 'oci://h/b/x:^1'))).toHaveLength(1)
    expect(
      failure(below('extensions: {modules: {providers: ["oci://h/a/x"], clusters: ["oci://h/a/x"]}}')),
    ).toHaveLength(1)
    const twice = taskservs('oci://h/a/x:^1', 'oci://h/a/x:>=1.0.0 <2.0.0-0')
    expect(read(twice).modules).toHaveLength(1)
    expect(warnings(twice)).toEqual([
      'w.yaml:6:11: warning: x stands here a second time; first in w.yaml:5:11 (Keep one of them.) ' +
        '[WORKSPACE_MODULE_DUPLICATE]',
    ])
  })

  it.each([
    ['control characters', taskservs('"oci://h/x:1\\e[31m"'), 'must be one line without control characters'],
    ['long lists', taskservs(...Array.from({ length: 1001 }, (_, at) => `./x${at}`)), 'at most 1000 entries'],
    ['long entries', taskservs(`./${'x'.repeat(1000)}`), 'must be at most 1000 characters'],
    [
      'lists without entries',
      below('extensions: {modules: {clusters: }}'),
      'must be a list, but is empty (For ex',
    ],
    ['entries that are mappings', taskservs('redis: ^7'), 'must be text, but is a mapping'],
    ['aliases', 'a: &a 1\nb: *a', 'YAML_ALIAS'],
    ['__proto__', '__proto__: {dependencies: {}}', 'YAML_KEY_FORBIDDEN'],
    ['another source_type', below('extensions: {source_type: github}'), 'must be oci or gitea or local'],
  ])('with %s is refused', (_, text, expected) => {
    expect(failure(text)).toEqual([expect.stringContaining(expected)])
  })

  it('is read fast whatever it says', () => {
    const start = performance.now()
    const long = ['||'.repeat(100), '>=1 '.repeat(60), '-'.repeat(900), '1.'.repeat(120)]
    failure(
      taskservs(
        ...Array.from({ length: 1000 }, (_, at) => `oci://h/x${at}:${long[at % long.length]?.slice(0, 200)}`),
      ),
    )
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  it('may be named, and is missed only then', async () => {
    const path = join(scratch, 'elsewhere.yaml')
    expect(await loadWorkspace(scratch, { home })).toBeUndefined()
    await expect(loadWorkspace(scratch, { home }, path)).rejects.toMatchObject({
      code: 'WORKSPACE_MISSING',
      exit: 2,
    })
    writeFileSync(path, taskservs('./x'))
    expect((await loadWorkspace(scratch, { home }, path))?.modules[0]).toMatchObject({
      origin: 'elsewhere.yaml:5:11',
      source: { path: join(scratch, 'x') },
    })
  })

  it('that cannot be read, or is too large, is an error', async () => {
    mkdirSync(join(scratch, 'config/provisioning.yaml'), { recursive: true })
    await expect(loadWorkspace(scratch, { home })).rejects.toMatchObject({
      code: 'WORKSPACE_UNREADABLE',
      exit: 2,
    })
    const path = join(scratch, 'large.yaml')
    writeFileSync(path, ' '.repeat(300_000))
    await expect(loadWorkspace(scratch, { home }, path)).rejects.toMatchObject({
      code: 'WORKSPACE_UNREADABLE',
    })
  })
})

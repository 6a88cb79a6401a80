import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { SlipwayError } from '../../src/core/error.ts'
import { showFinding } from '../../src/core/finding.ts'
import { type Event, silent } from '../../src/core/report.ts'
import { defaultLayouts } from '../../src/extension/kinds.ts'
import { parseTarget } from '../../src/store/address.ts'
import { type WorkspaceMigrateOptions, workspaceMigrate } from '../../src/tasks/workspace-migrate.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-migrate-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const extensions = fileURLToPath(new URL('../../examples/provisioning-extensions', import.meta.url))

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(scratch, 'ws-'))
  path = join(directory, 'config/provisioning.yaml')
})

function write(file: string, text: string): void {
  const whole = join(directory, file)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, text)
}

const workspace = (text: string) => write('config/provisioning.yaml', text)
const now = () => readFileSync(path, 'utf8')

function migrate(more: Partial<WorkspaceMigrateOptions> = {}, report = silent) {
  return workspaceMigrate(
    { directory, home: '/home/robin', layouts: defaultLayouts, dryRun: false, ...more },
    { report },
  )
}

async function refusal(more: Partial<WorkspaceMigrateOptions> = {}): Promise<string[]> {
  const before = now()
  const error = await migrate(more).catch((one: unknown) => one)
  expect(error).toMatchObject({ code: 'WORKSPACE_NOT_MIGRATED', exit: 2 })
  expect(now()).toBe(before)
  return error instanceof SlipwayError ? error.findings.map(showFinding) : []
}

/** A workspace of the example's extensions: folders by absolute path, by relative path, and in git. */
const mixed = () => `# Staging.
dependencies:
  extensions:
    source_type: "local" # not published yet
    oci:
      registry: localhost:5000
      namespace: provisioning-extensions
    modules:
      providers:
        - ${extensions}/providers/aws   # Frankfurt
        - oci://ghcr.io/acme/upcloud:^1.6
      taskservs:

        - 'gitea://git.example.org/acme/ext#taskservs/etcd/v3.5.16'
        - "own/kubernetes"
        - git+https://git.example.org/acme/ext#taskservs/redis:>=7.2 <8
      clusters: [ ${extensions}/clusters/web ] # one
`

describe('migrating a workspace', () => {
  it('makes references of folders and git, and changes nothing else', async () => {
    workspace(mixed())
    write(
      'own/kubernetes/manifest.yaml',
      readFileSync(join(extensions, 'taskservs/kubernetes/manifest.yaml'), 'utf8'),
    )
    const result = await migrate()
    const oci = 'oci://localhost:5000/provisioning-extensions'
    expect(now()).toBe(
      mixed()
        .replace('"local"', '"oci"')
        .replace(`${extensions}/providers/aws`, `${oci}/aws:2.4.0`)
        .replace('gitea://git.example.org/acme/ext#taskservs/etcd/v3.5.16', `${oci}/etcd:3.5.16`)
        .replace('own/kubernetes', `${oci}/kubernetes:1.28.0`)
        .replace('git+https://git.example.org/acme/ext#taskservs/redis:>=7.2 <8', `${oci}/redis:>=7.2 <8`)
        .replace(`${extensions}/clusters/web`, `${oci}/web:2.1.0`),
    )
    expect(result).toMatchObject({ file: 'config/provisioning.yaml', written: true })
    expect(result.changes.map(({ name, origin }) => `${name} ${origin.split(':')[1]}`)).toEqual([
      'aws 10',
      'etcd 14',
      'kubernetes 15',
      'redis 16',
      'web 17',
    ])
    expect(result.changes[1]).toEqual({
      name: 'etcd',
      origin: 'config/provisioning.yaml:14:11',
      before: 'gitea://git.example.org/acme/ext#taskservs/etcd/v3.5.16',
      after: `${oci}/etcd:3.5.16`,
    })
    expect(result.diff).toContain(
      [
        '--- a/config/provisioning.yaml',
        '+++ b/config/provisioning.yaml',
        '@@ -1,17 +1,17 @@',
        ' # Staging.',
        ' dependencies:',
        '   extensions:',
        '-    source_type: "local" # not published yet',
        '+    source_type: "oci" # not published yet',
      ].join('\n'),
    )
  })

  it('changes nothing the second time', async () => {
    workspace(mixed().replace('        - "own/kubernetes"\n', ''))
    expect((await migrate()).written).toBe(true)
    const [text, { mtimeMs, ino }] = [now(), statSync(path)]
    expect(await migrate()).toEqual({
      file: 'config/provisioning.yaml',
      changes: [],
      diff: '',
      written: false,
    })
    expect(now()).toBe(text)
    expect(statSync(path)).toMatchObject({ mtimeMs, ino })
  })

  it('tells the same and writes nothing in a dry run', async () => {
    const text = mixed().replace('        - "own/kubernetes"\n', '')
    workspace(text)
    const rehearsed = await migrate({ dryRun: true })
    expect(rehearsed.written).toBe(false)
    expect(now()).toBe(text)
    expect(await migrate()).toEqual({ ...rehearsed, written: true })
  })

  it('goes to a target that is named, and needs one', async () => {
    const modules = `dependencies: {extensions: {modules: {providers: ["${extensions}/providers/aws"]}}}\n`
    workspace(modules)
    await expect(migrate()).rejects.toMatchObject({ code: 'WORKSPACE_TARGET_MISSING', exit: 2 })
    await expect(migrate({ target: parseTarget('layout:/x') })).rejects.toMatchObject({
      code: 'WORKSPACE_TARGET_MISSING',
    })
    expect(now()).toBe(modules)
    await migrate({ target: parseTarget('oci://ghcr.io/acme/ext') })
    expect(now()).toBe(modules.replace(`${extensions}/providers/aws`, 'oci://ghcr.io/acme/ext/aws:2.4.0'))
  })

  it('takes the namespace of extensions where the workspace has a registry', async () => {
    workspace(
      `dependencies: {extensions: {modules: {providers: ["${extensions}/providers/aws"]}}}\n` +
        'registry: {oci: {endpoint: "http://localhost:5000", namespaces: {extensions: a/b}}}\n',
    )
    expect((await migrate()).changes[0]?.after).toBe('oci://localhost:5000/a/b/aws:2.4.0')
  })

  it('tells the warnings of the workspace', async () => {
    workspace('name: staging\ndependencies: {}\n')
    const events: Event[] = []
    await migrate({}, { emit: (event) => events.push(event), secret() {} })
    expect(events).toEqual([
      { type: 'finding', finding: expect.objectContaining({ code: 'WORKSPACE_KEY_UNKNOWN' }) },
    ])
  })

  it('refuses the whole where one version is not told, and names every such line', async () => {
    write('x/manifest.yaml', 'name: x\ntype: taskserv\nversion: 1.0\n')
    write('y/manifest.yaml', 'name: other\ntype: taskserv\nversion: 1.0.0\n')
    write('z/manifest.yaml', 'name: z\ntype: cluster\nversion: 1.0.0\n')
    mkdirSync(join(directory, 'link'))
    symlinkSync(join(directory, 'y/manifest.yaml'), join(directory, 'link/manifest.yaml'))
    workspace(
      [
        'dependencies:',
        '  extensions:',
        '    oci: {registry: ghcr.io, namespace: acme}',
        '    modules:',
        `      providers: [${extensions}/providers/aws]`,
        '      taskservs:',
        '        - ./missing',
        '        - ./x',
        '        - ./y',
        '        - ./z',
        '        - ./link',
        '        - gitea://git.example.org/acme/ext#taskservs/etcd',
      ].join('\n'),
    )
    expect(await refusal()).toEqual([
      expect.stringMatching(/provisioning.yaml:7:11: error: .*missing.* \[WORKSPACE_VERSION_UNKNOWN\]$/),
      expect.stringMatching(
        /:8:11: error: The manifest.yaml of x has errors: version must be text, but is the number 1.0/,
      ),
      expect.stringMatching(/:9:11: error: .* is that of the taskserv other, not of the taskserv y/),
      expect.stringMatching(/:10:11: error: .* is that of the cluster z, not of the taskserv z/),
      expect.stringMatching(/:11:11: error: .* is a symbolic link/),
      expect.stringMatching(/:12:11: error: Nothing tells the version of etcd \(Name the git tag/),
    ])
  })

  it('refuses an entry that stands there twice, since only one of them would change', async () => {
    workspace(
      `dependencies: {extensions: {oci: {registry: h}, modules: {providers: ["${extensions}/providers/aws", "path:${extensions}/providers/aws"]}}}`,
    )
    expect(await refusal()).toEqual([
      expect.stringMatching(/error: aws stands here a second time.*MODULE_DUPLICATE/),
    ])
  })

  it('misses a workspace that is not there', async () => {
    await expect(migrate()).rejects.toMatchObject({ code: 'WORKSPACE_MISSING', exit: 2 })
  })

  it('keeps the file’s mode, a link to it, its line ends and its byte order mark', async () => {
    const text = `\uFEFFdependencies:\r\n  extensions: {oci: {registry: h}, modules: {providers: ["${extensions}/providers/aws"]}}`
    write('real/file.yaml', text)
    const real = join(directory, 'real/file.yaml')
    chmodSync(real, 0o640)
    mkdirSync(dirname(path))
    symlinkSync(real, path)
    await migrate()
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    expect(readFileSync(real, 'utf8')).toBe(text.replace(`${extensions}/providers/aws`, 'oci://h/aws:2.4.0'))
    expect(statSync(real).mode & 0o777).toBe(0o640)
    expect(readdirSync(dirname(real))).toEqual(['file.yaml'])
  })

  it('says where it cannot write, and leaves nothing there', async () => {
    workspace(mixed().replace('        - "own/kubernetes"\n', ''))
    // The new file stands beside the old one under a longer name, which no file system takes here.
    const long = join(dirname(path), 'x'.repeat(250))
    renameSync(path, long)
    const before = readFileSync(long, 'utf8')
    await expect(migrate({ file: long })).rejects.toMatchObject({ code: 'WORKSPACE_NOT_WRITABLE', exit: 1 })
    expect(readFileSync(long, 'utf8')).toBe(before)
    expect(readdirSync(dirname(path))).toEqual(['x'.repeat(250)])
  })
})

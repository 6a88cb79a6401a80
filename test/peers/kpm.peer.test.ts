import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git, write } from './generated.ts'
import { packed, patterns } from './kcl-patterns.ts'
import { peer, peerOrSkip, type RunningRegistry, type RunResult, run, startRegistry } from './registries.ts'
import { outcomes, release, slipway } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const kpm = peerOrSkip('kpm')
const versions = { network: '0.2.0', fleet: '0.1.0', patterns: '1.0.0' }
type Name = keyof typeof versions
const names = Object.keys(versions) as Name[]
const tags = names.map((name) => `kcl/${name}/v${versions[name]}`)

/** Compiles a program against the folders into which kpm put its dependencies. */
const compiler = `
import os, sys
from kcl_lib import api
program, folder = sys.argv[1:]
packages = [api.ExternalPkg(pkg_name=one.rpartition('_')[0], pkg_path=os.path.join(folder, one))
            for one in os.listdir(folder) if os.path.exists(os.path.join(folder, one, 'kcl.mod'))]
result = api.API().exec_program(api.ExecProgramArgs(k_filename_list=[program], external_pkgs=packages))
if result.err_message: sys.exit(result.err_message)
print(result.json_result)
`

interface Manifest {
  readonly annotations: Record<string, string>
  readonly layers: readonly { readonly digest: string; readonly size: number }[]
}

describe.skipIf(kpm.path === undefined)(
  `kpm beside Slipway${kpm.reason === undefined ? '' : ` (${kpm.reason})`}`,
  () => {
    let scratch: string
    let repository: string
    let registry: RunningRegistry

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'slipway-kpm-'))
      registry = await startRegistry('distribution2')
      repository = join(scratch, 'repository')
      await cp(examples, repository, { recursive: true, filter: (path) => !path.endsWith('.slipway') })
      await write(join(repository, 'kcl/patterns'), patterns)
      git(repository, ['init', '-q', '-b', 'main'])
      commit(repository, tags)
      const result = await release([...tags, '-C', repository, '--to', `oci://${registry.url}`])
      expect(result, result.stderr).toMatchObject({ code: 0 })
      expect(outcomes(result)).toEqual(['published'])
      for (const name of names)
        await client(['push', `oci://${registry.url}/theirs/provisioning-kcl/${name}`], {
          cwd: join(repository, 'kcl', name),
        })
    })
    afterAll(async () => {
      await registry?.stop()
      await rm(scratch, { recursive: true, force: true })
    })

    interface ClientOptions {
      readonly cwd?: string
      /** Where kpm looks for what is asked for by name. */
      readonly prefix?: 'provisioning-kcl' | 'theirs/provisioning-kcl'
      /** Takes the sum from the manifest and never looks at the files, which is what kpm does by default. */
      readonly unchecked?: boolean
    }

    async function attempt(args: readonly string[], options: ClientOptions = {}): Promise<RunResult> {
      const { cwd = scratch, prefix = 'provisioning-kcl', unchecked = false } = options
      const env = {
        HOME: scratch,
        KCL_PKG_PATH: join(scratch, 'packages', prefix),
        KPM_REG: registry.url,
        KPM_REPO: prefix,
        OCI_REG_PLAIN_HTTP: 'on',
        KPM_FEATURE_GATES: `SupportModCheck=${!unchecked}`,
      }
      await mkdir(env.KCL_PKG_PATH, { recursive: true })
      return run(kpm.path ?? '', args, { cwd, env, timeout: 240_000 })
    }

    async function client(args: readonly string[], options?: ClientOptions): Promise<string> {
      const result = await attempt(args, options)
      expect(result, `kpm ${args.join(' ')}: ${result.stdout}${result.stderr}`).toMatchObject({ code: 0 })
      return result.stdout
    }

    async function manifest(repository: string, tag: string): Promise<Manifest> {
      const url = `http://${registry.url}/v2/${repository}/manifests/${tag}`
      const response = await fetch(url, { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } })
      expect(response.status).toBe(200)
      return (await response.json()) as Manifest
    }

    /** Both manifests of a package, without what differs by where and when it was packed. */
    async function manifests(name: Name) {
      const both = ['theirs/provisioning-kcl', 'provisioning-kcl'].map(async (prefix) => {
        const { layers, annotations, ...rest } = await manifest(`${prefix}/${name}`, versions[name])
        const { 'org.opencontainers.image.created': created, ...told } = annotations
        expect(created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        return { ...rest, annotations: told, layers: layers.map(({ digest, size, ...more }) => more) }
      })
      const [theirs, ours] = await Promise.all(both)
      if (theirs === undefined || ours === undefined) throw new Error('unreachable')
      return { theirs, ours }
    }

    it('writes the manifest that we write, the sum among it', async () => {
      for (const name of ['network', 'fleet'] as const) {
        const { theirs, ours } = await manifests(name)
        expect(ours).toEqual(theirs)
      }
      const { theirs, ours } = await manifests('patterns')
      const sum = { 'org.kcllang.package.sum': expect.any(String) }
      expect(ours).toEqual({ ...theirs, annotations: { ...theirs.annotations, ...sum } })
      // kpm's own is of the folder, ours of what is in the archive.
      expect(ours.annotations).not.toEqual(theirs.annotations)
    })

    it('packs the files that we pack, in the order in which we do', async () => {
      for (const name of names) {
        const [theirs, ours] = await Promise.all(
          ['theirs/provisioning-kcl', 'provisioning-kcl'].map((prefix) => archived(prefix, name)),
        )
        expect(ours).toEqual(theirs)
        if (name === 'patterns') expect(ours).toEqual(packed)
      }
    })

    async function archived(prefix: string, name: Name): Promise<string[]> {
      const { layers } = await manifest(`${prefix}/${name}`, versions[name])
      const response = await fetch(`http://${registry.url}/v2/${prefix}/${name}/blobs/${layers[0]?.digest}`)
      const file = join(await mkdtemp(join(scratch, 'archive-')), 'archive.tgz')
      await writeFile(file, new Uint8Array(await response.arrayBuffer()))
      const listed = await run('tar', ['--quoting-style=literal', '-tzf', file])
      expect(listed, listed.stderr).toMatchObject({ code: 0 })
      return listed.stdout.split('\n').filter((line) => line !== '' && !line.endsWith('/'))
    }

    it('pulls our packages with all their files, and finds our sum right', async () => {
      for (const name of names) {
        const folder = join(scratch, 'theirs', name)
        await client(['pull', `${name}:${versions[name]}`, folder])
        // It puts the files into a folder of its own below this one.
        const at = join(folder, registry.url, 'provisioning-kcl', name, versions[name])
        expect(await texts(at)).toEqual(await expected(name))
      }
      // Its own packages with include or exclude do not pass that check.
      const prefix = 'theirs/provisioning-kcl'
      const own = await attempt(['pull', 'patterns:1.0.0', 'own'], { prefix })
      expect(own.stdout + own.stderr).toContain("checksum verification failed for 'patterns'")
    })

    it('adds the newest version of ours, with what that needs, at the sum that we wrote; it compiles', async () => {
      const folder = join(scratch, 'user')
      await write(folder, {
        'kcl.mod': '[package]\nname = "user"\nversion = "1.0.0"\n',
        'main.k': `import fleet
import network
one = fleet.Node {name = "one", address = "10.20.1.1"}
inside = network.contains("10.20.0.0/16", one.address)
`,
      })
      await client(['add', 'fleet'], { cwd: folder })
      expect(await readFile(join(folder, 'kcl.mod'), 'utf8')).toContain('fleet = "0.1.0"')
      const lock = await readFile(join(folder, 'kcl.mod.lock'), 'utf8')
      for (const name of ['fleet', 'network'] as const) {
        const { annotations } = await manifest(`provisioning-kcl/${name}`, versions[name])
        expect(lock).toContain(`full_name = "${name}_${versions[name]}"`)
        expect(lock).toContain(`sum = "${annotations['org.kcllang.package.sum']}"`)
      }
      const args = ['-c', compiler, join(folder, 'main.k'), join(scratch, 'packages/provisioning-kcl')]
      const { stdout, stderr } = await run(peer('python'), args)
      expect(JSON.parse(stdout || stderr)).toMatchObject({ one: { role: 'worker' }, inside: true })
    })

    it('pushes what slipway pulls, with the sum compared where it can be', async () => {
      for (const name of names) {
        const reference = `oci://${registry.url}/theirs/provisioning-kcl/${name}:${versions[name]}`
        const folder = join(scratch, 'pulled', name)
        const pulled = await slipway(['pull', reference, '-o', folder])
        expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
        expect(await texts(folder)).toEqual(await expected(name))
        expect(pulled.stderr.includes('warning[KCL_SUM_UNCHECKED]')).toBe(name === 'patterns')
      }
    })

    it('pushes what slipway solves and installs, kpm’s own notation of dependencies included', async () => {
      const theirs = `oci://${registry.url}/theirs`
      const made = join(scratch, 'made')
      await client(['init', 'made'])
      const there = { cwd: made, prefix: 'theirs/provisioning-kcl', unchecked: true } as const
      await client(['add', 'fleet'], there)
      await client(['add', `${theirs}/provisioning-kcl/patterns?tag=1.0.0`], there)
      await client(['push', `${theirs}/provisioning-kcl/made`], there)
      const workspace = join(scratch, 'workspace')
      const mod = '[package]\nname = "app"\nversion = "1.0.0"\n\n[dependencies]\nmade = "0.0.1"\n'
      await write(join(workspace, 'kcl/app'), { 'kcl.mod': mod })
      const root = join(scratch, 'root')
      await mkdir(root)
      const env = { HOME: scratch }
      const place = ['-C', workspace, '--source', theirs]
      const solved = await slipway(['deps', 'resolve', ...place, '--json'], { env })
      expect(solved, solved.stderr).toMatchObject({ code: 0 })
      const { packages } = JSON.parse(solved.stdout).lock as { packages: { id: string; version: string }[] }
      expect(Object.fromEntries(packages.map(({ id, version }) => [id, version]))).toEqual({
        'kcl:app': '1.0.0',
        'kcl:fleet': '0.1.0',
        'kcl:made': '0.0.1',
        'kcl:network': '0.2.0',
        'kcl:patterns': '1.0.0',
      })
      const installed = await slipway(['install', ...place, '--root', root], { env })
      expect(installed, installed.stderr).toMatchObject({ code: 0 })
      for (const name of names) expect(await texts(join(root, 'kcl', name))).toEqual(await expected(name))
    })

    it('refuses what we packed once its sum is another', async () => {
      const path = 'provisioning-kcl/network'
      const { annotations, ...rest } = await manifest(path, '0.2.0')
      const sum = { 'org.kcllang.package.sum': `${'A'.repeat(43)}=` }
      const put = await fetch(`http://${registry.url}/v2/${path}/manifests/0.2.1`, {
        method: 'PUT',
        headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
        body: JSON.stringify({ ...rest, annotations: { ...annotations, ...sum } }),
      })
      expect(put.status).toBe(201)
      const { stdout, stderr } = await attempt(['pull', 'network:0.2.1', 'changed'])
      expect(stdout + stderr).toContain("checksum verification failed for 'network'")
    })

    /** What a package has when it was unpacked, whoever packed it. */
    async function expected(name: Name): Promise<Record<string, string>> {
      const all = Object.entries(await texts(join(repository, 'kcl', name)))
      return Object.fromEntries(name === 'patterns' ? all.filter(([path]) => packed.includes(path)) : all)
    }
  },
)

async function texts(folder: string): Promise<Record<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  const read = files.sort().map(async (file) => [relative(folder, file), await readFile(file, 'utf8')])
  return Object.fromEntries(await Promise.all(read))
}

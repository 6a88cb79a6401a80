import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git } from './generated.ts'
import { peerOrSkip, type RunningRegistry, run, startRegistry } from './registries.ts'
import { release, slipway } from './slipway.ts'

const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const kpm = peerOrSkip('kpm')
const tags = ['kcl/network/v0.2.0', 'kcl/fleet/v0.1.0']

describe.skipIf(kpm.path === undefined)(
  `kpm beside Slipway${kpm.reason === undefined ? '' : ` (${kpm.reason})`}`,
  () => {
    let scratch: string
    let registry: RunningRegistry

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'slipway-kpm-'))
      registry = await startRegistry('distribution2')
      const repository = join(scratch, 'repository')
      await cp(examples, repository, { recursive: true, filter: (path) => !path.endsWith('.slipway') })
      git(repository, ['init', '-q', '-b', 'main'])
      commit(repository, tags)
      const result = await release([...tags, '-C', repository, '--to', `oci://${registry.url}`])
      expect(result, result.stderr).toMatchObject({ code: 0 })
    })
    afterAll(async () => {
      await registry?.stop()
      await rm(scratch, { recursive: true, force: true })
    })

    async function client(args: readonly string[], cwd = scratch): Promise<string> {
      const env = {
        HOME: scratch,
        KCL_PKG_PATH: join(scratch, 'packages'),
        KPM_REG: registry.url,
        KPM_REPO: 'provisioning-kcl',
        OCI_REG_PLAIN_HTTP: 'on',
      }
      const result = await run(kpm.path ?? '', args, { cwd, env, timeout: 110_000 })
      expect(result, `kpm ${args.join(' ')}: ${result.stdout}${result.stderr}`).toMatchObject({ code: 0 })
      return result.stdout
    }

    it('pulls a package of ours with all its files', async () => {
      // It compares the sum, too, and puts the files into a folder of its own below this one.
      const source = `oci://${registry.url}/provisioning-kcl/network`
      await client(['pull', '--tag', '0.2.0', source, join(scratch, 'theirs')])
      const found = await readdir(join(scratch, 'theirs'), { recursive: true, withFileTypes: true })
      const files = found.filter((one) => one.isFile())
      expect(files.map((one) => one.name).sort()).toEqual(['kcl.mod', 'network.k'])
      for (const { parentPath, name } of files)
        expect(await readFile(join(parentPath, name), 'utf8')).toBe(
          await readFile(join(examples, 'kcl/network', name), 'utf8'),
        )
    })

    it('adds the newest version of ours, with what that needs, at the sum that we wrote', async () => {
      const folder = join(scratch, 'user')
      await mkdir(folder)
      await writeFile(join(folder, 'kcl.mod'), '[package]\nname = "user"\nversion = "1.0.0"\n')
      await writeFile(join(folder, 'main.k'), 'import fleet\n')
      await client(['add', 'fleet'], folder)
      expect(await readFile(join(folder, 'kcl.mod'), 'utf8')).toContain('fleet = "0.1.0"')
      const lock = await readFile(join(folder, 'kcl.mod.lock'), 'utf8')
      expect(lock).toContain('fleet_0.1.0')
      expect(lock).toContain('network_0.2.0')
    })

    it('pushes what slipway pulls, with an equal sum', async () => {
      const folder = join(scratch, 'pushed')
      await cp(join(examples, 'kcl/network'), folder, { recursive: true })
      await client(['push', `oci://${registry.url}/provisioning-kcl/pushed`], folder)
      const reference = `oci://${registry.url}/provisioning-kcl/pushed:0.2.0`
      const pulled = await slipway(['pull', reference, '-o', join(scratch, 'pulled')])
      expect(pulled, pulled.stderr).toMatchObject({ code: 0 })
      expect(pulled.stderr).not.toContain('KCL_SUM')
      const manifests = await Promise.all(
        ['pushed', 'network'].map(async (name) => {
          const url = `http://${registry.url}/v2/provisioning-kcl/${name}/manifests/0.2.0`
          const accept = 'application/vnd.oci.image.manifest.v1+json'
          const response = await fetch(url, { headers: { accept } })
          return (await response.json()) as { annotations: Record<string, string> }
        }),
      )
      const [theirs, ours] = manifests
      expect(Object.keys(ours?.annotations ?? {}).sort()).toEqual(
        Object.keys(theirs?.annotations ?? {}).sort(),
      )
      expect(ours?.annotations['org.kcllang.package.sum']).toBe(
        theirs?.annotations['org.kcllang.package.sum'],
      )
    })
  },
)

import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples/provisioning-extensions')
const python = join(root, '.cache/peers/bin/python')
const extensions = globSync('**/kcl/kcl.mod', { cwd: examples })
  .map((mod) => dirname(dirname(mod)))
  .sort()
const scratch = mkdtempSync(join(tmpdir(), 'slipway-kcl-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** KCL packages of their own, which others find by their names. */
const packages = globSync('kcl/*/kcl.mod', { cwd: examples }).map(dirname).sort()

const program = `
import os, sys
from kcl_lib import api
packages = [api.ExternalPkg(pkg_name=os.path.basename(path), pkg_path=path) for path in sys.argv[1].split()]
result = api.API().exec_program(api.ExecProgramArgs(k_filename_list=sys.argv[2:], external_pkgs=packages))
if result.err_message:
    sys.exit(result.err_message)
print(result.json_result)
`

async function compile(files: readonly string[]): Promise<unknown> {
  const folders = packages.map((one) => join(examples, one)).join(' ')
  const { stdout } = await run(python, ['-c', program, folders, ...files])
  return JSON.parse(stdout)
}

const sources = (extension: string): string[] => filesIn(join(extension, 'kcl'))

const filesIn = (folder: string): string[] =>
  globSync('*.k', { cwd: join(examples, folder) })
    .map((file) => join(examples, folder, file))
    .sort()

function findNu(): string {
  const chosen = process.env.SLIPWAY_NU
  if (chosen !== undefined && chosen !== '') return chosen
  const manifest = createRequire(import.meta.url).resolve('@nushell/linux-x64/package.json')
  return join(dirname(manifest), 'bin', 'nu')
}

describe('the schemas of the example extensions', () => {
  beforeAll(() => {
    if (!existsSync(python)) throw new Error(`${python} is missing: run .ci/peers first`)
  })

  it('are at least ten', () => expect(extensions.length).toBeGreaterThanOrEqual(10))

  it.each(extensions)('%s: the example compiles, and install.nu plans by it', async (extension) => {
    const result = await compile(sources(extension))
    if (typeof result !== 'object' || result === null || !('settings' in result)) {
      throw new Error(`${extension}: kcl/example.k has no settings`)
    }
    const settings = join(scratch, 'settings.json')
    writeFileSync(settings, JSON.stringify(result.settings))
    const options = ['--config', settings, '--root', join(scratch, 'root'), '--dry-run']
    const install = join(examples, extension, 'scripts/install.nu')
    const { stdout } = await run(findNu(), [install, ...options])
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true, changed: false })
    expect(existsSync(join(scratch, 'root'))).toBe(false)
  })

  it('refuse settings that break a check', async () => {
    const broken = join(scratch, 'broken.k')
    writeFileSync(broken, 'bad = Runc {binary.sha256 = "abc"}\n')
    const schema = join(examples, 'taskservs/container-runtime/runc/kcl/runc.k')
    await expect(compile([schema, broken])).rejects.toThrow('64 lower-case hexadecimal digits')
  })
})

describe('the KCL packages of the example', () => {
  it('are two, of which one needs the other', () => {
    expect(packages).toEqual(['kcl/fleet', 'kcl/network'])
  })

  it.each(packages)('%s compiles with the packages it needs', async (folder) => {
    const result = await compile(filesIn(folder))
    if (folder === 'kcl/fleet')
      expect(result).toMatchObject({ fleet: { subnet: { cidr: '10.20.0.0/16' }, nodes: [{}, {}, {}] } })
  })

  it.each([
    ['a node outside of the subnet', '10.20.0.0/16', 'worker', '10.21.2.1', 'must lie in the subnet'],
    ['an even number of control-plane nodes', '10.20.0.0/16', 'control-plane', '10.20.2.1', 'must be odd'],
    ['a network begun in its middle', '10.20.1.0/16', 'worker', '10.20.2.1', "the network's first address"],
  ])('refuse %s', async (_name, cidr, role, address, message) => {
    const broken = join(scratch, 'broken-fleet.k')
    const first = '{name = "a", address = "10.20.1.1", role = "control-plane"}'
    const second = `{name = "b", address = "${address}", role = "${role}"}`
    writeFileSync(broken, `bad = Fleet {subnet = {cidr = "${cidr}"}, nodes = [${first}, ${second}]}\n`)
    const schemas = filesIn('kcl/fleet').filter((file) => !file.endsWith('example.k'))
    await expect(compile([...schemas, broken])).rejects.toThrow(message)
  })
})

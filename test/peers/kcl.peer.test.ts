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

const program = `
import sys
from kcl_lib import api
result = api.API().exec_program(api.ExecProgramArgs(k_filename_list=sys.argv[1:]))
if result.err_message:
    sys.exit(result.err_message)
print(result.json_result)
`

async function compile(files: readonly string[]): Promise<unknown> {
  const { stdout } = await run(python, ['-c', program, ...files])
  return JSON.parse(stdout)
}

const sources = (extension: string): string[] =>
  globSync('kcl/*.k', { cwd: join(examples, extension) })
    .map((file) => join(examples, extension, file))
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

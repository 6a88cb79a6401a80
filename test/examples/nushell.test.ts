import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const examples = resolve(import.meta.dirname, '../../examples/provisioning-extensions')
const scripts = globSync('**/*.nu', { cwd: examples }).sort()
const extensions = globSync('**/manifest.yaml', { cwd: examples })
  .map((manifest) => dirname(manifest))
  .sort()
const home = mkdtempSync(join(tmpdir(), 'slipway-home-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function findNu(): string {
  const chosen = process.env.SLIPWAY_NU
  if (chosen !== undefined && chosen !== '') return chosen
  const manifest = createRequire(import.meta.url).resolve('@nushell/linux-x64/package.json')
  return join(dirname(manifest), 'bin', 'nu')
}

const nu = findNu()
const env = { PATH: [dirname(nu), process.env.PATH].join(delimiter), HOME: home }

/** The diagnostics among the lines that `nu --ide-check` prints; hints are not complaints. */
async function diagnose(file: string): Promise<unknown[]> {
  const { stdout } = await run(nu, ['--ide-check', '100', file], { env, maxBuffer: 16 << 20 })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
    .filter(
      (line) => typeof line === 'object' && line !== null && 'type' in line && line.type === 'diagnostic',
    )
}

describe('the example extensions', () => {
  it('are at least ten', () => {
    expect(extensions.length).toBeGreaterThanOrEqual(10)
    expect(scripts.length).toBeGreaterThanOrEqual(extensions.length * 6)
  })

  it.each(scripts)('%s has no diagnostic', { timeout: 30_000 }, async (script) => {
    expect(await diagnose(join(examples, script))).toEqual([])
  })

  it('would show a diagnostic if there were one', async () => {
    const broken = join(import.meta.dirname, 'broken.nu')
    expect(await diagnose(broken)).toMatchObject([{ severity: 'Error' }])
  })

  it.each(extensions)(
    '%s passes its tests without an environment',
    {
      timeout: 30_000,
    },
    async (extension) => {
      const cwd = join(examples, extension)
      const { stdout } = await run(nu, ['tests/run.nu'], { cwd, env })
      expect(stdout).toMatch(/^[1-9][0-9]* cases, 0 failed$/m)
    },
  )

  it.each(extensions)('%s has every part, and its scripts can be executed', (extension) => {
    const at = (path: string): string => join(examples, extension, path)
    const programs = ['install', 'check', 'uninstall'].map((name) => `scripts/${name}.nu`)
    for (const program of [...programs, 'tests/run.nu']) {
      expect(statSync(at(program)).mode & 0o111, program).toBe(0o111)
      expect(readFileSync(at(program), 'utf8'), program).toMatch(/^#!\/usr\/bin\/env nu\n/)
    }
    for (const part of ['kcl/kcl.mod', 'docs/README.md']) {
      expect(existsSync(at(part)), part).toBe(true)
    }
  })

  it.each(['scripts/steps.nu', 'tests/cases.nu'])('share %s byte for byte', (shared) => {
    const digests = extensions.map((extension) =>
      createHash('sha256')
        .update(readFileSync(join(examples, extension, shared)))
        .digest('hex'),
    )
    expect(new Set(digests).size).toBe(1)
  })
})

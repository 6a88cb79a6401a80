import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { slipway } from './terminal.ts'

const example = fileURLToPath(
  new URL('../../examples/provisioning-extensions/providers/local', import.meta.url),
)
const scratch = mkdtempSync(join(tmpdir(), 'slipway-bad-input-'))
const tag = 'providers/local/v1.2.0'
const manifest = 'providers/local/manifest.yaml'
const sound = 'name: local\ntype: provider\nversion: 1.2.0\n'
let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(scratch, 'repository-'))
  cpSync(example, join(cwd, 'providers/local'), { recursive: true })
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Failed {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly exit: number
  }
  readonly findings: readonly {
    readonly code: string
    readonly level: string
    readonly place: { readonly file: string; readonly line?: number }
  }[]
}

/** Releases into a layout and an archive with `--json`: the one document, after checking that nothing was written. */
async function refused(gitTag: string, ...flags: string[]): Promise<Failed> {
  const targets = ['--to', 'layout:out', '--to', 'archive:out.tar']
  const ran = await slipway(['release', gitTag, '--skip-tests', ...targets, '--json', ...flags], { cwd })
  expect(existsSync(join(cwd, 'out'))).toBe(false)
  expect(existsSync(join(cwd, 'out.tar'))).toBe(false)
  expect(existsSync(join(cwd, '.slipway'))).toBe(false)
  const document = JSON.parse(ran.stdout) as Failed
  expect(ran.exit).toBe(document.error.exit)
  // A remedy: a hint, the findings' own, or what a setting must be.
  const { error, findings } = document
  expect(error.hint ?? (findings.length > 0 || / must be /.test(error.message))).toBeTruthy()
  return document
}

describe('bad input', () => {
  it.each([
    ['no form at all', 'nonsense', 'GIT_TAG_INVALID'],
    ['two numbers', 'providers/local/v1.2', 'VERSION_INVALID'],
    ['no number', 'providers/local/vnext', 'VERSION_INVALID'],
    ['a leading zero', 'providers/local/v1.02.0', 'VERSION_INVALID'],
    ['build metadata', 'providers/local/v1.2.0+build', 'VERSION_BUILD_METADATA'],
    ['a name that goes up', 'providers/../v1.2.0', 'GIT_TAG_INVALID'],
    ['a name that goes up further', '../../etc/v1.2.0', 'GIT_TAG_INVALID'],
    ['a missing folder', 'providers/nowhere/v1.2.0', 'EXTENSION_NOT_FOUND'],
    ['an image that is built elsewhere', 'orchestrator/v1.2.0', 'PLATFORM_IS_PREBUILT'],
  ])('in a git tag with %s is named, with a remedy', async (_, gitTag, code) => {
    const { error } = await refused(gitTag)
    expect(error).toMatchObject({ code, exit: 2 })
    expect(error.message).toContain(gitTag.split('/').at(-2) ?? gitTag)
  })

  it('in one of two git tags keeps the other one from being released', async () => {
    const ran = await slipway(
      ['release', tag, 'providers/nowhere/v1.0.0', '--skip-tests', '--to', 'layout:out'],
      { cwd },
    )
    expect(ran.exit).toBe(2)
    expect(existsSync(join(cwd, 'out'))).toBe(false)
  })

  it('in a version that is not the git tag’s is named at its line', async () => {
    const { error, findings } = await refused('providers/local/v9.9.9')
    expect(error).toMatchObject({ code: 'FINDINGS', exit: 2 })
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'MANIFEST_VERSION_MISMATCH',
        place: expect.objectContaining({ file: manifest, line: 3 }),
      }),
    )
  })

  it.each([
    ['an alias', `${sound}tags: &a [x]\nplatforms: *a\n`, 'YAML_ALIAS', 5],
    ['a key twice', `${sound}version: 1.2.1\n`, 'YAML_KEY_DUPLICATE', 4],
    ['a key that reaches into objects', `${sound}__proto__: {x: 1}\n`, 'YAML_KEY_FORBIDDEN', 4],
    ['a list that does not end', `${sound}tags: [\n`, 'YAML_SYNTAX', undefined],
    ['another name', sound.replace('local', '../../etc'), 'MANIFEST_VALUE_INVALID', 1],
  ])('in YAML with %s is named at its line', async (_, text, code, line) => {
    writeFileSync(join(cwd, manifest), text)
    const { error, findings } = await refused(tag)
    expect(error).toMatchObject({ exit: 2 })
    const found = findings.filter((one) => one.code === code)
    expect(found.length, JSON.stringify(findings)).toBeGreaterThan(0)
    expect(found[0]?.place.file).toBe(manifest)
    if (line !== undefined) expect(found.map((one) => one.place.line)).toContain(line)
  })

  it('of 50 MB of YAML is refused without being read to its end', async () => {
    writeFileSync(join(cwd, manifest), Buffer.alloc(50_000_000, 'a'))
    const { error, findings } = await refused(tag)
    expect(error.exit).toBe(2)
    expect(findings.map((one) => one.code)).toContain('YAML_TOO_LARGE')
  })

  it('of a manifest that is missing is named', async () => {
    rmSync(join(cwd, manifest))
    const { findings } = await refused(tag)
    expect(findings.map((one) => one.code)).toContain('MANIFEST_MISSING')
  })

  it('of a link out of the folder is refused', async () => {
    symlinkSync('../../../../etc/hostname', join(cwd, 'providers/local/docs/hostname'))
    const { error } = await refused(tag)
    expect(error).toMatchObject({ code: 'TREE_LINK_ESCAPES', exit: 2 })
    expect(error.message).toContain('docs/hostname')
  })

  it('in slipway.yaml is named at its line, whatever the command', async () => {
    writeFileSync(join(cwd, 'slipway.yaml'), 'version: 1\ntarget: x\n')
    const { error, findings } = await refused(tag)
    expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID', exit: 2 })
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'CONFIGURATION_KEY_UNKNOWN',
        place: expect.objectContaining({ line: 2 }),
      }),
    )
    const config = await slipway(['config'], { cwd })
    expect({ exit: config.exit, stdout: config.stdout }).toEqual({ exit: 2, stdout: '' })
    expect(config.stderr).toContain('slipway.yaml:2:')
  })

  it.each([
    ['-C that does not exist', ['-C', 'nowhere'], 'FOLDER_MISSING', 'nowhere'],
    ['-C that is a file', ['-C', manifest], 'FOLDER_MISSING', manifest],
    [
      'a target without a scheme',
      ['--to', 'registry.example.org/x'],
      'SETTING_INVALID',
      'registry.example.org/x',
    ],
    ['a target that goes up', ['--to', 'oci://localhost:1/../x'], 'SETTING_INVALID', '../x'],
    ['a number that is none', ['--concurrency', 'many'], 'SETTING_INVALID', '--concurrency'],
    ['a duration that is none', ['--timeout', 'soon'], 'SETTING_INVALID', '--timeout'],
  ])('of %s is named', async (_, flags, code, named) => {
    const { error } = await refused(tag, ...flags)
    expect(error).toMatchObject({ code, exit: 2 })
    expect(error.message).toContain(named)
  })

  it.each([
    ['pull', 'layout:nowhere#local:1.0.0', 'REFERENCE_UNKNOWN'],
    ['inspect', 'layout:nowhere#local:1.0.0', 'REFERENCE_UNKNOWN'],
    ['inspect', 'localhost/local:1.0.0', 'ADDRESS_INVALID'],
    ['tags', 'layout:nowhere#../local', 'REPOSITORY_INVALID'],
    ['validate', 'providers/nowhere', 'EXTENSION_NOT_FOUND'],
    ['login', 'layout:x', 'ADDRESS_INVALID'],
    ['logout', 'two/../hosts@x', 'ADDRESS_INVALID'],
  ])('of slipway %s %s is named', async (command, argument, code) => {
    const ran = await slipway([command, argument, '--json'], { cwd })
    const { error } = JSON.parse(ran.stdout) as Failed
    expect(error).toMatchObject({ code, exit: 2 })
    expect(ran.exit).toBe(2)
    expect(error.hint).toBeTruthy()
  })

  it('of a source with nothing in it is named', async () => {
    const ran = await slipway(['publish', '--from', 'layout:nowhere', '--to', 'layout:out', '--json'], {
      cwd,
    })
    expect(JSON.parse(ran.stdout).error).toMatchObject({ code: 'SOURCE_EMPTY', exit: 2 })
    expect(existsSync(join(cwd, 'out'))).toBe(false)
  })
})

describe('usage', () => {
  it.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown flag', ['release', 'a', '--frobnicate']],
    ['a missing argument', ['package']],
    ['an argument too many', ['list', 'layout:a', 'layout:b']],
    ['a flag without its value', ['release', 'a', '--to']],
    ['no command', []],
  ])('with %s ends with 2, help on stderr, and one document where asked for', async (_, argv) => {
    const text = await slipway(argv, { cwd })
    expect({ exit: text.exit, stdout: text.stdout }).toEqual({ exit: 2, stdout: '' })
    expect(text.stderr).toContain('slipway')
    const json = await slipway([...argv.slice(0, 1), '--json', ...argv.slice(1)], { cwd })
    expect(json.exit).toBe(2)
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'USAGE_INVALID', exit: 2 })
  })

  it.each([
    [['release'], 'GIT_TAG_MISSING'],
    [['release', tag, '--all-changed'], 'SELECTION_CONFLICT'],
    [['release', tag, '--since', 'main'], 'SELECTION_CONFLICT'],
    [['release', tag, '--missing-tags'], 'SELECTION_CONFLICT'],
    [['release', '--snapshot', '--missing-tags'], 'SELECTION_CONFLICT'],
  ])('that says nothing, or two things, of what to release ends with 2: %o', async (argv, code) => {
    const { exit, stdout } = await slipway([...argv, '--json'], { cwd })
    expect(exit).toBe(2)
    expect(JSON.parse(stdout).error).toMatchObject({ code, hint: expect.stringContaining('all-changed') })
  })

  it('with a mistyped flag does not repeat the value it carries', async () => {
    const { stdout, stderr } = await slipway(['release', 'a', '--password=hunter2', '--json'], { cwd })
    expect(stderr).toContain("unknown option '--password=…'")
    expect(stdout + stderr).not.toContain('hunter2')
  })
})

describe('a place that cannot be written', () => {
  it.each(['layout', 'archive'])('(%s) fails with its path, beside a target that works', async (scheme) => {
    const file = join(cwd, 'in-the-way')
    if (scheme === 'layout') writeFileSync(file, 'a file')
    else mkdirSync(file)
    const argv = [
      'release',
      tag,
      '--skip-tests',
      '--to',
      `${scheme}:in-the-way`,
      '--to',
      'layout:good',
      '--json',
    ]
    const ran = await slipway(argv, { cwd })
    expect(ran.exit).toBe(1)
    const [one] = JSON.parse(ran.stdout).releases
    expect(one.targets.map((target: { outcome: string }) => target.outcome)).toEqual(['failed', 'published'])
    expect(one.targets[0].error.message).toContain('in-the-way')
    expect(one.targets[0].error.hint).toBeTruthy()
    const text = await slipway(argv.slice(0, -1), { cwd })
    expect(text.stdout).toMatch(/failed layout|failed archive/)
    expect(text.stdout).toContain('hint: ')
  })
})

import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/table.ts'
import { commitAll, git } from '../git/fixture.ts'
import { type RunOptions, slipway } from './terminal.ts'

const examples = fileURLToPath(new URL('../../examples/provisioning-extensions', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'slipway-cli-'))
/** A copy of one extension, outside of any git repository. */
const cwd = join(scratch, 'repository')
const tag = 'providers/local/v1.2.0'

beforeAll(() => cpSync(join(examples, 'providers/local'), join(cwd, 'providers/local'), { recursive: true }))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const run = (args: string, options: Partial<RunOptions> = {}) => slipway(args.split(' '), { cwd, ...options })

describe('the command line', () => {
  it('lists every command with --help, and each command its settings', async () => {
    const { exit, stdout } = await run('--help')
    expect(exit).toBe(0)
    const groups = new Map<string, string>()
    for (const { name } of commands) {
      const [first = '', second] = name.split(' ')
      expect(stdout).toMatch(new RegExp(`^ {2}${first}[ |]`, 'm'))
      if (second === undefined) continue
      if (!groups.has(first)) groups.set(first, (await run(`${first} --help`)).stdout)
      expect(groups.get(first)).toMatch(new RegExp(`^ {2}${second}[ |]`, 'm'))
    }
    expect([...groups.keys()]).toEqual(expect.arrayContaining(['deps', 'workspace', 'cache']))
    expect((await run('dep check-updates --help')).stdout).toContain('slipway deps outdated')
    const release = await run('release --help')
    expect(release.stdout).toMatch(/--moving-tags/)
    expect(release.stdout).toMatch(/Examples:/)
  })

  it('answers a wrong flag with exit 2, and with one JSON document where that was asked for', async () => {
    const { exit, stdout, stderr } = await run('release a --frobnicate')
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toContain("unknown option '--frobnicate'")
    const json = await run('release a --frobnicate --json')
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'USAGE_INVALID', exit: 2 })
  })

  it('releases into a layout, says so on stdout only, and finds nothing to do the second time', async () => {
    const first = await run(`release ${tag} --skip-tests --to layout:out --json`)
    expect(first.exit, first.stderr).toBe(0)
    const [released] = JSON.parse(first.stdout).releases
    expect(released).toMatchObject({ kind: 'provider', name: 'local', version: '1.2.0', gitTag: tag })
    expect(released.targets[0]).toMatchObject({
      outcome: 'published',
      reference: `layout:${cwd}/out#local:1.2.0`,
    })
    const second = await run(`release ${tag} --skip-tests --to layout:out`)
    expect(second.exit).toBe(0)
    expect(second.stdout).toContain('unchanged')
    expect(second.stdout).toContain(released.digest)
  })

  it('shows with --dry-run what would be written, and writes nothing', async () => {
    const { exit, stdout } = await run(`release ${tag} --skip-tests --to layout:dry --dry-run --json`)
    expect(exit).toBe(0)
    const { dryRun, writes } = JSON.parse(stdout)
    expect(dryRun).toBe(true)
    expect(writes.map((one: { kind: string }) => one.kind).sort()).toEqual([
      'blob',
      'blob',
      'manifest',
      'tag',
      'tag',
    ])
    expect(existsSync(join(cwd, 'dry'))).toBe(false)
    const text = await run(`release ${tag} --skip-tests --to layout:dry --dry-run`)
    expect(text.stdout).toContain('This would be written, and is not:')
  })

  it('refuses other content under a tag with exit 3, and takes it with --allow-overwrite', async () => {
    await run(`release ${tag} --skip-tests --to layout:over`)
    writeFileSync(join(cwd, 'providers/local/docs/more.md'), '# More\n')
    const refused = await run(`release ${tag} --skip-tests --to layout:over`)
    expect(refused.exit).toBe(3)
    expect(refused.stdout).toContain('refused')
    const taken = await run(`release ${tag} --skip-tests --to layout:over --allow-overwrite`)
    rmSync(join(cwd, 'providers/local/docs/more.md'))
    expect(taken.exit).toBe(0)
    expect(taken.stdout).toContain('overwritten')
  })

  it('packages, publishes from there, lists, inspects and pulls', async () => {
    expect((await run(`package ${tag} --skip-tests -o archive:stage.tar`)).exit).toBe(0)
    const published = await run('publish --from archive:stage.tar --to layout:shelf --json')
    expect(published.exit, published.stderr).toBe(0)
    expect((await run('list layout:shelf')).stdout).toContain('1.2.0')
    expect((await run('tags layout:shelf#local')).stdout).toBe('1.2.0\nlatest\n')
    const inspected = JSON.parse((await run('inspect layout:shelf#local:1.2.0 --json')).stdout)
    expect(inspected.extension.name).toBe('local')
    const pulled = await run('pull layout:shelf#local -o here')
    expect(pulled.exit, pulled.stderr).toBe(0)
    expect(readdirSync(join(cwd, 'here'))).toContain('oci-manifest.json')
  })

  it('names a bad git tag with a hint, exit 2 and no stack', async () => {
    const { exit, stdout, stderr } = await run('release nonsense')
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(stderr).toMatch(/^error\[GIT_TAG_INVALID\]: .*\n {2}hint: /m)
    expect(stderr).not.toMatch(/\n\s+at /)
    const json = await run('release nonsense --json')
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'GIT_TAG_INVALID', exit: 2 })
  })

  it('shows every finding at its line, and all of them in the JSON document', async () => {
    const broken = join(scratch, 'broken')
    cpSync(join(examples, 'providers/local'), join(broken, 'providers/local'), { recursive: true })
    writeFileSync(
      join(broken, 'providers/local/manifest.yaml'),
      'name: local\ntype: provider\nversion: one\nauther: x\n',
    )
    const { exit, stderr } = await slipway(['validate'], { cwd: broken })
    expect(exit).toBe(2)
    expect(stderr).toMatch(/^providers\/local\/manifest\.yaml:3:\d+: error: /m)
    expect(stderr).toMatch(/^providers\/local\/manifest\.yaml:4:\d+: warning: .*author/m)
    const json = JSON.parse((await slipway(['validate', '--json'], { cwd: broken })).stdout)
    expect(json.findings.length).toBeGreaterThan(1)
  })

  it('checks what a branch changed, and compares with what is published only when told to', async () => {
    const branch = join(scratch, 'branch')
    for (const name of ['local', 'upcloud'])
      cpSync(join(examples, 'providers', name), join(branch, 'providers', name), { recursive: true })
    git(branch, 'init', '-q', '-b', 'main')
    commitAll(branch)
    const released = await slipway(['release', 'providers/local/v1.2.0', '--skip-tests', '--allow-dirty'], {
      cwd: branch,
    })
    expect(released.exit, released.stderr).toBe(0)
    git(branch, 'checkout', '-q', '-b', 'topic')
    writeFileSync(join(branch, 'providers/local/notes.md'), 'changed\n')
    const since = await slipway(['validate', '--since', 'main', '--json'], { cwd: branch })
    const json = JSON.parse(since.stdout)
    expect(json).toMatchObject({ exit: 0, since: { base: git(branch, 'rev-parse', 'main') } })
    expect(json.packages).toMatchObject([{ name: 'local', because: 'changed' }])
    const published = await slipway(['validate', '--published'], { cwd: branch })
    expect(published.exit).toBe(2)
    expect(published.stderr).toMatch(/^providers\/local\/manifest\.yaml:3:\d+: error: .*VERSION_NOT_RAISED/m)
    expect(published.stdout).toContain('packages checked: 2, errors: 1, warnings: 0')
  })

  it('says where a setting comes from', async () => {
    const options = { environment: { SLIPWAY_RETRIES: '7' } }
    const { stdout } = await run('config --json --timeout 5s', options)
    const { settings } = JSON.parse(stdout)
    expect(settings.retries).toEqual({ value: 7, origin: 'SLIPWAY_RETRIES' })
    expect(settings.timeout).toEqual({ value: 5000, origin: 'flag --timeout' })
    expect(settings.deadline.origin).toBe('default')
  })

  it('never shows a password, and asks for the one that is missing', async () => {
    const environment = { SLIPWAY_PASSWORD: 'layout' }
    const to = `release ${tag} --skip-tests --username me --to layout:secret --json`
    const { stdout } = await run(to, { environment })
    expect(stdout).not.toContain('layout:')
    expect(stdout).toContain('***:')
    const missing = await run(`release ${tag} --username me --to oci://127.0.0.1:1/x`)
    expect(missing.exit).toBe(2)
    expect(missing.stderr).toContain('PASSWORD_MISSING')
  })

  it('ends with 130 when it is interrupted', async () => {
    const { exit, stderr } = await run(`release ${tag} --skip-tests --to layout:late`, {
      signal: AbortSignal.abort(new Error('interrupted')),
    })
    expect(exit).toBe(130)
    expect(stderr).toContain('Interrupted')
  })

  it('writes escape sequences to a terminal only, and not where NO_COLOR is set', async () => {
    const coloured = await run('release nonsense', { tty: true })
    expect(coloured.stderr).toContain('\x1b[')
    for (const plain of [
      await run('release nonsense'),
      await run('release nonsense', { tty: true, environment: { NO_COLOR: '1' } }),
      await run('release nonsense --no-color', { tty: true }),
    ])
      expect(plain.stderr).not.toContain('\x1b[')
  })

  it('makes control characters in a git tag visible instead of obeying them', async () => {
    const { stderr } = await slipway(['release', 'a\x1b[2Jb/v1.0.0'], { cwd, tty: true })
    expect(stderr).not.toContain('\x1b[2J')
  })
})

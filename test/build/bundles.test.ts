import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'slipway-build-'))
const [first, second] = [join(scratch, 'first'), join(scratch, 'second')]

/** This test's own Node builds, from a folder that is not the checkout. */
const build = (out: string, cwd: string) =>
  run(process.execPath, [join(root, 'scripts/build.ts'), out], { cwd })

function bytes(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'latin1')]))
}

beforeAll(async () => {
  await build(first, root)
  await build(second, tmpdir())
}, 60_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

describe('the bundles', () => {
  it('have the same bytes however often and from wherever they are built', () => {
    const [one, other] = [bytes(first), bytes(second)]
    expect([...one.keys()]).toEqual([...other.keys()])
    for (const [name, text] of one) expect(other.get(name) === text, name).toBe(true)
  })

  it('are one small file for the command line and each action, over chunks without hashes', () => {
    const names = [...bytes(first).keys()]
    const actions = readdirSync(join(root, 'src/actions')).map((name) => name.replace(/\.ts$/, '.mjs'))
    const entries = names.filter((name) => /^[^/]+\.mjs$/.test(name))
    expect(entries.sort()).toEqual([...actions, 'slipway.mjs'].sort())
    expect(
      names.filter((name) => !/^([a-z-]+\.mjs|chunks\/[a-z0-9-]+\.mjs|LICENSES\.txt)$/.test(name)),
    ).toEqual([])
    for (const name of entries) expect(statSync(join(first, name)).size, name).toBeLessThan(20_000)
  })

  it('import nothing that is not in them or in Node', () => {
    const files = bytes(first)
    const strangers: string[] = []
    let count = 0
    for (const [name, text] of files)
      for (const path of name.endsWith('.mjs') ? specifiers(text) : []) {
        count++
        const target = new URL(path, `file:///${name}`).pathname.slice(1)
        if (path.startsWith('.') ? !files.has(target) : !isBuiltin(path)) strangers.push(`${name}: ${path}`)
      }
    expect(strangers).toEqual([])
    expect(count).toBeGreaterThan(50)
  })

  it('hold at most 4 MiB and the licence of every package that is in them', () => {
    const files = bytes(first)
    expect([...files.values()].reduce((sum, text) => sum + text.length, 0)).toBeLessThan(4 * 1024 * 1024)
    const notices = files.get('LICENSES.txt') ?? ''
    for (const name of ['undici', 'commander', 'yaml', 'zod', 'semver'])
      expect(notices).toContain(`\n${name} `)
    expect(notices).not.toContain('rolldown')
  })

  it('show their version without loading the network or YAML, and less than 1 MiB', async () => {
    const script = join(first, 'slipway.mjs')
    const { stdout } = await run(process.execPath, [script, '--version'])
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(stdout).toBe(`${version}\n`)
    const { loaded, size } = reached(first, 'slipway.mjs')
    const program = reached(first, 'chunks/cli-program.mjs')
    expect([...loaded, ...program.loaded]).not.toContain('chunks/undici.mjs')
    expect([...program.loaded]).toContain('chunks/commander.mjs')
    expect(size + program.size).toBeLessThan(1024 * 1024)
  })

  it('load no second HTTP stack and at most 1 MiB before an action does anything', () => {
    for (const name of readdirSync(first).filter((one) => one.endsWith('.mjs'))) {
      const { loaded, size } = reached(first, name)
      expect([...loaded], name).not.toContain('chunks/undici.mjs')
      if (name !== 'slipway.mjs') expect([...loaded], name).toContain('chunks/actions-core.mjs')
      expect(size, name).toBeLessThan(1024 * 1024)
    }
  })

  it('run as a program: the mode and first line are right', async () => {
    const script = join(first, 'slipway.mjs')
    expect(readFileSync(script, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(statSync(script).mode & 0o111).toBe(0o111)
  })
})

/** What minified code imports; in a bundle all static imports stand before the first other statement. */
function specifiers(text: string, kind: 'all' | 'static' = 'all'): string[] {
  const [head = ''] = /^(?:#!.*\n)?(?:import[^;(]*;)*/.exec(text) ?? []
  const heads = [...head.matchAll(/["'`]([^"'`]+)["'`];/g)].map(([, path = '']) => path)
  const dynamic = [...text.matchAll(/\bimport\(["'`]([\w@./:-]+)["'`]\)/g)].map(([, path = '']) => path)
  return kind === 'static' ? heads : [...heads, ...dynamic]
}

/** What a file imports statically, and through that. */
function reached(folder: string, entry: string): { loaded: Set<string>; size: number } {
  const loaded = new Set<string>()
  const open = [entry]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (loaded.has(name)) continue
    loaded.add(name)
    const text = readFileSync(join(folder, name), 'utf8')
    for (const path of specifiers(text, 'static'))
      if (path.startsWith('.')) open.push(new URL(path, `file:///${name}`).pathname.slice(1))
  }
  return { loaded, size: [...loaded].reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) }
}

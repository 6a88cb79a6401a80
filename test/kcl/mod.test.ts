import { describe, expect, it } from 'vitest'
import { kclAnnotation } from '../../src/kcl/annotation.ts'
import { requirementOf } from '../../src/kcl/dependency.ts'
import { readKclMod } from '../../src/kcl/mod.ts'
import { parseVersion } from '../../src/version/version.ts'
import { includes, setOf } from '../../src/version/version-set.ts'

const read = (text: string) => readKclMod(text, 'kcl/net/kcl.mod')

const whole = `# About the package.
[package]
name = "net"
edition = "v0.11.0"
version = "1.2.3"
description = """Addresses
and = "networks" """
include = ["*.k", "kcl.mod"]
exclude = ["test_*.k"]

[dependencies]
k8s = "1.31.2"
"hello" = { oci = "oci://ghcr.io/kcl-lang/helloworld", tag = "0.1.4" }
flask = { git = "https://example.org/flask.git", commit = "ade147b" }
local = { path = "../local", version = "0.0.1" }
`

describe('reading a kcl.mod', () => {
  it('tells the package and every form of dependency, each with its place', () => {
    const { mod, findings } = read(whole)
    expect(findings).toEqual([])
    const at = (line: number) => ({ file: 'kcl/net/kcl.mod', line, column: 1 })
    expect(mod?.places).toMatchObject({ name: at(3), version: at(5), exclude: at(9) })
    expect({ ...mod, places: undefined }).toEqual({
      name: 'net',
      edition: 'v0.11.0',
      version: '1.2.3',
      description: 'Addresses\nand = "networks" ',
      include: ['*.k', 'kcl.mod'],
      exclude: ['test_*.k'],
      dependencies: [
        { alias: 'k8s', name: 'k8s', from: 'version', version: '1.31.2', place: at(12) },
        {
          alias: 'hello',
          name: 'helloworld',
          from: 'oci',
          source: 'oci://ghcr.io/kcl-lang/helloworld',
          tag: '0.1.4',
          place: at(13),
        },
        {
          alias: 'flask',
          name: 'flask',
          from: 'git',
          source: 'https://example.org/flask.git',
          revision: 'ade147b',
          place: at(14),
        },
        {
          alias: 'local',
          name: 'local',
          from: 'path',
          source: '../local',
          version: '0.0.1',
          place: at(15),
        },
      ],
    })
  })

  it('reads packages under other names, addresses without a host and tags in addresses', () => {
    const { mod, findings } = read(
      `[dependencies]
      one = { package = "real", version = "1.0.0" }
      two = { repo = "org/real", tag = "2.0.0" }
      three = { oci = "oci://localhost:5000/org/mono?tag=3.0.0", package = "real" }
      [dependencies.four]
      path = "../four"`,
    )
    expect(findings).toEqual([])
    expect(mod?.dependencies).toMatchObject([
      { alias: 'one', name: 'real', from: 'version', version: '1.0.0' },
      { alias: 'two', name: 'real', from: 'oci', source: 'oci:///org/real', tag: '2.0.0' },
      { alias: 'three', name: 'real', from: 'oci', source: 'oci://localhost:5000/org/mono', tag: '3.0.0' },
      { alias: 'four', from: 'path', source: '../four', place: { line: 5 } },
    ])
  })

  it.each<[string, string, number, string]>([
    ['a package that is no table', 'package = 1', 1, 'package must be a table'],
    ['dependencies that are a list', '\ndependencies = []', 2, 'dependencies must be a table'],
    ['a name with capitals', '[package]\nname = "Net"', 2, 'package.name is "Net"'],
    ['a name no repository can have', '[package]\nname = "a___b"', 2, 'package.name is "a___b"'],
    ['a version that is a number', '[package]\n\nversion = 1.28', 3, 'package.version must be text'],
    ['a short version', '[package]\nversion = "1.28"', 2, 'not a full semantic version'],
    ['build metadata', '[package]\nversion = "1.28.0+x"', 2, 'not a full semantic version'],
    ['escape sequences', '[package]\ndescription = "\\u001b[2J"', 2, 'control characters'],
    ['a pattern that Go refuses', '[package]\nexclude = ["a", "[x"]', 2, '"[x", which is not a pattern'],
    ['patterns that are text', '[package]\ninclude = "*.k"', 2, 'package.include must be a list'],
    ['an empty version', '[dependencies]\nk8s = ""', 2, 'k8s has no version'],
    ['a list', '[dependencies]\nk8s = []', 2, 'k8s must be a version or a table'],
    ['a table without a source', '[dependencies]\nk8s = {}', 2, 'names neither version nor oci'],
    ['a number in a table', '[dependencies]\nk8s = { version = 1 }', 2, 'a table of texts'],
    ['a password', '[dependencies]\nx = { oci = "oci://u:p@h.example/x" }', 2, 'not the address'],
    [
      'an address without a repository',
      '[dependencies]\nx = { oci = "oci://h.example" }',
      2,
      'not the address',
    ],
    ['a name that is a path', '[dependencies]\n"a/b" = "1.0.0"', 2, 'is not a name'],
    ['a hostile name', '[dependencies]\n"\\u001b" = "1.0.0"', 2, 'is not a name'],
    ['a name of JavaScript', '[dependencies]\n__proto__ = "1.0.0"', 2, 'is not a name'],
  ])('refuses %s at its line', (_name, text, line, message) => {
    const { findings } = read(text)
    expect(findings).toMatchObject([
      { code: 'KCL_MOD_VALUE_INVALID', level: 'error', place: { file: 'kcl/net/kcl.mod', line, column: 1 } },
    ])
    expect(findings[0]?.message).toContain(message)
    expect(findings[0]?.message).not.toMatch(/u:p@|[\x00-\x1f]/)
  })

  it('warns of what kpm takes and no solver can', () => {
    const { mod, findings } = read(
      '[dependencies]\na = { oci = "oci://h.example/a", tag = "main" }\nb = { oci = "oci://h.example/b" }\n',
    )
    expect(mod?.dependencies).toHaveLength(2)
    expect(findings).toMatchObject([
      { code: 'KCL_DEPENDENCY_UNSOLVABLE', level: 'warning', place: { line: 2 } },
      { code: 'KCL_DEPENDENCY_UNPINNED', level: 'warning', place: { line: 3 } },
    ])
  })

  it('refuses what is no TOML, too large or not UTF-8, at its place', () => {
    const wrong = read('[package]\nname = "net"\nversion = 1.2.3\n')
    expect(wrong.mod).toBeUndefined()
    expect(wrong.findings).toMatchObject([
      { code: 'KCL_MOD_SYNTAX', place: { file: 'kcl/net/kcl.mod', line: 3, column: expect.any(Number) } },
    ])
    expect(wrong.findings[0]?.message).not.toMatch(/\n|version/)
    expect(read(`# ${'x'.repeat(1024 * 1024)}`).findings).toMatchObject([{ code: 'KCL_MOD_TOO_LARGE' }])
    expect(readKclMod(Buffer.from([0x23, 0xff]), 'f').findings).toMatchObject([{ code: 'KCL_MOD_NOT_UTF8' }])
    expect(read('[package]\nx = '.concat('['.repeat(5000))).findings).toMatchObject([
      { code: 'KCL_MOD_SYNTAX' },
    ])
  })

  it('finds the line of a key behind every kind of value', () => {
    const before = [
      'a = """',
      'k = "1"',
      '\\""" # not yet',
      '"""""',
      "b = '''",
      "k = '1'''''",
      'c = [ # [',
      '  "]", \'[\', { k = "]" },',
      ']',
      'd = {e = "}", f = [1, 2]}',
      '"x y".k = 1 # "',
      '[[table]] # [dependencies]',
      'k = "1.0.0"',
    ]
    const { findings } = read([...before, '[dependencies]', '  k = "main"'].join('\r\n'))
    expect(findings).toMatchObject([{ place: { line: before.length + 2, column: 3 } }])
  })

  it('reads a hostile megabyte in little time', () => {
    const start = performance.now()
    for (const text of [
      `${'a.'.repeat(400_000)}b = 1`,
      '\n[a]'.repeat(2),
      'a = "\\\\'.padEnd(900_000, '\\\\'),
    ])
      read(text)
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})

describe('what a dependency asks of a solver', () => {
  const of = (line: string) => {
    const one = read(`[dependencies]\n${line}`).mod?.dependencies[0]
    return one === undefined ? undefined : requirementOf(one)
  }
  const admits = (line: string, version: string) => {
    const requirement = of(line)
    return requirement !== undefined && includes(requirement.set, parseVersion(version))
  }

  it('is at least a bare version, whatever comes after it', () => {
    const line = 'k8s = "1.31.2"'
    expect(of(line)).toMatchObject({ id: 'kcl:k8s', text: '>=1.31.2' })
    expect(['1.31.1', '1.31.2', '1.31.3-rc.1', '2.0.0'].map((one) => admits(line, one))).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  it('fills a short version with zeros, as kpm does', () => {
    expect(of('k8s = "v1.28"')?.text).toBe('>=1.28.0')
    expect(['1.27.9', '1.28.0'].map((one) => admits('k8s = "v1.28"', one))).toEqual([false, true])
  })

  it('is exactly a tag', () => {
    const line = 'x = { oci = "oci://h.example/org/real", tag = "0.1.4" }'
    expect(of(line)).toMatchObject({ id: 'kcl:real', text: '=0.1.4' })
    expect(['0.1.3', '0.1.4', '0.1.5'].map((one) => admits(line, one))).toEqual([false, true, false])
  })

  it('is nothing for git, paths and tags that are no versions', () => {
    expect(of('x = { git = "https://h.example/x", tag = "v1.0.0" }')).toBeUndefined()
    expect(of('x = { path = "../x", version = "1.0.0" }')).toBeUndefined()
    expect(of('x = { oci = "oci://h.example/x", tag = "main" }')).toBeUndefined()
  })

  it('is told in ranges that node-semver reads, the same package under two names once', () => {
    const { mod } = read(`[package]
      name = "net"
      version = "1.0.0"
      [dependencies]
      y = { repo = "a/y", tag = "0.1.4" }
      k8s = "1.28"
      other = { package = "k8s", version = "1.31.2" }
      g = { git = "https://h.example/g" }
      p = { path = "../p" }`)
    const text = mod && kclAnnotation(mod)
    expect(text).toBe(
      '{"name":"net","version":"1.0.0","dependencies":{"k8s":">=1.28.0 >=1.31.2","y":"=0.1.4"}}',
    )
    expect(includes(setOf('>=1.28.0 >=1.31.2'), parseVersion('1.31.1'))).toBe(false)
  })

  it('is told of nothing where nothing can be solved', () => {
    const { mod } = read('[package]\nname = "net"\n[dependencies]\np = { path = "../p" }')
    expect(mod && kclAnnotation(mod)).toBeUndefined()
  })
})

import { describe, expect, test } from 'vitest'
import { showPlace } from '../../src/core/finding.ts'
import { readYaml } from '../../src/extension/yaml.ts'

const codes = (content: string | Uint8Array) => readYaml(content, 'f.yaml').findings.map((one) => one.code)

describe('a YAML file', () => {
  test('is read as JSON that knows the places of its values', () => {
    const yaml = readYaml('a: 1\nb:\n  c: [x, 1.10]\n', 'f.yaml')
    expect(yaml.findings).toEqual([])
    expect(yaml.value).toEqual({ a: 1, b: { c: ['x', 1.1] } })
    expect(showPlace(yaml.at(['b', 'c', 1]))).toBe('f.yaml:3:10')
    expect(showPlace(yaml.at(['b', 'c'], 'key'))).toBe('f.yaml:3:3')
    expect(yaml.source(['b', 'c', 1])).toBe('1.10')
  })

  test('places something missing where its parent is named', () => {
    const yaml = readYaml('a: 1\nb:\n  c: 1\n', 'f.yaml')
    expect(showPlace(yaml.at(['b', 'd']))).toBe('f.yaml:2:1')
    expect(showPlace(yaml.at(['x', 'y']))).toBe('f.yaml:1:1')
  })

  test('may begin with a byte order mark', () => {
    const yaml = readYaml(new Uint8Array([0xef, 0xbb, 0xbf, ...Buffer.from('a: 1')]), 'f.yaml')
    expect(yaml.value).toEqual({ a: 1 })
  })

  test('keeps keys that objects have by nature', () => {
    expect(readYaml('constructor: 1\ntoString: 2', 'f.yaml').value).toEqual({ constructor: 1, toString: 2 })
  })
})

describe('hostile YAML', () => {
  test.each([
    ['an alias', 'a: &x [1]\nb: *x', 'YAML_ALIAS'],
    ['a merge key by alias', 'a: &x {b: 1}\nc:\n  <<: *x', 'YAML_ALIAS'],
    ['a tag of its own', 'a: !js/function "x"', 'YAML_SYNTAX'],
    ['binary', 'a: !!binary aGk=', 'YAML_SYNTAX'],
    ['two documents', 'a: 1\n---\nb: 1', 'YAML_SYNTAX'],
    ['another YAML version', '%YAML 1.1\n---\na: yes', 'YAML_SYNTAX'],
    ['a tab as indent', 'a:\n\tb: 1', 'YAML_SYNTAX'],
    ['a key twice', 'a: 1\nb: 2\na: 3', 'YAML_KEY_DUPLICATE'],
    ['__proto__', '__proto__: {x: 1}', 'YAML_KEY_FORBIDDEN'],
    ['a key that is a number', '1: x', 'YAML_KEY_NOT_TEXT'],
    ['a key that is a list', '? [a]\n: x', 'YAML_KEY_NOT_TEXT'],
    ['infinity', 'a: .inf', 'YAML_NUMBER'],
    ['a number beyond a double', 'a: 12345678901234567890', 'YAML_NUMBER'],
    ['nesting beyond the limit', `a: ${'['.repeat(100)}${']'.repeat(100)}`, 'YAML_TOO_DEEP'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0x00]), 'YAML_NOT_UTF8'],
  ])('%s is an error', (_, content, code) => {
    const yaml = readYaml(content, 'f.yaml')
    expect(yaml.findings.map((one) => one.code)).toContain(code)
    expect(yaml.value).toBeUndefined()
  })

  test('a billion laughs end at the first alias, in no time', () => {
    let text = 'a0: &a0 [lol, lol, lol]\n'
    for (let i = 1; i < 30; i++)
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`
    const start = performance.now()
    expect(new Set(codes(text))).toEqual(new Set(['YAML_ALIAS']))
    expect(performance.now() - start).toBeLessThan(10_000)
  })

  test('50 MB are refused before they are parsed', () => {
    const content = new Uint8Array(50 * 1024 * 1024)
    const start = performance.now()
    expect(codes(content)).toEqual(['YAML_TOO_LARGE'])
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test.each([
    ['brackets without end', '['.repeat(250_000)],
    ['many keys', Array.from({ length: 20_000 }, (_, i) => `key${i}: 1`).join('\n')],
    ['one key again and again', 'a: 1\n'.repeat(50_000)],
    ['quotes', '"'.repeat(250_000)],
  ])(
    'a quarter of a mebibyte of %s is read or refused within seconds',
    (_, text) => {
      const start = performance.now()
      const yaml = readYaml(text, 'f.yaml')
      expect(yaml.findings.length).toBeLessThanOrEqual(50)
      expect(performance.now() - start).toBeLessThan(10_000)
    },
    30_000,
  )

  test('every error in the file is told, with its line and column', () => {
    const yaml = readYaml('a: 1\na: 2\nb: *x\n1: 3\n', 'f.yaml')
    const found = yaml.findings.map((one) => `${showPlace(one.place)} ${one.code}`)
    expect(found).toContain('f.yaml:2:1 YAML_KEY_DUPLICATE')
    expect(found).toContain('f.yaml:4:1 YAML_KEY_NOT_TEXT')
  })
})

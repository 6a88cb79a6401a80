import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { editScalars, type ScalarEdit } from '../../src/config/workspace-edit.ts'
import { readYaml } from '../../src/extension/yaml.ts'

const scratch = mkdtempSync(join(tmpdir(), 'slipway-edit-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** What git makes of a text and a diff. */
function patched(text: string, diff: string): string {
  writeFileSync(join(scratch, 'x.yaml'), text)
  execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: scratch, input: diff })
  return readFileSync(join(scratch, 'x.yaml'), 'utf8')
}

const edit = (text: string, ...edits: ScalarEdit[]) => editScalars(text, edits, 'x.yaml')

describe('scalars of a YAML file', () => {
  it('change alone: comments, order, quotes, spaces and blank lines stay', () => {
    const text = [
      '# top',
      '',
      'b:   [ one,\'two\' , "three" ] # flow',
      'a:',
      '    -   ./x   # why',
      '',
      '    - &anchor !!str "y"',
      'c: {k: v}',
      '',
    ].join('\n')
    const { text: edited, diff } = edit(
      text,
      { path: ['a', 1], value: 'oci://h/y:1' },
      { path: ['b', 1], value: "it's" },
      { path: ['b', 2], value: 'oci://h/z:"1"' },
      { path: ['a', 0], value: 'oci://h/x:>=1 <2' },
    )
    expect(edited).toBe(
      text
        .replace("'two'", "'it''s'")
        .replace('"three"', '"oci://h/z:\\"1\\""')
        .replace('./x', 'oci://h/x:>=1 <2')
        .replace('"y"', '"oci://h/y:1"'),
    )
    expect(patched(text, diff)).toBe(edited)
    expect(diff.split('\n').filter((line) => /^[-+]/.test(line))).toHaveLength(2 + 6)
  })

  it.each([
    ['- one', 'a, b'],
    ['- one', 'a: b'],
    ['- one', 'a #b'],
    ['- one', '[::1]'],
    ['- one', '*a'],
    ['[one]', 'oci://[::1]:5000/x:1'],
    ['- "one"', 'a"b'],
    ["- 'one'", "a'b"],
  ])('in %j read back as %j', (text, value) => {
    expect(readYaml(edit(text, { path: [0], value }).text, 'x').value).toEqual([value])
  })

  it('of several lines become one', () => {
    const text = 'a:\r\n  - >-\r\n    two\r\n    lines\r\n\r\n  - plain\r\n    lines # kept\r\nb: last'
    const { text: edited, diff } = edit(
      text,
      { path: ['a', 0], value: 'oci://h/x:1' },
      { path: ['a', 1], value: 'oci://h/y:1' },
      { path: ['b'], value: 'end' },
    )
    expect(edited).toBe('a:\r\n  - oci://h/x:1\r\n\r\n  - oci://h/y:1 # kept\r\nb: end')
    expect(patched(text, diff)).toBe(edited)
  })

  it('far from each other are told in hunks of their own', () => {
    const text = `${Array.from({ length: 60 }, (_, at) => `k${at}: v`).join('\n')}\n`
    const edits = [0, 1, 20, 27, 35, 43, 59].map((at) => ({ path: [`k${at}`], value: `w${at}` }))
    const { text: edited, diff } = edit(text, ...edits)
    // Where six lines or fewer lie between two, their surroundings touch.
    expect(diff.match(/^@@.*@@$/gm)).toEqual([
      '@@ -1,5 +1,5 @@',
      '@@ -18,14 +18,14 @@',
      '@@ -33,7 +33,7 @@',
      '@@ -41,7 +41,7 @@',
      '@@ -57,4 +57,4 @@',
    ])
    expect(patched(text, diff)).toBe(edited)
  })

  it('that say the same already change nothing', () => {
    expect(edit('a: "b"\n', { path: ['a'], value: 'b' })).toEqual({ text: 'a: "b"\n', diff: '' })
  })

  it('keep a byte order mark', () => {
    expect(edit('\uFEFFa: b\n', { path: ['a'], value: 'c' }).text).toBe('\uFEFFa: c\n')
  })

  it('are nowhere else', () => {
    expect(() => edit('a: [b]\n', { path: ['a'], value: 'c' })).toThrow('a of x.yaml is no scalar')
  })
})

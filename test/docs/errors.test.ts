import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Computed, codesOf } from './codes.ts'
import { isNode, nameOf, readSource, readSources, walk } from './syntax.ts'

const src = fileURLToPath(new URL('../../src', import.meta.url))
const document = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** Codes that only a run could tell. */
const computed: Computed = {
  // What a registry says, where it is one of the spec's codes.
  'registry/errors.ts: faults.find((one) => kept.has(one.code))?.code': { elementsOf: 'kept' },
}

/** Texts of this form that are given to calls and are no codes: other programs' words and variables. */
const foreign =
  /^(NO|HTTPS?)_PROXY$|^GIT_CONFIG$|^(E[A-Z]+|EAI|ERR|UND|HPE)_|^(GITHUB|ACTIONS|RUNNER|INPUT|SLIPWAY)_/

const sources = readSources(src)
const found = codesOf(sources, computed)

/** Rows of the table of codes: code, ends with, meaning, remedy. */
const rows = [...document.matchAll(/^\| `([A-Z0-9_]+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map((match) => ({
  code: match[1] ?? '',
  ends: match[2] ?? '',
}))

function example(text: string, entries: Computed = {}) {
  const { codes, unknown } = codesOf([readSource(src, 'example/one.ts', text)], entries)
  return { codes: [...codes].map(([code, ways]) => `${code} ${[...ways]}`).sort(), unknown: [...unknown] }
}

const imports = "import { badInput, refused, SlipwayError } from '../core/error.ts'\n"

describe('docs/errors.md', () => {
  it('has every code of the source and no other', () => {
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.map((row) => row.code).sort()).toEqual([...found.codes.keys()].sort())
  })

  it('says how each code ends', () => {
    const ends = (code: string) => [...(found.codes.get(code) ?? [])].sort().join(', ')
    expect(rows).toEqual(rows.map(({ code }) => ({ code, ends: ends(code) })))
  })

  it('is sorted, with every code in capitals', () => {
    const codes = rows.map((row) => row.code)
    expect(codes).toEqual([...codes].sort())
    expect([...found.codes.keys()].filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code))).toEqual([])
  })

  it('has no row that the table does not show', () => {
    const lines = document.split('\n').filter((line) => line.startsWith('| `'))
    expect(lines.length).toBe(rows.length)
  })
})

describe('the search for codes', () => {
  it('knows the value of every code, by itself or by the list above', () => {
    expect([...found.unknown]).toEqual([])
    expect([...found.used].sort()).toEqual(Object.keys(computed).sort())
  })

  it('leaves no text out that looks like a code and is given to a call or called code', () => {
    const isCode = (node: unknown) =>
      isNode(node) &&
      node.type === 'Literal' &&
      /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(typeof node.value === 'string' ? node.value : '')
    const seen: string[] = []
    for (const source of sources)
      walk(source.program, [], (node) => {
        const given = Array.isArray(node.arguments) ? node.arguments : []
        const called = node.type === 'Property' && nameOf(node.key) === 'code' ? [node.value] : []
        for (const one of [...given, ...called]) if (isCode(one)) seen.push(String(one.value))
      })
    expect(seen.length).toBeGreaterThan(100)
    expect([...new Set(seen)].filter((one) => !found.codes.has(one) && !foreign.test(one))).toEqual([])
  })

  it('finds codes in new, in the shorthands, in findings and in warnings', () => {
    const text = `${imports}
      export const a = new SlipwayError('A_ONE', '')
      export const b = badInput('B_ONE', '')
      export const c = refused(\`C_ONE\`, '')
      export const d = { code: 'D_ONE', level: 'error', place }
      report.emit({ type: 'warning', code: 'E_ONE', message: '' })
      export const f = new SlipwayError('F_ONE', '', { exit: 3 })`
    expect(example(text).codes).toEqual([
      'A_ONE 1',
      'B_ONE 2',
      'C_ONE 3',
      'D_ONE finding',
      'E_ONE warning',
      'F_ONE 3',
    ])
  })

  it('follows choices, constants, templates, parameters, classes and helpers', () => {
    const text = `${imports}
      type Part = 'LAYOUT' | 'ARCHIVE'
      export function choice(yes: boolean) { return badInput(yes ? 'A_YES' : 'A_NO', '') }
      const fixed = 'B_FIXED'
      export const b = badInput(fixed, '')
      export function part(kind: Part) { return badInput(\`\${kind}_BROKEN\`, '') }
      function make(code: string) { return refused(code, '') }
      make('C_MADE')
      class Special extends SlipwayError { constructor(code: string) { super(code, '') } }
      new Special('D_SPECIAL', { exit: 2 })
      const add = (key: string) => found.push({ code: \`E_\${key.toUpperCase()}\`, level: 'error', place })
      add('name')
      const pick = (yes: boolean) => (yes ? 'F_ONE' : 'F_TWO')
      badInput(pick(true), '')`
    expect(example(text)).toEqual({
      codes: [
        'ARCHIVE_BROKEN 2',
        'A_NO 2',
        'A_YES 2',
        'B_FIXED 2',
        'C_MADE 3',
        'D_SPECIAL 2',
        'E_NAME finding',
        'F_ONE 2',
        'F_TWO 2',
        'LAYOUT_BROKEN 2',
      ],
      unknown: [],
    })
  })

  it('reports what it cannot follow', () => {
    const text = `${imports}
      export function make(code: string) { return badInput(code, '') }
      export const b = badInput(table.word, '')`
    expect(example(text).unknown).toEqual(['example/one.ts: code', 'example/one.ts: table.word'])
  })

  it('takes the code of another error or finding for passed on', () => {
    const text = `${imports}
      export const a = (error: Error) => badInput(error.code, '')
      export const b = ({ code }: Finding) => ({ code, level: 'error' })
      export function c(one: Finding) { const { code } = one; return { code, level: 'error' } }
      for (const { code } of findings) badInput(code, '')`
    expect(example(text)).toEqual({ codes: [], unknown: [] })
  })

  it('reads every file of the source', () => {
    let nodes = 0
    for (const source of sources) walk(source.program, [], () => nodes++)
    expect(sources.length).toBeGreaterThan(100)
    expect(nodes).toBeGreaterThan(sources.length * 100)
  })
})

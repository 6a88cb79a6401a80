import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { inputsOf, metadata, withTables } from '../../scripts/actions.ts'
import { settingInputs } from '../../src/github/action.ts'
import { actions } from '../../src/github/table.ts'
import { root } from './runner.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe.each(Object.entries(actions))('%s/action.yml', (folder, action) => {
  const document = parse(read(join(folder, 'action.yml')))

  it('is what scripts/actions.ts writes', () => {
    expect(read(join(folder, 'action.yml'))).toBe(metadata(folder, action))
  })

  it('has exactly the inputs that the code reads, and the outputs that it writes', () => {
    const settings = settingInputs(action).map((one) => one.input)
    expect(settings).toHaveLength(action.settings.length)
    expect(Object.keys(document.inputs)).toEqual([...Object.keys(action.own), ...settings])
    expect(Object.keys(document.outputs)).toEqual(Object.keys(action.outputs))
    for (const { name, description, ...input } of inputsOf(action)) {
      expect(description.length).toBeGreaterThan(10)
      expect(document.inputs[name]).toEqual({ description, ...input })
    }
  })

  it('runs its bundle with Node 24', () => {
    expect(document.runs.using).toBe('node24')
    expect(existsSync(join(root, folder, document.runs.main))).toBe(true)
  })

  it('is documented with every input and output', () => {
    const text = read('docs/actions.md')
    expect(withTables(text)).toBe(text)
    const section = text.split(`<!-- ${action.name}: inputs and outputs -->`)[1]?.split('<!-- end -->')[0]
    for (const name of [...Object.keys(document.inputs), ...Object.keys(document.outputs)])
      expect(section).toContain(`| \`${name}\``)
  })
})

describe('the folders', () => {
  it('of actions are all in the table', () => {
    const folders = readdirSync(join(root, 'actions')).map((name) => `actions/${name}`)
    expect(['.', ...folders].sort()).toEqual(Object.keys(actions).sort())
    const entries = readdirSync(join(root, 'src/actions')).map((name) => name.replace(/\.ts$/, ''))
    expect(entries.sort()).toEqual(
      Object.values(actions)
        .map((one) => one.name)
        .sort(),
    )
  })
})

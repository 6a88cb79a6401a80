import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { withReference } from '../../scripts/cli-reference.ts'
import { commands } from '../../src/cli/table.ts'

const path = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))

describe('docs/cli.md', () => {
  it('lists every command and flag as the source has them (node scripts/cli-reference.ts)', () => {
    const text = readFileSync(path, 'utf8')
    expect(text).toBe(withReference(text))
  })

  it('would be found out of date', () => {
    const text = readFileSync(path, 'utf8')
    const stale = text.replace('### slipway tags', '### slipway labels')
    expect(stale).not.toBe(withReference(stale))
    expect(() => withReference('no marks')).toThrow('lost the marks')
  })

  it('says of every command what its JSON document holds', () => {
    const text = readFileSync(path, 'utf8')
    const silent = ['login', 'logout']
    for (const { name } of commands)
      if (!silent.includes(name)) expect(text, name).toContain(`- \`${name}\`: `)
  })
})

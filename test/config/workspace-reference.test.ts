import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { schemas } from '../../scripts/schemas.ts'
import { readWorkspace } from '../../src/config/workspace.ts'

const page = await readFile(new URL('../../docs/workspace.md', import.meta.url), 'utf8')

const read = (text: string) =>
  readWorkspace(
    text,
    { name: 'x', root: '/ws' },
    { home: '/home/robin', giteaUrl: 'https://git.example.org' },
  )

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
}

function keysOf(schema: JsonSchema, path = ''): string[] {
  if (schema.properties === undefined) return [path]
  return Object.entries(schema.properties).flatMap(([key, inner]) =>
    keysOf(inner, path === '' ? key : `${path}.${key}`),
  )
}

/** First cells of the rows of the table below a heading row. */
function cells(heading: string): string[] {
  const table = page.slice(page.indexOf(heading)).split('\n\n')[0] ?? ''
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = '']) => cell)
}

describe('docs/workspace.md', () => {
  it('has a row for every key and no other', () => {
    const keys = keysOf(JSON.parse(schemas['workspace.schema.json']))
    // What is said of the two blocks holds for both places.
    const own = keys.filter((key) => !/^dependencies\.(registry|platform)\./.test(key))
    expect(own.length).toBeLessThan(keys.length)
    expect(cells('| key | meaning').sort()).toEqual(own.sort())
  })

  it('shows a workspace that is read as it stands', () => {
    const workspace = read(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    expect(workspace.findings).toEqual([])
    expect(workspace.modules.map(({ name, text }) => `${name} ${text}`)).toEqual([
      'upcloud ^1.6',
      'kubernetes ^1.28',
    ])
  })

  it('lists entries that mean what it says', () => {
    const entries = cells('| entry | what it is')
    const modules = entries.map((entry) => {
      const own = `{oci: {registry: ghcr.io}, modules: {taskservs: [${JSON.stringify(entry)}]}}`
      return read(`dependencies: {extensions: ${own}}`).modules[0]
    })
    expect(modules.map((module) => module?.name)).toEqual(entries.map(() => 'kubernetes'))
    expect(modules.map((module) => module?.source.type)).toEqual([
      'oci',
      'oci',
      'layout',
      'archive',
      'folder',
      'tarball',
      ...Array.from({ length: 5 }, () => 'git'),
    ])
  })
})

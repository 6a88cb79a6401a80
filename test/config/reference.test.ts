import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { schemas } from '../../scripts/schemas.ts'
import { readSlipwayYaml } from '../../src/config/slipway-yaml.ts'
import { defaultLayouts, kinds } from '../../src/extension/kinds.ts'
import { readManifest } from '../../src/extension/manifest.ts'
import { settingsTable } from './settings-table.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | false
  readonly description?: string
}

/** `registries.<host>.ca` for every leaf and every described branch. */
function keysOf(schema: JsonSchema, path = '', wildcard = ''): string[] {
  const under = (key: string, inner: JsonSchema) => keysOf(inner, path === '' ? key : `${path}.${key}`, key)
  if (schema.properties !== undefined)
    return Object.entries(schema.properties).flatMap(([key, inner]) => under(key, inner))
  if (typeof schema.additionalProperties === 'object' && wildcard === 'registries')
    return [path, ...under('<host>', schema.additionalProperties)]
  return [path]
}

const rowsOf = (text: string, heading: string) => {
  const table = text.slice(text.indexOf(heading)).split('\n\n')[0] ?? ''
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1])
}

describe('the JSON schemas', () => {
  test.each(Object.entries(schemas))(
    '%s is what the program checks (npm run schemas)',
    async (name, expected) => {
      expect(await read(`schemas/${name}`)).toBe(expected)
    },
  )

  test('describe every key', () => {
    for (const text of Object.values(schemas)) {
      const { properties = {} } = JSON.parse(text) as JsonSchema
      for (const [key, schema] of Object.entries(properties)) expect(schema.description, key).toMatch(/\w/)
    }
  })
})

describe('the reference pages', () => {
  test('manifest.md has a row for every key and no other', async () => {
    const keys = keysOf(JSON.parse(schemas['manifest.schema.json']))
    expect(rowsOf(await read('docs/manifest.md'), '| key | required').sort()).toEqual(keys.sort())
  })

  test('slipway-yaml.md has a row for every key and no other', async () => {
    const keys = keysOf(JSON.parse(schemas['slipway.schema.json']))
    const wanted = new Set(keys.map((key) => key.replace(/^kinds\.\w+/, 'kinds.<kind>')))
    const rows = rowsOf(await read('docs/slipway-yaml.md'), '| key | meaning')
    expect(rows.sort()).toEqual([...wanted, 'kinds'].sort())
  })

  test('slipway-yaml.md has the table of settings as the program has it', async () => {
    expect(await read('docs/slipway-yaml.md')).toContain(`\n${settingsTable()}`)
  })

  test('slipway-yaml.md tells the usual layout', async () => {
    const page = await read('docs/slipway-yaml.md')
    const text = page.slice(page.indexOf('## The usual layout'))
    for (const kind of kinds) {
      const { folder, gitTag, name, registryTag, repository, prefix } = defaultLayouts[kind]
      const row = text.split('\n').find((line) => line.startsWith(`| \`${kind}\` |`)) ?? ''
      const path = name === undefined ? repository : repository.replace('{name}', name)
      expect(row).toContain(`\`${gitTag.replace('{folder}', folder)}\``)
      expect(row).toContain(`| \`${prefix === '' ? path : `${prefix}/${path}`}\` |`)
      expect(row).toContain(`| \`${registryTag}\` |`)
    }
  })

  test('their examples are valid', async () => {
    const yamlOf = (text: string) => /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
    expect(readManifest(yamlOf(await read('docs/manifest.md')), 'x').findings).toEqual([])
    expect(readSlipwayYaml(yamlOf(await read('docs/slipway-yaml.md')), 'x', '/').value.version).toBe(1)
  })
})

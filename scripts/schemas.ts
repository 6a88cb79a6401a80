import { writeFile } from 'node:fs/promises'
import { type $ZodType, toJSONSchema } from 'zod/v4/core'
import { mirrorSchema } from '../src/config/mirror-yaml.ts'
import { retentionSchema } from '../src/config/retention-yaml.ts'
import { slipwaySchema } from '../src/config/slipway-yaml.ts'
import { workspaceSchema } from '../src/config/workspace-schema.ts'
import { manifestSchema } from '../src/extension/manifest.ts'

/** The JSON Schemas that editors read, by file name under `schemas/`; a test holds the files to them. */
export const schemas = {
  'manifest.schema.json': text('manifest.yaml of an extension', manifestSchema),
  'mirror.schema.json': text('mirror.yaml', mirrorSchema),
  'retention.schema.json': text('retention.yaml', retentionSchema),
  'slipway.schema.json': text('slipway.yaml', slipwaySchema),
  'workspace.schema.json': text('config/provisioning.yaml of a workspace', workspaceSchema),
} as const

function text(title: string, schema: $ZodType): string {
  const { $schema, ...rest } = toJSONSchema(schema, { io: 'input' })
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`
}

if (import.meta.main)
  for (const [name, content] of Object.entries(schemas))
    await writeFile(new URL(`../schemas/${name}`, import.meta.url), content)

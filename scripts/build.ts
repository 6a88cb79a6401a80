/**
 * Builds `dist/`: one small ESM file per action and one for the command line, over shared chunks with
 * stable names, so that a change shows as a diff in place. Run by Node itself: `npm run build`.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? join(root, 'dist')

const input: Record<string, string> = { slipway: join(root, 'src/cli/main.ts') }
for (const file of readdirSync(join(root, 'src/actions')))
  input[file.replace(/\.ts$/, '')] = join(root, 'src/actions', file)

rmSync(out, { recursive: true, force: true })
const bundle = await rolldown({
  cwd: root,
  input,
  platform: 'node',
  // An import that cannot be resolved would become an external one and fail on the runner only.
  onLog(level, log, next) {
    if (log.code === 'UNRESOLVED_IMPORT' || level === 'warn') throw new Error(log.message)
    next(level, log)
  },
  transform: { define: { SLIPWAY_VERSION: JSON.stringify(version()) } },
})
await bundle.write({
  dir: out,
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunks/[name].mjs',
  minify: { compress: true, mangle: true, codegen: { removeWhitespace: false } },
  legalComments: 'inline',
  banner: (chunk) => (chunk.name === 'slipway' && chunk.isEntry ? '#!/usr/bin/env node' : ''),
})
await bundle.close()

function version(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

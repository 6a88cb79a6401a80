/**
 * Builds `dist/`: one small ESM file per action and one for the command line, over shared chunks whose names
 * follow from what is in them, so that a change shows as a diff in place. The same sources give the same
 * bytes in any folder. Run by Node itself: `npm run build [folder]`.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PreRenderedChunk, rolldown } from 'rolldown'
import { licences } from './licences.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? join(root, 'dist')
/** Bytes of everything in `dist/`: each run of an action downloads it. */
const largest = 4 * 1024 * 1024

const input: Record<string, string> = { slipway: join(root, 'src/cli/main.ts') }
for (const file of readdirSync(join(root, 'src/actions')).sort())
  input[file.replace(/\.ts$/, '')] = join(root, 'src/actions', file)

const bundle = await rolldown({
  cwd: root,
  input,
  platform: 'node',
  // Nobody imports from the bundles, so entries need not keep their exports apart.
  preserveEntrySignatures: false,
  // An import that cannot be resolved would become an external one and fail on the runner only.
  onLog(level, log, next) {
    if (level === 'warn' || log.code === 'UNRESOLVED_IMPORT') throw new Error(`${log.code}: ${log.message}`)
    next(level, log)
  },
  transform: { target: 'node22', define: { SLIPWAY_VERSION: JSON.stringify(packageVersion()) } },
  // The toolkit's OIDC client and with it a second HTTP stack stay out of actions that ask for no token.
  treeshake: { moduleSideEffects: [{ test: /\/node_modules\/(@actions\/|tunnel\/)/, sideEffects: false }] },
})
rmSync(out, { recursive: true, force: true })
const { output } = await bundle.write({
  dir: out,
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: (chunk) => `chunks/${chunkName(chunk)}.mjs`,
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [{ name: packageOf, debugName: 'package', test: /\/node_modules\//, priority: 1 }],
  },
  minify: true,
  comments: { legal: false, annotation: false, jsdoc: false },
  banner: (chunk) => (chunk.name === 'slipway' && chunk.isEntry ? '#!/usr/bin/env node' : ''),
})
await bundle.close()

const chunks = output.filter((one) => one.type === 'chunk')
const names = chunks.map((chunk) => chunk.fileName)
const twice = names.filter((name, at) => names.indexOf(name) !== at || /\d\.mjs$/.test(name))
if (twice.length > 0) throw new Error(`two chunks want one name: ${twice.join(', ')}`)
writeFileSync(join(out, 'LICENSES.txt'), licences(chunks.flatMap((chunk) => chunk.moduleIds)))
chmodSync(join(out, 'slipway.mjs'), 0o755)

const size = readdirSync(out, { recursive: true, encoding: 'utf8' })
  .map((name) => statSync(join(out, name)))
  .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)
process.stdout.write(
  `${names.length + 1} files, ${Math.ceil(size / 1024)} KiB in ${relative('.', out) || out}\n`,
)
if (size > largest) throw new Error(`dist is ${size} bytes; the limit is ${largest}`)

/** Every package that is bundled has a chunk of its own: `yaml`, `actions-core`. */
function packageOf(id: string): string | null {
  const path = id.split(`${sep}node_modules${sep}`).at(-1)?.split(sep)
  if (path === undefined) return null
  return (path[0]?.startsWith('@') ? `${path[0].slice(1)}-${path[1]}` : path[0]) ?? null
}

/**
 * A chunk is called after its entry, or after the first of its own modules: a module is in one chunk only.
 * What only passes on what stands in another chunk is called after that with `-entry`.
 */
function chunkName({ name, moduleIds, facadeModuleId }: PreRenderedChunk): string {
  const first = facadeModuleId ?? moduleIds.filter(isOwn).sort()[0]
  if (first === undefined) return name
  const path = isOwn(first) ? pathName(first) : (packageOf(first) ?? name)
  return moduleIds.length === 0 ? `${path}-entry` : path
}

function isOwn(id: string): boolean {
  return id.startsWith(join(root, 'src'))
}

function pathName(id: string): string {
  return relative(join(root, 'src'), id).replace(/\.ts$/, '').split(sep).join('-')
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
}

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** Rooms by floor; imports go downward only. docs/map.md shows the same table. */
const floors: readonly (readonly string[])[] = [
  ['core', 'oci', 'version'],
  ['tree', 'tarball', 'process', 'http', 'store'],
  ['extension', 'git', 'kcl'],
  ['registry', 'package', 'publishing', 'release', 'solver', 'lockfile', 'retention', 'install', 'mirroring'],
  ['config', 'sources', 'open'],
  ['tasks'],
  ['cli', 'github'],
  ['actions'],
]

const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)))

interface Import {
  readonly from: string
  readonly to: string
}

function files(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : []
  })
}

/** Every specifier of a static or dynamic import or re-export, types included. */
function specifiers(source: string): string[] {
  return [...source.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g)].map(([, text]) => text ?? '')
}

function roomOf(path: string): string {
  return relative(src, path).split(sep)[0] ?? ''
}

function imports(): Import[] {
  return files(src).flatMap((file) =>
    specifiers(readFileSync(file, 'utf8'))
      .filter((one) => one.startsWith('.'))
      .map((one) => ({ from: file, to: resolve(dirname(file), one) })),
  )
}

/** Why an import is against the plan, or undefined. */
function fault({ from, to }: Import): string | undefined {
  const [here, there] = [roomOf(from), roomOf(to)]
  const [low, high] = [floorOf.get(here), floorOf.get(there)]
  const path = `${relative(src, from)} → ${relative(src, to)}`
  if (low === undefined || high === undefined) return `${path}: a room without a floor`
  if (here === there) {
    const ports = new Set(['context.ts', 'outcome.ts', 'options.ts', 'resolution.ts'])
    const sibling = here === 'tasks' && !ports.has(relative(join(src, 'tasks'), to))
    return sibling ? `${path}: tasks never import each other` : undefined
  }
  if (high > low) return `${path}: upward, from floor ${low} to ${high}`
  if (high === low && low >= 2) return `${path}: rooms of floor ${low} never import each other`
  if (low === 5 && there === 'open') return `${path}: tasks get what opens stores from their context`
  if (low === 6 && high > 2 && !['config', 'open', 'tasks'].includes(there))
    return `${path}: floor 6 uses tasks`
  return undefined
}

describe('import floors', () => {
  it('finds the rooms it knows and no others', () => {
    const rooms = readdirSync(src).filter((name) => statSync(join(src, name)).isDirectory())
    expect(rooms.filter((room) => !floorOf.has(room))).toEqual([])
    expect(imports().length).toBeGreaterThan(100)
  })

  it('only go downward', () => {
    expect(
      imports()
        .map(fault)
        .filter((one) => one !== undefined),
    ).toEqual([])
  })

  it('would be caught going upward, sideways and from task to task', () => {
    const path = (text: string) => join(src, text)
    expect(fault({ from: path('oci/a.ts'), to: path('store/b.ts') })).toMatch('upward')
    expect(fault({ from: path('registry/a.ts'), to: path('package/b.ts') })).toMatch(
      'never import each other',
    )
    expect(fault({ from: path('tasks/a.ts'), to: path('tasks/b.ts') })).toMatch('tasks never import')
    expect(fault({ from: path('tasks/a.ts'), to: path('open/open.ts') })).toMatch('from their context')
    expect(fault({ from: path('cli/a.ts'), to: path('registry/b.ts') })).toMatch('floor 6 uses tasks')
    expect(fault({ from: path('tasks/a.ts'), to: path('store/b.ts') })).toBeUndefined()
  })

  it('keep the runner and the environment on the upper floors', () => {
    const found = files(src)
      .filter((file) => (floorOf.get(roomOf(file)) ?? 0) < 6)
      .filter((file) => {
        const source = readFileSync(file, 'utf8')
        return specifiers(source).some((one) => one.startsWith('@actions/')) || /process\.env\b/.test(source)
      })
    expect(found.map((file) => relative(src, file))).toEqual([])
  })

  it('keep core free of input and output', () => {
    const found = files(join(src, 'core')).filter((file) =>
      specifiers(readFileSync(file, 'utf8')).some((one) =>
        /^node:(fs|net|http|https|child_process)/.test(one),
      ),
    )
    expect(found).toEqual([])
  })
})

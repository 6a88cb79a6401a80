import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  anchors,
  brokenLink,
  fenced,
  flags,
  links,
  namedPaths,
  npmScripts,
  readDocuments,
  root,
  slipwayCommands,
} from './documents.ts'

const documents = readDocuments()
const read = (path: string) => readFileSync(join(root, path), 'utf8')
/** Documents about Slipway, not about what the examples install. */
const own = documents.filter(({ file }) => !file.startsWith('examples/'))
const readme = { file: 'README.md', text: read('README.md') }

/** Flags of other programs that the documents call. */
const foreign = new Set(
  [
    '--oci-layout',
    '--raw',
    '--tls-verify',
    '--global',
    '--add',
    '--filter',
    '--write',
    '--silent',
    '--format',
  ].concat(['--plain-http', '--local-repository', '--reporter']),
)

/** The program's own list of commands. */
function commands(): string[] {
  const help = execFileSync(process.execPath, [join(root, 'src/cli/main.ts'), '--help'], { encoding: 'utf8' })
  const list = /^commands:\n((?: {2,}.*\n?)+)/im.exec(help)?.[1] ?? ''
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name)
}

describe('the documents', () => {
  it('are there', () => {
    const names = documents.map((one) => one.file)
    expect(names).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/map.md', 'docs/flow.md']),
    )
    expect(names.filter((name) => name.startsWith('docs/adr/')).length).toBeGreaterThan(7)
  })

  it('link to files and headings that exist', () => {
    const all = documents.flatMap((document) => links(document.text).map((link) => ({ document, link })))
    expect(all.length).toBeGreaterThan(30)
    expect(all.flatMap(({ document, link }) => brokenLink(document, link) ?? [])).toEqual([])
  })

  it('name files that exist', () => {
    const all = own.flatMap(({ file, text }) => namedPaths(text).map((path) => ({ file, path })))
    expect(all.length).toBeGreaterThan(40)
    expect(all.filter(({ path }) => !existsSync(join(root, path)))).toEqual([])
  })

  it('name no place outside of the project', () => {
    const outside = /(?:^|[\s`"'(=])(\/(?!v2\/|dev\/)[A-Za-z]+\/\S*|[A-Z]:\\\S+)/gm
    const found = own.flatMap(({ file, text }) =>
      [...text.matchAll(outside)].map(([, path]) => `${file}: ${path}`),
    )
    expect(found).toEqual([])
    expect([...'see /home/robin/x and /v2/x'.matchAll(outside)].length).toBe(1)
  })

  it('call commands that the program has', () => {
    const known = commands()
    expect(known).toEqual(expect.arrayContaining(['release', 'package', 'publish', 'pull', 'validate']))
    const called = documents.flatMap(({ file, text }) =>
      slipwayCommands(text).map((name) => ({ file, name })),
    )
    expect(called.length).toBeGreaterThan(10)
    expect(called.filter(({ name }) => !known.includes(name))).toEqual([])
  })

  it('show every command in the README', () => {
    const shown = new Set(slipwayCommands(readme.text))
    expect(commands().filter((name) => name !== 'help' && !shown.has(name))).toEqual([])
  })

  it('use flags that the program has', () => {
    const sources = ['src/cli', 'src/config'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => read(join(folder, name))),
    )
    const known = new Set(sources.flatMap(flags))
    const used = own.flatMap(({ file, text }) => flags(text).map((flag) => ({ file, flag })))
    expect(used.length).toBeGreaterThan(20)
    expect(used.filter(({ flag }) => !known.has(flag) && !foreign.has(flag))).toEqual([])
  })

  it('call npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const called = documents.flatMap(({ file, text }) => npmScripts(text).map((name) => ({ file, name })))
    expect(called.length).toBeGreaterThan(5)
    expect(called.filter(({ name }) => scripts[name] === undefined)).toEqual([])
  })
})

describe('README.md', () => {
  it('shows the workflow that stands in examples/', () => {
    const [, after] = readme.text.split('<!-- the same as examples/workflows/release.yml -->\n')
    const block = fenced(after ?? '')[0]
    expect(block?.language).toBe('yaml')
    expect(block?.code).toBe(read('examples/workflows/release.yml'))
  })
})

describe('docs/map.md', () => {
  const map = read('docs/map.md')
  const rows = [...map.matchAll(/^\| (\d) \| `(\w+)` \| (.+) \|$/gm)].map(
    ([, floor, room]) => `${floor} ${room}`,
  )

  it('has a row for every room, on the floor that the test of imports gives it', () => {
    const source = read('test/architecture/floors.test.ts')
    const list = /const floors[^=]*= \[\n([\s\S]*?)\n\]/.exec(source)?.[1] ?? ''
    const floors = [...list.matchAll(/\[(.*?)\]/g)].map(([, names = '']) =>
      [...names.matchAll(/'(\w+)'/g)].map((one) => one[1]),
    )
    const there = readdirSync(join(root, 'src'))
    const rooms = floors.flatMap((names, floor) =>
      names.filter((name) => there.includes(name ?? '')).map((name) => `${floor} ${name}`),
    )
    expect(rooms.length).toBe(there.length)
    expect(rooms.length).toBeGreaterThan(15)
    expect([...rows].sort()).toEqual(rooms.sort())
  })
})

describe('docs/adr', () => {
  const folder = join(root, 'docs/adr')
  const names = readdirSync(folder).filter((name) => name !== 'README.md')

  it('numbers decisions without a gap, and lists each with its title', () => {
    const list = read('docs/adr/README.md')
    const expected = names.sort().map((name, index) => {
      const number = String(index + 1).padStart(4, '0')
      const title = /^# (\d{4}): (.+)$/m.exec(read(`docs/adr/${name}`))
      return `| [${number}](${name}) | ${title?.[1] === number ? title[2] : `(no title with ${number})`} |`
    })
    expect(list.split('\n').filter((line) => line.startsWith('| ['))).toEqual(expected)
  })

  it.each(names)('%s has a date, a status, a context, a decision and consequences', (name) => {
    const text = read(`docs/adr/${name}`)
    expect(text).toMatch(/^\d{4}-\d{2}-\d{2} · (accepted|superseded by \d{4})$/m)
    expect(anchors(text).slice(1)).toEqual(['context', 'decision', 'consequences'])
  })
})

describe('what reads the documents', () => {
  it('tells what is wrong with a link', () => {
    const document = { file: 'docs/map.md', text: '' }
    expect(brokenLink(document, 'flow.md')).toBeUndefined()
    expect(brokenLink(document, 'flow.md#moving-tags')).toBeUndefined()
    expect(brokenLink(document, 'missing.md')).toMatch('does not exist')
    expect(brokenLink(document, 'flow.md#missing')).toMatch('no such heading')
    expect(brokenLink(document, '../../elsewhere.md')).toMatch('leaves the project')
  })

  it('finds links, paths, commands, scripts and flags', () => {
    const text = [
      'A [link](a.md#b) to `src/core/error.ts`, `slipway release TAG` and `npm run check`.',
      '```sh\nnpx slipway pull x --to y && slipway tags\n```',
    ].join('\n')
    expect(links(text)).toEqual(['a.md#b'])
    expect(namedPaths(text)).toEqual(['src/core/error.ts'])
    expect(slipwayCommands(text)).toEqual(['pull', 'tags', 'release'])
    expect(npmScripts(text)).toEqual(['check'])
    expect(flags(text)).toEqual(['--to'])
  })
})

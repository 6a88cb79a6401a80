import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dist } from './bundle.ts'
import { spread } from './measure.ts'
import { mebibytes, type Row, wholeMilliseconds } from './table.ts'

/**
 * How much longer than an empty program each bundle takes from process start to its end, when it has
 * nothing to do: `--version` and `--help`, and actions that miss their inputs. Also what it reads from
 * `dist/` before its first line of output, and how large `dist/` is.
 */
export function start(scratch: string, runs: number): Row[] {
  const empty = join(scratch, 'empty.mjs')
  writeFileSync(empty, '')
  const cases = readdirSync(dist)
    .filter((name) => name.endsWith('.mjs'))
    .sort()
    .flatMap((name) => (name === 'slipway.mjs' ? [`${name} --version`, `${name} --help`] : [name]))
  const took = new Map<string, number[]>(['', ...cases].map((name) => [name, []]))
  // In turn, so that what else the machine does falls on all alike.
  for (let at = 0; at <= runs; at++) {
    for (const [name, values] of took) {
      const [file = '', ...args] = name.split(' ')
      const start = performance.now()
      launch([file === '' ? empty : join(dist, file), ...args], scratch)
      if (at > 0) values.push(performance.now() - start)
    }
  }
  const bare = spread(took.get('') ?? [])
  const rows: Row[] = [
    { what: 'start of bare node', min: wholeMilliseconds(bare.min), median: wholeMilliseconds(bare.median) },
  ]
  for (const name of cases) {
    const { min, median } = spread(took.get(name) ?? [])
    rows.push({
      what: `start of ${name} above it`,
      min: wholeMilliseconds(min - bare.min),
      median: wholeMilliseconds(median - bare.median),
      goal: '≤ 80 ms',
    })
  }
  for (const name of cases) {
    const size = mebibytes(loaded(name, scratch))
    rows.push({ what: `loaded by ${name} before a line`, min: size, median: size, goal: '≤ 1 MB' })
  }
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((name) =>
    statSync(join(dist, name)),
  )
  const whole = mebibytes(files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0))
  return [...rows, { what: 'size of dist', min: whole, median: whole, goal: '≤ 4 MB' }]
}

/** Bytes of modules that were loaded when the first line was written. */
function loaded(name: string, scratch: string): number {
  const [file = '', ...args] = name.split(' ')
  const list = join(scratch, `${name}.loaded`)
  writeFileSync(list, '')
  const hook = ['--import', join(import.meta.dirname, 'loaded.ts')]
  launch([...hook, join(dist, file), ...args], scratch, { BENCH_LOADED: list })
  const files = new Set(readFileSync(list, 'utf8').split('\n'))
  files.delete('')
  if (files.size === 0) throw new Error(`${name} loaded nothing`)
  return [...files].reduce((sum, url) => sum + statSync(fileURLToPath(url)).size, 0)
}

/** Runs Node where no inputs, repository or configuration are; a program that misses its input may fail. */
function launch(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): void {
  const { PATH = '', HOME = '' } = process.env
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd,
    encoding: 'utf8',
    env: { PATH, HOME, ...env },
  })
  // Undefined inputs end an action with 1 or 2; anything else is a crash.
  if (status === null || status > 2 || /Cannot find module|SyntaxError/.test(stderr))
    throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
}

/**
 * `npm run bench [many|large|start|mirror|solve]…`: prints measured ratios as one Markdown table. Absolute times depend
 * on the machine and on what else it does; the ratios within one run are what counts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { large } from './large.ts'
import { many } from './many.ts'
import { mirror } from './mirror.ts'
import { solve } from './solve.ts'
import { start } from './start.ts'
import { type Row, table } from './table.ts'

/** Counted runs of each contender. */
const runs = process.env.BENCH_RUNS === undefined ? undefined : Number(process.env.BENCH_RUNS)

const benches: Readonly<Record<string, (scratch: string) => Promise<Row[]>>> = {
  many: (scratch) => many(scratch, runs ?? 7),
  large: (scratch) => large(scratch, runs ?? 5),
  start: async (scratch) => start(scratch, runs ?? 15),
  mirror: (scratch) => mirror(scratch, runs ?? 3, Number(process.env.BENCH_DELAY ?? 0)),
  solve: () => solve(runs ?? 7),
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches)
const rows: Row[] = []
for (const name of wanted) {
  const bench = benches[name]
  if (bench === undefined) throw new Error(`${name} is not one of ${Object.keys(benches).join(', ')}`)
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  try {
    rows.push(...(await bench(scratch)))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
process.stdout.write(`${table(rows)}\n`)

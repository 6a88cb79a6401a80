/** One measured thing beside what it is held against. */
export interface Row {
  readonly what: string
  readonly min: string
  readonly median: string
  /** Median beside the other program's median, or beside bare Node. */
  readonly ratio?: string
  readonly goal?: string
}

/** A Markdown table, which a terminal shows as well as the documentation does. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ['', 'min', 'median', 'ratio', 'goal'],
    ...rows.map(({ what, min, median, ratio = '', goal = '' }) => [what, min, median, ratio, goal]),
  ]
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...cells.map((row) => row[at]?.length ?? 0), 3))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)].join(
    '\n',
  )
}

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`
export const wholeMilliseconds = (milliseconds: number): string => `${Math.round(milliseconds)} ms`
export const fineMilliseconds = (milliseconds: number): string => `${milliseconds.toFixed(2)} ms`
export const mebibytes = (bytes: number): string =>
  `${(bytes / 1024 / 1024).toFixed(bytes < 10 << 20 ? 2 : 0)} MiB`
export const times = (ratio: number): string => `${ratio.toFixed(2)}×`

import { styleText } from 'node:util'

/** How a style is applied; the identity where colours are off. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

/** Colours for a terminal that wants them: a TTY, without `NO_COLOR` (https://no-color.org). */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

/**
 * Text from outside, made harmless for a terminal: control characters (escape sequences, line ends, bidi
 * overrides) become visible, so that a tag or file name cannot rewrite the screen.
 */
export function clean(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (one) => {
    const code = one.charCodeAt(0)
    return `\\u{${code.toString(16)}}`
  })
}

/** The same, but line ends stay: for messages of several lines. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n')
}

/** `12.3 MiB`: bytes as people read them, powers of 1024. */
export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `0.42 s`, `3 min 5 s`. */
export function showTime(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`
  const seconds = Math.round(milliseconds / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Rows with their columns aligned; two spaces between, none at the end of a line. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

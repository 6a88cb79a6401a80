/**
 * Text from outside as Markdown that shows it as it is: whatever could open a link, a mention, HTML, emphasis
 * or a table cell becomes a character reference, which Markdown never reads as structure.
 */
export function plain(text: string): string {
  return text
    .replace(/[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .replace(/[^\p{L}\p{N} ./,-]/gu, reference)
    .replace(/(?<=www)\./gi, reference)
}

/** The same in a fixed-width font. */
export function code(text: string): string {
  return `<code>${plain(text)}</code>`
}

/** A table; cells must already be Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** As many whole lines as fit. */
export function fitting(text: string, bytes: number, rest: string): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const lines = text.split('\n')
  let size = Buffer.byteLength(rest) + 2
  const kept = lines.findIndex((line) => {
    size += Buffer.byteLength(line) + 1
    return size > bytes
  })
  return [...lines.slice(0, kept), '', rest].join('\n')
}

function reference(one: string): string {
  return `&#${one.codePointAt(0)};`
}

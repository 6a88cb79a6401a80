import { isScalar, LineCounter, parseDocument, type Scalar } from 'yaml'
import type { Path } from '../extension/yaml.ts'

/** A scalar of a YAML file and what it shall say instead. */
export interface ScalarEdit {
  readonly path: Path
  readonly value: string
}

export interface EditedText {
  readonly text: string
  /** In the unified format, of the changed lines with three around them; empty where nothing changes. */
  readonly diff: string
}

/** Lines shown around a change. */
const around = 3

/**
 * Puts other values into scalars of a YAML file; every other byte stays, and so do quotes.
 * @param name the file, for the diff
 * @throws Error where a path leads to no scalar
 */
export function editScalars(text: string, edits: readonly ScalarEdit[], name: string): EditedText {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: false, lineCounter })
  const lineOf = (offset: number) => lineCounter.linePos(offset).line - 1
  const spans = edits
    .map(({ path, value }) => {
      const node = document.getIn(path, true)
      if (!isScalar(node) || !node.range) throw new Error(`${path.join('.')} of ${name} is no scalar`)
      const [start, end] = node.range
      // A block scalar's text holds the end of its last line too.
      const lineEnd = /\r?\n$/.exec(text.slice(start, end))?.[0] ?? ''
      return { start, end: end - lineEnd.length, written: written(value, node) }
    })
    .filter(({ start, end, written: now }) => text.slice(start, end) !== now)
    .sort((a, b) => a.start - b.start)
  let edited = ''
  let at = 0
  const changes: Change[] = []
  for (const { start, end, written: now } of spans) {
    edited += text.slice(at, start) + now
    at = end
    const [first, last] = [lineOf(start), lineOf(end)]
    const removed = last - first - (now.split('\n').length - 1)
    const previous = changes.at(-1)
    // Two in one line, as in [a, b], are one change.
    if (previous === undefined || previous.last < first) changes.push({ first, last, removed })
    else changes[changes.length - 1] = { first: previous.first, last, removed: previous.removed + removed }
  }
  edited += text.slice(at)
  return { text: edited, diff: unified(text.split('\n'), edited.split('\n'), changes, name) }
}

function written(value: string, { type }: Scalar): string {
  if (type === 'QUOTE_SINGLE') return `'${value.replaceAll("'", "''")}'`
  // What may mean something to YAML in some place is quoted.
  const plain = /^[a-zA-Z][^,[\]{}#]*$/.test(value) && !/:(\s|$)|\s$/.test(value)
  return type === 'QUOTE_DOUBLE' || !plain ? JSON.stringify(value) : value
}

/** Lines `first` to `last` of the old text, counted from 0, which become `removed` fewer. */
interface Change {
  readonly first: number
  readonly last: number
  readonly removed: number
}

function unified(
  before: readonly string[],
  after: readonly string[],
  changes: readonly Change[],
  name: string,
): string {
  const hunks: Change[][] = []
  for (const change of changes) {
    const hunk = hunks.at(-1)
    const previous = hunk?.at(-1)
    if (hunk !== undefined && previous !== undefined && change.first - previous.last <= 2 * around + 1)
      hunk.push(change)
    else hunks.push([change])
  }
  const lines: string[] = []
  // How many lines the new text is behind.
  let behind = 0
  for (const hunk of hunks) {
    const start = Math.max(0, (hunk[0]?.first ?? 0) - around)
    const end = Math.min(lastLine(before), (hunk.at(-1)?.last ?? 0) + around)
    const body: string[] = []
    const newStart = start - behind
    let at = start
    for (const { first, last, removed } of hunk) {
      body.push(...shown(before, ' ', at, first))
      body.push(...shown(before, '-', first, last + 1))
      body.push(...shown(after, '+', first - behind, last + 1 - behind - removed))
      behind += removed
      at = last + 1
    }
    body.push(...shown(before, ' ', at, end + 1))
    const count = end + 1 - start
    const newCount = count - hunk.reduce((sum, { removed }) => sum + removed, 0)
    lines.push(`@@ -${start + 1},${count} +${newStart + 1},${newCount} @@`, ...body)
  }
  return lines.length === 0 ? '' : [`--- a/${name}`, `+++ b/${name}`, ...lines, ''].join('\n')
}

function shown(lines: readonly string[], sign: string, from: number, to: number): string[] {
  return lines.slice(from, to).flatMap((line, index) => {
    const unended = from + index === lines.length - 1 ? ['\\ No newline at end of file'] : []
    return [`${sign}${line}`, ...unended]
  })
}

/** The last line that has text: what follows the last line end is none. */
function lastLine(lines: readonly string[]): number {
  return lines.at(-1) === '' ? lines.length - 2 : lines.length - 1
}

import { parse, TomlError } from 'smol-toml'
import type { Finding, Place } from '../core/finding.ts'
import { keyOffsets } from './toml-keys.ts'

/** A TOML file that still knows where its keys stand. */
export interface TomlFile {
  /** Undefined where a finding of level error says why. */
  readonly value: Readonly<Record<string, unknown>> | undefined
  readonly findings: readonly Finding[]
  /** Where a key stands; the nearest parent where the path leads nowhere. */
  at(path: readonly string[]): Place
}

/** Bytes: far above any kcl.mod; more is refused before parsing. */
export const largestToml = 1024 * 1024

/** Levels of nesting. */
const deepest = 32

/**
 * Reads one TOML 1.0 document.
 * @param file the name for findings
 */
export function readToml(content: string | Uint8Array, file: string): TomlFile {
  const refuse = (code: string, message: string, place: Place, hint?: string): TomlFile => ({
    value: undefined,
    findings: [{ code, level: 'error', message, place, ...(hint === undefined ? {} : { hint }) }],
    at: () => ({ file }),
  })
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
  if (size > largestToml) return { value: undefined, findings: [tooLarge(size, file)], at: () => ({ file }) }
  const text = typeof content === 'string' ? content : decode(content)
  if (text === undefined)
    return refuse('KCL_MOD_NOT_UTF8', 'The file is not UTF-8 text', { file }, 'Save it as UTF-8.')
  try {
    const value = parse(text, { maxDepth: deepest })
    const offsets = keyOffsets(text)
    const starts = lineStarts(text)
    return {
      value,
      findings: [],
      at(path) {
        for (let length = path.length; length > 0; length--) {
          const offset = offsets.get(JSON.stringify(path.slice(0, length)))
          if (offset !== undefined) return { file, ...lineAndColumn(starts, offset) }
        }
        return { file, line: 1, column: 1 }
      },
    }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column } = error
    return refuse('KCL_MOD_SYNTAX', ownWords(error.message), { file, line, column })
  }
}

export function tooLarge(size: number, file: string): Finding {
  return {
    code: 'KCL_MOD_TOO_LARGE',
    level: 'error',
    message: `The file has ${size} bytes; at most ${largestToml} are read`,
    place: { file },
    hint: 'A kcl.mod holds names and versions alone.',
  }
}

/** The library's first line alone: the rest quotes the file. */
function ownWords(message: string): string {
  const [first = ''] = message.split('\n')
  const what = first.replace(/^Invalid TOML document: /, '').replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
  return `The file is not TOML: ${what.slice(0, 200)}`
}

/** Offsets of the first character of every line. */
function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function lineAndColumn(starts: readonly number[], offset: number): { line: number; column: number } {
  let [low, high] = [0, starts.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

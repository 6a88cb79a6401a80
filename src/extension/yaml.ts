import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { Finding, Place } from '../core/finding.ts'

/** A path into a document: keys and indexes from the root. */
export type Path = readonly (string | number)[]

/** A YAML file read as JSON, that still knows where everything stands. */
export interface YamlFile {
  /** Undefined where a finding of level error says why. */
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** Where a value (or its key) stands; the nearest parent where the path leads nowhere. */
  at(path: Path, part?: 'key' | 'value'): Place
  /** A scalar as written, so that 1.10 does not become 1.1. */
  source(path: Path): string | undefined
}

/** Bytes: nothing people write as YAML for Slipway comes near; more is refused before parsing. */
export const largestYaml = 256 * 1024

/** Levels of nesting. */
const deepest = 64

/** Findings for one file; a file with more has one cause. */
const mostFindings = 50

/**
 * Reads one YAML 1.2 document as plain JSON. Refused, since they serve attacks or surprises more than
 * configuration: aliases, tags of one's own, a second document, duplicate keys, keys that are not text,
 * `__proto__`, numbers that JSON cannot hold, text that is not UTF-8.
 * @param file the name for findings
 * @param largest bytes, for files that a program writes and that grow with what they list
 */
export function readYaml(content: string | Uint8Array, file: string, largest = largestYaml): YamlFile {
  const findings: Finding[] = []
  const refuse = (code: string, message: string, hint?: string): YamlFile => {
    const finding: Finding = { code, level: 'error', message, place: { file }, ...(hint ? { hint } : {}) }
    return { value: undefined, findings: [finding], at: () => ({ file }), source: () => undefined }
  }

  const size = typeof content === 'string' ? content.length : content.byteLength
  if (size > largest)
    return refuse('YAML_TOO_LARGE', `The file has ${size} bytes; at most ${largest} are read`)
  const text = typeof content === 'string' ? content : decode(content)
  if (text === undefined)
    return refuse('YAML_NOT_UTF8', 'The file is not UTF-8 text', 'Save it with the encoding UTF-8.')

  const lines = new LineCounter()
  const add = (code: string, offset: number | undefined, message: string, hint?: string): void => {
    if (findings.length >= mostFindings) return
    findings.push({ code, level: 'error', message, place: place(offset), ...(hint ? { hint } : {}) })
  }
  const place = (offset: number | undefined): Place => {
    if (offset === undefined) return { file }
    const { line, col } = lines.linePos(offset)
    return line === 0 ? { file, line: 1, column: 1 } : { file, line, column: col }
  }

  let root: Node | null
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
      // Ours is linear; the library's compares every key with every other.
      uniqueKeys: false,
      logLevel: 'error',
    })
    const told = new Set<number>()
    for (const error of [...document.errors, ...document.warnings]) {
      // One mistake makes the parser stumble over the rest of its line.
      const { line } = lines.linePos(error.pos[0])
      if (told.has(line)) continue
      told.add(line)
      add('YAML_SYNTAX', error.pos[0], firstLine(error.message), hintFor(error.code))
    }
    if (document.directives.yaml.explicit === true && document.directives.yaml.version !== '1.2')
      add('YAML_SYNTAX', 0, 'The file asks for another YAML than 1.2', 'Remove the %YAML line.')
    root = document.contents
  } catch (error) {
    // The composer is recursive: nesting by the hundred thousand ends its stack, or its patience.
    if (!(error instanceof RangeError)) throw error
    return refuse('YAML_TOO_DEEP', `The file nests deeper than ${deepest} levels`)
  }

  const value = findings.length > 0 ? undefined : toJson(root, add)
  return {
    value: findings.length > 0 ? undefined : value,
    findings,
    at(path, part = 'value') {
      return place(offsetOf(root, path, part))
    },
    source(path) {
      const { node, rest } = descend(root, path)
      return rest === 0 && isScalar(node) ? node.source : undefined
    },
  }
}

type Add = (code: string, offset: number | undefined, message: string, hint?: string) => void

function toJson(node: unknown, add: Add, depth = 0): unknown {
  if (node === null || node === undefined) return null
  const offset = startOf(node)
  if (depth > deepest) {
    add('YAML_TOO_DEEP', offset, `The file nests deeper than ${deepest} levels`)
    return null
  }
  if (isAlias(node)) {
    add('YAML_ALIAS', offset, `The alias *${node.source.slice(0, 50)} is not allowed`, 'Write the value out.')
    return null
  }
  if (isSeq(node)) return node.items.map((item) => toJson(item, add, depth + 1))
  if (isMap(node)) return mapToJson(node.items, add, depth)
  if (isScalar(node)) return scalarToJson(node.value, offset, add)
  add('YAML_SYNTAX', offset, 'Neither a mapping nor a list nor a single value')
  return null
}

function mapToJson(items: readonly unknown[], add: Add, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  const seen = new Set<string>()
  for (const pair of items) {
    if (!isPair(pair)) continue
    const offset = startOf(pair.key)
    const key = isScalar(pair.key) ? pair.key.value : undefined
    if (typeof key !== 'string') {
      add('YAML_KEY_NOT_TEXT', offset ?? startOf(pair.value), 'A key that is not text', 'Put it in quotes.')
      continue
    }
    if (key === '__proto__') add('YAML_KEY_FORBIDDEN', offset, 'The key __proto__ is not allowed')
    else if (seen.has(key))
      add(
        'YAML_KEY_DUPLICATE',
        offset,
        `The key ${quoted(key)} stands here a second time`,
        'Keep one of them.',
      )
    else object[key] = toJson(pair.value, add, depth + 1)
    seen.add(key)
  }
  return object
}

function scalarToJson(value: unknown, offset: number | undefined, add: Add): unknown {
  if (
    typeof value === 'number' &&
    !(Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value))
  )
    add('YAML_NUMBER', offset, 'A number that JSON cannot hold', 'Put it in quotes.')
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value
  add('YAML_SYNTAX', offset, 'A value that JSON cannot hold', 'Put it in quotes.')
  return null
}

/** How far a path leads: the last node reached, its key, and how many steps are left. */
function descend(root: unknown, path: Path): { node: unknown; key: unknown; rest: number } {
  let node = root
  let key: unknown
  for (const [index, step] of path.entries()) {
    if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step]
      key = undefined
      continue
    }
    const pair = isMap(node)
      ? node.items.find((item) => isScalar(item.key) && item.key.value === step)
      : undefined
    if (pair === undefined) return { node, key, rest: path.length - index }
    key = pair.key
    node = pair.value
  }
  return { node, key, rest: 0 }
}

function offsetOf(root: unknown, path: Path, part: 'key' | 'value'): number | undefined {
  const { node, key, rest } = descend(root, path)
  // Something missing is reported where its parent is named.
  const wanted = part === 'key' || rest > 0 ? (startOf(key) ?? startOf(node)) : startOf(node)
  return wanted ?? startOf(key) ?? startOf(root) ?? 0
}

function startOf(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function hintFor(code: string): string | undefined {
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces.'
  if (code === 'MULTIPLE_DOCS') return 'Keep one document in the file.'
  if (code === 'TAG_RESOLVE_FAILED') return 'Remove the tag.'
  return undefined
}

/** Library messages may hold a piece of the file: one line of it, without control characters. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/[\x00-\x1f\x7f]/g, ' ').slice(0, 200)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

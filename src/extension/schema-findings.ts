import { type core, globalRegistry, safeParse } from 'zod/mini'
import type { Finding, Level } from '../core/finding.ts'
import { nearest } from './nearest.ts'
import type { Path, YamlFile } from './yaml.ts'

type Schema = core.$ZodType
type Issue = core.$ZodIssue

export interface SchemaCheck<T> {
  /** Undefined where a finding of level error says why. */
  readonly value: T | undefined
  /** Those of the YAML itself too. */
  readonly findings: readonly Finding[]
}

/**
 * Holds a YAML file against a schema and tells every difference at its place, in words of the file's
 * author rather than the library's.
 * @param codes the findings' prefix: `MANIFEST` gives `MANIFEST_VALUE_INVALID` and `MANIFEST_KEY_UNKNOWN`
 * @param unknown how grave a key is that the schema does not know
 */
export function checkSchema<S extends Schema>(
  schema: S & {
    safeParse(value: unknown): { success: boolean; data?: core.output<S>; error?: { issues: Issue[] } }
  },
  yaml: YamlFile,
  codes: string,
  unknown: Level,
): SchemaCheck<core.output<S>> {
  if (yaml.findings.length > 0) return { value: undefined, findings: yaml.findings }
  if (yaml.value === null)
    return { value: undefined, findings: [invalid(codes, yaml, [], 'The file is empty')] }
  const findings = unknownKeys(schema, yaml.value).map(({ path, key, known }): Finding => {
    const best = nearest(key, known)
    const name = showPath([...path, key])
    return {
      code: `${codes}_KEY_UNKNOWN`,
      level: unknown,
      message: `The key ${name} is unknown`,
      place: yaml.at([...path, key], 'key'),
      hint: best === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${best}?`,
    }
  })
  const result = schema.safeParse(yaml.value)
  const told = new Set<string>()
  for (const issue of result.error?.issues ?? []) {
    // One complaint a value: an empty text would also fail every pattern.
    const key = JSON.stringify(issue.path.map(String))
    if (issue.code === 'unrecognized_keys' || told.has(key)) continue
    told.add(key)
    findings.push(issueFinding(codes, yaml, schema, issue))
  }
  const failed = findings.some((finding) => finding.level === 'error')
  return { value: failed ? undefined : result.data, findings }
}

function issueFinding(codes: string, yaml: YamlFile, schema: Schema, issue: Issue): Finding {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  const value = valueAt(yaml.value, path)
  const name = path.length === 0 ? 'The file' : showPath(path)
  if (issue.code === 'invalid_key')
    return invalid(
      codes,
      yaml,
      path,
      `The key ${name} ${ownWords(issue.issues[0]?.message)}`,
      undefined,
      'key',
    )
  const hint = hintFor(schema, path, value, yaml.source(path), issue)
  if (value === undefined && path.length > 0) return invalid(codes, yaml, path, `${name} is missing`, hint)
  return invalid(codes, yaml, path, `${name} ${complaint(issue, value, yaml.source(path))}`, hint)
}

function invalid(
  codes: string,
  yaml: YamlFile,
  path: Path,
  message: string,
  hint?: string,
  part?: 'key',
): Finding {
  const place = yaml.at(path, part)
  return { code: `${codes}_VALUE_INVALID`, level: 'error', message, place, ...(hint ? { hint } : {}) }
}

function complaint(issue: Issue, value: unknown, source: string | undefined): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${inWords(issue.expected)}, but is ${describe(value, source)}`
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}, but is ${describe(value, source)}`
    case 'invalid_union': {
      const expected = issue.errors
        .flat()
        .flatMap((one) => ('expected' in one ? [inWords(String(one.expected))] : []))
      if (expected.length > 1)
        return `must be ${[...new Set(expected)].join(' or ')}, but is ${describe(value, source)}`
      return ownWords(issue.errors.flat().find((one) => one.message !== defaultMessage)?.message)
    }
    case 'too_small':
      if (unitOf(issue.origin) !== '' && Number(issue.minimum) === 1) return 'must not be empty'
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
    default:
      return ownWords(issue.message)
  }
}

/** What zod/mini says without a locale. */
const defaultMessage = 'Invalid input'

function ownWords(message: string | undefined): string {
  return message === undefined || message === defaultMessage ? 'is not valid' : message
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long'
  return origin === 'array' ? ' entries long' : ''
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
}

function inWords(type: string): string {
  return words[type] ?? type
}

function describe(value: unknown, source: string | undefined): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 80))}`
  return `${typeof value === 'number' ? 'the number ' : ''}${(source ?? String(value)).slice(0, 80)}`
}

function hintFor(
  schema: Schema,
  path: Path,
  value: unknown,
  source: string | undefined,
  issue: Issue,
): string | undefined {
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string'
  if (wantsText && (typeof value === 'number' || typeof value === 'boolean'))
    return `Write ${inQuotes(schemaAt(schema, path), (source ?? String(value)).slice(0, 80))}.`
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const best = nearest(value, issue.values.map(String))
    if (best !== undefined) return `Did you mean ${best}?`
  }
  const example = exampleOf(schemaAt(schema, path))
  return example === undefined ? undefined : `For example: ${example}`
}

/** `a.b[0]`, quoted where a key has other characters. */
export function showPath(path: Path): string {
  const shown = path.map((step, index) => {
    if (typeof step === 'number') return `[${step}]`
    const plain = /^[\w-]+$/.test(step) ? step : JSON.stringify(step.slice(0, 100))
    return index === 0 ? plain : `.${plain}`
  })
  return shown.join('')
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}

function unknownKeys(
  schema: Schema,
  value: unknown,
  path: Path = [],
): { path: Path; key: string; known: string[] }[] {
  const shape = shapeOf(schema)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const step = Array.isArray(value) ? Number(key) : key
    const inner = childOf(schema, step)
    if (inner !== undefined) return unknownKeys(inner, child, [...path, step])
    return shape === undefined || Array.isArray(value) ? [] : [{ path, key, known: Object.keys(shape) }]
  })
}

function schemaAt(schema: Schema, path: Path): Schema | undefined {
  let at: Schema | undefined = schema
  for (const step of path) at = at && childOf(at, step)
  return at
}

function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const { def } = bare(schema)._zod
  return def.type === 'object' ? (def as core.$ZodObjectDef).shape : undefined
}

function childOf(schema: Schema, step: string | number): Schema | undefined {
  const { def } = bare(schema)._zod
  if (def.type === 'object') {
    const { shape } = def as core.$ZodObjectDef
    return Object.hasOwn(shape, step) ? shape[step] : undefined
  }
  if (def.type === 'record') return (def as core.$ZodRecordDef).valueType as Schema
  if (def.type === 'array') return (def as core.$ZodArrayDef).element
  return undefined
}

function bare(schema: Schema): Schema {
  const { def } = schema._zod
  return def.type === 'optional' ? bare((def as core.$ZodOptionalDef).innerType) : schema
}

function exampleOf(schema: Schema | undefined): string | undefined {
  if (schema === undefined) return undefined
  const { examples } = metaOf(schema) ?? metaOf(bare(schema)) ?? {}
  const example = Array.isArray(examples) ? examples[0] : undefined
  return example === undefined ? undefined : typeof example === 'string' ? example : JSON.stringify(example)
}

function metaOf(schema: Schema): Readonly<Record<string, unknown>> | undefined {
  return globalRegistry.get(schema)
}

/** Text that the schema takes: a version 1.28 needs quotes *and* a third number. */
function inQuotes(schema: Schema | undefined, text: string): string {
  const takes = (one: string) => schema !== undefined && safeParse(schema, one).success
  return JSON.stringify(!takes(text) && takes(`${text}.0`) ? `${text}.0` : text)
}

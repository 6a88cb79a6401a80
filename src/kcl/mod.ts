import type { Finding, Place } from '../core/finding.ts'
import { isRepository } from '../oci/reference.ts'
import { versionOf } from '../version/version.ts'
import { type KclDependency, requirementOf } from './dependency.ts'
import { readDependency } from './mod-dependency.ts'
import { kclPattern } from './pattern.ts'
import { readToml } from './toml.ts'

/** What a `kcl.mod` says. */
export interface KclMod {
  readonly name?: string
  readonly edition?: string
  readonly version?: string
  readonly description?: string
  /** Patterns of what is packed; none: everything. */
  readonly include: readonly string[]
  /** Patterns of what is not packed. */
  readonly exclude: readonly string[]
  /** In the order of the file. */
  readonly dependencies: readonly KclDependency[]
  /** Where the keys of `[package]` stand. */
  readonly places: Readonly<Partial<Record<PackageKey, Place>>>
}

const packageKeys = ['name', 'edition', 'version', 'description', 'include', 'exclude'] as const
type PackageKey = (typeof packageKeys)[number]

export interface ReadKclMod {
  /** Undefined only where the file is no TOML: what other findings speak of is left out of it. */
  readonly mod: KclMod | undefined
  readonly findings: readonly Finding[]
}

/** kpm's rule for names. */
const namePattern = /^[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*$/
const mostPatterns = 100
const longestPattern = 250
const mostDependencies = 1000

/**
 * Reads a `kcl.mod`; never throws for what stands in it. Keys it does not know are kpm's business.
 * @param file the name for findings
 */
export function readKclMod(content: string | Uint8Array, file: string): ReadKclMod {
  const toml = readToml(content, file)
  if (toml.value === undefined) return { mod: undefined, findings: toml.findings }
  const findings: Finding[] = []
  const refuse = (path: readonly string[], message: string, hint?: string): void => {
    const place = toml.at(path)
    findings.push({
      code: 'KCL_MOD_VALUE_INVALID',
      level: 'error',
      message,
      place,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  const table = (key: string): Readonly<Record<string, unknown>> => {
    const value = toml.value !== undefined && Object.hasOwn(toml.value, key) ? toml.value[key] : undefined
    if (value === undefined) return {}
    if (isTable(value)) return value
    refuse([key], `${key} must be a table`, `Write [${key}] on a line of its own.`)
    return {}
  }
  const pack = table('package')
  /** The value of a key, as a part of the result; nothing where it is missing or refused. */
  const part = (key: PackageKey): Record<string, unknown> => {
    if (!Object.hasOwn(pack, key)) return {}
    const fault = faults[key](pack[key])
    if (fault === undefined) return { [key]: pack[key] }
    refuse(['package', key], `package.${key} ${fault}`)
    return {}
  }
  const dependencies: KclDependency[] = []
  const entries = Object.entries(table('dependencies'))
  if (entries.length > mostDependencies)
    refuse(['dependencies'], `There are ${entries.length} dependencies; at most ${mostDependencies} are read`)
  for (const [alias, value] of entries.slice(0, mostDependencies)) {
    const read = readDependency(alias, value, toml.at(['dependencies', alias]))
    if ('fault' in read) refuse(['dependencies', alias], read.fault, read.hint)
    else dependencies.push(read)
  }
  findings.push(...dependencies.flatMap(advice))
  const there = packageKeys.filter((key) => Object.hasOwn(pack, key))
  const mod: KclMod = {
    include: [],
    exclude: [],
    ...(Object.assign({}, ...packageKeys.map(part)) as Partial<KclMod>),
    dependencies,
    places: Object.fromEntries(there.map((key) => [key, toml.at(['package', key])])),
  }
  return { mod, findings }
}

/** What is wrong with a value of `[package]`, to follow its key. */
const faults: Readonly<Record<PackageKey, (value: unknown) => string | undefined>> = {
  name: (value) => textFault(value, 100) ?? nameFault(value as string),
  edition: (value) => textFault(value, 100),
  version: (value) => textFault(value, 127) ?? versionFault(value as string),
  description: (value) => textFault(value, 4096),
  include: patternsFault,
  exclude: patternsFault,
}

function textFault(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string') return 'must be text'
  if (value.length > longest) return `must be at most ${longest} characters long`
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(value) ? 'must have no control characters' : undefined
}

function nameFault(text: string): string | undefined {
  if (namePattern.test(text) && isRepository(text)) return undefined
  return `is ${JSON.stringify(text)}, not lower-case letters, digits, "_" and "-", from a letter on`
}

function versionFault(text: string): string | undefined {
  if (versionOf(text) !== undefined) return undefined
  return `is ${JSON.stringify(text)}, not a full semantic version such as 1.28.0`
}

function patternsFault(value: unknown): string | undefined {
  const list = Array.isArray(value) && value.length <= mostPatterns ? (value as unknown[]) : undefined
  if (list === undefined) return `must be a list of at most ${mostPatterns} texts`
  for (const one of list) {
    const fault = textFault(one, longestPattern)
    if (fault !== undefined) return `has an entry that ${fault}`
    if (kclPattern(one as string) === undefined) return `has ${JSON.stringify(one)}, which is not a pattern`
  }
  return undefined
}

/** What kpm accepts and no solver can work with. */
function advice(dependency: KclDependency): Finding[] {
  const { alias, from, tag, version, place } = dependency
  if (from === 'git' || from === 'path') return []
  const warn = (code: string, message: string, hint: string): Finding[] => [
    { code, level: 'warning', message, place, hint },
  ]
  if (tag === undefined && version === undefined)
    return warn(
      'KCL_DEPENDENCY_UNPINNED',
      `${alias} names no version: every build may get another`,
      'Add tag.',
    )
  if (requirementOf(dependency) !== undefined) return []
  const shown = JSON.stringify((tag ?? version ?? '').slice(0, 100))
  return warn(
    'KCL_DEPENDENCY_UNSOLVABLE',
    `${alias} asks for ${shown}, which is not a version: it takes no part in solving`,
    'Name a version such as 1.31.2.',
  )
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

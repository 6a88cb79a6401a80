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
const longestName = 100
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
  const text = (key: string, longest: number, fault: (text: string) => string | undefined) => {
    const value = Object.hasOwn(pack, key) ? pack[key] : undefined
    if (value === undefined) return {}
    const wrong =
      typeof value !== 'string'
        ? 'must be text'
        : value.length > longest
          ? `must be at most ${longest} characters long`
          : fault(value)
    if (wrong === undefined) return { [key]: value as string }
    refuse(['package', key], `package.${key} ${wrong}`)
    return {}
  }
  const patterns = (key: string): string[] => {
    const value = Object.hasOwn(pack, key) ? pack[key] : undefined
    if (value === undefined) return []
    const usable =
      Array.isArray(value) &&
      value.length <= mostPatterns &&
      value.every((one) => typeof one === 'string' && one.length <= longestPattern)
    if (usable && value.every((one) => kclPattern(one) !== undefined)) return value
    const bad = usable ? value.find((one) => kclPattern(one) === undefined) : undefined
    refuse(
      ['package', key],
      bad === undefined
        ? `package.${key} must be a list of at most ${mostPatterns} texts of ${longestPattern} characters`
        : `package.${key} has ${JSON.stringify(bad)}, which is not a pattern`,
      'A pattern is a path such as tests/*.k, in which * and ? stop at /.',
    )
    return []
  }
  const dependencies: KclDependency[] = []
  const entries = Object.entries(table('dependencies'))
  if (entries.length > mostDependencies)
    refuse(['dependencies'], `There are ${entries.length} dependencies; at most ${mostDependencies} are read`)
  for (const [alias, value] of entries.slice(0, mostDependencies)) {
    const place = toml.at(['dependencies', alias])
    const read = readDependency(alias, value, place)
    if ('fault' in read) refuse(['dependencies', alias], read.fault, read.hint)
    else dependencies.push(read)
  }
  findings.push(...dependencies.flatMap(advice))
  const mod: KclMod = {
    ...text('name', longestName, nameFault),
    ...text('edition', 100, controlFault),
    ...text('version', 127, versionFault),
    ...text('description', 4096, controlFault),
    include: patterns('include'),
    exclude: patterns('exclude'),
    dependencies,
    places: Object.fromEntries(
      packageKeys.filter((key) => Object.hasOwn(pack, key)).map((key) => [key, toml.at(['package', key])]),
    ),
  }
  return { mod, findings }
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

function nameFault(text: string): string | undefined {
  if (namePattern.test(text) && isRepository(text)) return undefined
  const shown = JSON.stringify(text.slice(0, 100))
  return `is ${shown}, not lower-case letters, digits, "_" and "-", from a letter on`
}

function versionFault(text: string): string | undefined {
  if (versionOf(text) !== undefined) return undefined
  return `is ${JSON.stringify(text.slice(0, 100))}, not a full semantic version such as 1.28.0`
}

function controlFault(text: string): string | undefined {
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text) ? 'must have no control characters' : undefined
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

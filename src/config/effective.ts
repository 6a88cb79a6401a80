import { badInput } from '../core/error.ts'
import { showPlace } from '../core/finding.ts'
import { withoutUser } from '../store/address.ts'
import {
  type DefaultedSetting,
  type Setting,
  type SettingName,
  type Surroundings,
  settings,
} from './settings.ts'
import type { ConfigurationFile } from './slipway-yaml.ts'

/** A value and who said so: `flag --to`, `SLIPWAY_TO`, `slipway.yaml:3:5` or `default`. */
export interface Chosen<T> {
  readonly value: T
  readonly origin: string
}

type ValueOf<S> = S extends DefaultedSetting<infer T> ? T : S extends Setting<infer T> ? T | undefined : never

/** Every setting with its value; undefined only where a setting has no default. */
export type Effective = { readonly [K in SettingName]: Chosen<ValueOf<(typeof settings)[K]>> }

/** What a flag or an input holds; empty text counts as not given. */
export type Given = string | number | boolean | readonly string[] | undefined

export interface Configured extends Surroundings {
  /** By setting name, from the command line or from the inputs of an action. */
  readonly given?: Readonly<Partial<Record<SettingName, Given>>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file: ConfigurationFile | undefined
  /** What relative paths in flags and variables start from. */
  readonly cwd: string
}

/**
 * Flag, else variable, else file, else default, for every setting.
 * @throws SETTING_INVALID naming every value that is none, with its origin
 */
export function effective(configured: Configured): Effective {
  const failures: string[] = []
  const chosen = Object.entries(settings).map(([name, row]) => {
    try {
      return [name, choose(name as SettingName, row as Setting<unknown>, configured)]
    } catch (error) {
      if (!(error instanceof NotAValue)) throw error
      failures.push(error.message)
      return [name, undefined]
    }
  })
  if (failures.length > 0) throw badInput('SETTING_INVALID', failures.join('; '))
  return Object.fromEntries(chosen)
}

class NotAValue extends Error {}

function choose(name: SettingName, row: Setting<unknown>, configured: Configured): Chosen<unknown> {
  const { cwd, environment, file, given = {} } = configured
  const flag = textsOf(given[name], row)
  if (flag !== undefined) return parse(row, flag, cwd, `flag ${row.flag}`)
  const variable = textsOf(environment[row.variable], row)
  if (variable !== undefined) return parse(row, variable, cwd, row.variable)
  const written = row.file === undefined || file === undefined ? undefined : valueAt(file.value, row.file)
  if (file !== undefined && row.file !== undefined && written !== undefined) {
    const texts = Array.isArray(written) ? written.map(String) : [String(written)]
    return parse(row, texts, file.folder, showPlace(file.at(row.file)))
  }
  return { value: row.default?.(configured), origin: 'default' }
}

function parse(
  row: Setting<unknown>,
  texts: readonly string[],
  base: string,
  origin: string,
): Chosen<unknown> {
  const value = row.type.parse(texts, base)
  if (value !== undefined) return { value, origin }
  const shown = texts.map((text) => JSON.stringify(withoutUser(text).slice(0, 100))).join(', ')
  throw new NotAValue(`${origin} must be ${row.type.expects}, but is ${shown}`)
}

function textsOf(given: Given, row: Setting<unknown>): string[] | undefined {
  if (given === undefined) return undefined
  const all = Array.isArray(given) ? given : [String(given)]
  // A list in one text, as a variable or an input of an action holds it: by comma or line.
  const split = row.type.list ? all.flatMap((text: string) => text.split(/[\n,]/)) : all
  const texts = split.map((text: string) => text.trim()).filter((text) => text !== '')
  return texts.length === 0 ? undefined : texts
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

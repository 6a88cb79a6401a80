import { type Setting, type SettingName, settings } from './settings.ts'

/** A setting in words, for --help, the inputs of actions and the documentation. */
export interface SettingDescription {
  readonly name: SettingName
  /** `--to`. */
  readonly flag: string
  /** `<address>`; undefined for a switch. */
  readonly placeholder: string | undefined
  readonly list: boolean
  readonly variable: string
  /** `test.timeout`; undefined when `slipway.yaml` cannot set it. */
  readonly key: string | undefined
  /** Undefined when nothing holds unless set. */
  readonly default: string | undefined
  readonly description: string
}

/** All settings in the table's order. */
export function describeSettings(): SettingDescription[] {
  return (Object.keys(settings) as SettingName[]).map((name) => {
    const row = settings[name] as Setting<unknown>
    return {
      name,
      flag: row.flag,
      placeholder: row.type.placeholder,
      list: row.type.list,
      variable: row.variable,
      key: row.file?.join('.'),
      default: row.otherwise ?? showDefault(row),
      description: row.description,
    }
  })
}

/** A setting's value as a person would write it. */
export function showSetting(name: SettingName, value: unknown): string {
  if (value === undefined) return (settings[name] as Setting<unknown>).otherwise ?? ''
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  if (settings[name].type.placeholder === '<duration>' && typeof value === 'number')
    return showDuration(value)
  return String(value)
}

function showDefault(row: Setting<unknown>): string | undefined {
  const value = row.default?.({ folder: '.', home: '~' })
  if (value === undefined) return undefined
  if (row.type.placeholder === '<duration>' && typeof value === 'number') return showDuration(value)
  return Array.isArray(value) ? value.join(', ') : String(value)
}

function showDuration(milliseconds: number): string {
  if (milliseconds % 60_000 === 0 && milliseconds > 0) return `${milliseconds / 60_000}m`
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}

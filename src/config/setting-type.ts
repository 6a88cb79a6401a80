import { resolve } from 'node:path'
import { parseTarget } from '../store/address.ts'
import { durationPattern } from './slipway-yaml.ts'

/** How the text of a flag, variable or file becomes a value. */
export interface SettingType<T> {
  /** Stands in --help: `<duration>`; undefined for a switch. */
  readonly placeholder: string | undefined
  readonly list: boolean
  /** After "must be". */
  readonly expects: string
  /**
   * The value, or undefined when the texts are none.
   * @param base the folder that relative paths start from
   */
  parse(texts: readonly string[], base: string): T | undefined
}

function single<T>(
  placeholder: string | undefined,
  expects: string,
  parse: (text: string, base: string) => T | undefined,
): SettingType<T> {
  return {
    placeholder,
    list: false,
    expects,
    parse: (texts, base) => (texts.length === 1 ? parse(texts[0] ?? '', base) : undefined),
  }
}

function listOf<T>(type: SettingType<T>): SettingType<readonly T[]> {
  return {
    ...type,
    list: true,
    parse(texts, base) {
      const values = texts.map((text) => type.parse([text], base))
      return values.some((value) => value === undefined) ? undefined : (values as readonly T[])
    },
  }
}

const truths = new Map([...['true', 'yes', '1', 'on'].map(yes), ...['false', 'no', '0', 'off'].map(no)])
function yes(text: string): [string, boolean] {
  return [text, true]
}
function no(text: string): [string, boolean] {
  return [text, false]
}

export const text = single('<text>', 'text', (value) => value)

export const toggle = single(undefined, 'true or false', (value) => truths.get(value.toLowerCase()))

export const path = single('<path>', 'a path', (value, base) => resolve(base, value))

/** Milliseconds; a bare number counts seconds. */
export const duration = single('<duration>', 'a duration such as 30s, 5m or 1.5h', milliseconds)

export function whole(from: number, to: number): SettingType<number> {
  return single('<number>', `a whole number from ${from} to ${to}`, (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    return number >= from && number <= to ? number : undefined
  })
}

/** A number above 0. */
export function rate(from: number, to: number): SettingType<number> {
  return single('<number>', `a number from ${from} to ${to}`, (value) => {
    const number = /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN
    return number >= from && number <= to ? number : undefined
  })
}

export function choice<const T extends string>(...values: readonly T[]): SettingType<T> {
  return single(`<${values.join('|')}>`, values.join(' or '), (value) => values.find((one) => one === value))
}

/** Several of them, or `none`. */
export function choices<const T extends string>(...values: readonly T[]): SettingType<readonly T[]> {
  const some = listOf(choice(...values))
  return {
    ...some,
    expects: `none or some of ${values.join(', ')}`,
    parse: (texts, base) => (texts.length === 1 && texts[0] === 'none' ? [] : some.parse(texts, base)),
  }
}

/** Targets, with the path of a layout or archive made absolute. */
export const targets = listOf(
  single('<address>', 'oci://HOST[:PORT]/PREFIX, layout:DIR or archive:FILE', (value, base) => {
    const [, scheme, place] = /^(layout|archive):(.+)$/.exec(value) ?? []
    const absolute = place === undefined ? value : `${scheme}:${resolve(base, place)}`
    try {
      parseTarget(absolute)
      return absolute
    } catch {
      return undefined
    }
  }),
)

/** Milliseconds of `30`, `30s`, `500ms`, `5m` or `1.5h`; undefined for anything else. */
export function milliseconds(value: string): number | undefined {
  if (!durationPattern.test(value)) return undefined
  const [, number = '', unit = 's'] = /^([\d.]+)([a-z]+)?$/.exec(value) ?? []
  return Math.round(Number(number) * (units[unit] ?? Number.NaN))
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

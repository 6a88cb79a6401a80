import { badInput } from '../core/error.ts'

const units: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/** Bytes, or a number with a unit. @throws USAGE_INVALID, naming the flag */
export function bytesOf(flag: string, given: string | boolean | undefined): number | undefined {
  if (given === undefined) return undefined
  const [, number, unit = 'B'] = /^(\d{1,15})([KMGT]i?B|B)?$/.exec(String(given)) ?? []
  const bytes = Number(number) * (units[unit] ?? Number.NaN)
  if (Number.isSafeInteger(bytes)) return bytes
  throw badInput(
    'USAGE_INVALID',
    `${flag} is ${JSON.stringify(String(given).slice(0, 40))}, not a number of bytes`,
    { hint: `Write ${flag} 5GiB.` },
  )
}

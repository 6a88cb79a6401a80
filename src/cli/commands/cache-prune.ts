import { badInput } from '../../core/error.ts'
import { cachePrune } from '../../tasks/cache-prune.ts'
import { bytesOf } from '../bytes.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showBytes } from '../text.ts'

const day = 24 * 60 * 60 * 1000

export async function run({ flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const olderThan = daysOf(own.olderThan) * day
  const maxBytes = bytesOf('--max-size', own.maxSize)
  await using session = await openSession(flags, terminal, report)
  const result = await cachePrune(
    {
      cacheDirectory: session.settings.cacheDir.value,
      olderThan,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    },
    session.context,
  )
  return {
    json: result,
    exit: 0,
    text: () => `${result.removed} removed (${showBytes(result.freed)}), ${showBytes(result.kept)} kept`,
  }
}

function daysOf(given: string | boolean | undefined): number {
  if (given === undefined) return 30
  if (typeof given === 'string' && /^\d{1,5}$/.test(given)) return Number(given)
  throw badInput('USAGE_INVALID', `--older-than is ${shown(given)}, not a number of days`, {
    hint: 'Write --older-than 30.',
  })
}

function shown(given: string | boolean): string {
  return JSON.stringify(String(given).slice(0, 40))
}

import { basename, resolve } from 'node:path'
import { located, parseAddress } from '../../store/address.ts'
import { pull } from '../../tasks/pull.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, showBytes } from '../text.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const address = located(parseAddress(args[0] ?? ''), terminal.cwd)
  const output = resolve(
    terminal.cwd,
    typeof own.output === 'string' ? own.output : basename(address.repository),
  )
  await using session = await openSession(flags, terminal, report, () => [address])
  const result = await pull(
    {
      address,
      output,
      replace: own.replace === true,
      cacheOnly: own.cacheOnly === true,
      cacheDirectory: session.settings.cacheDir.value,
    },
    session.context,
  )
  return {
    json: result,
    exit: 0,
    text: () =>
      [
        `${result.reference} (${result.digest})`,
        result.output === undefined
          ? `in the cache: ${clean(result.cached ?? '')}`
          : `${result.files} files, ${showBytes(result.bytes)}, in ${result.output}`,
      ].join('\n'),
  }
}

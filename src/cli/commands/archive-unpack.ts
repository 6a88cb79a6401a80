import { located, parseTarget } from '../../store/address.ts'
import { unpack } from '../../tasks/archive.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, showBytes } from '../text.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const archive = located(parseTarget(args[0] ?? ''), terminal.cwd)
  await using session = await openSession(flags, terminal, report)
  const result = await unpack(archive, session.context)
  return {
    json: result,
    exit: 0,
    text: () => `${clean(result.archive)} (${showBytes(result.size)}, ${result.digest})`,
  }
}

import { located, parseAddress } from '../../store/address.ts'
import { inspect } from '../../tasks/inspect.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showInspected } from '../show.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const address = located(parseAddress(args[0] ?? ''), terminal.cwd)
  await using session = await openSession(flags, terminal, report, () => [address])
  const result = await inspect({ address }, session.context)
  return { json: result, exit: 0, text: (paint) => showInspected(result, paint) }
}

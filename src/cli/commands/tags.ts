import { located, parseAddress } from '../../store/address.ts'
import { tags } from '../../tasks/tags.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean } from '../text.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const address = located(parseAddress(args[0] ?? ''), terminal.cwd)
  await using session = await openSession(flags, terminal, report, () => [address])
  const result = await tags({ address }, session.context)
  if (result.tags.length === 0)
    report.emit({ type: 'info', message: `${result.repository} has no tags, or does not exist` })
  return { json: result, exit: 0, text: () => result.tags.map(clean).join('\n') }
}

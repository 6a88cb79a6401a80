import { located, parseAddress } from '../../store/address.ts'
import { deleteReferences } from '../../tasks/delete.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showDeleted } from '../show-deleted.ts'

export async function run({ args, own, flags, terminal, report }: Invocation): Promise<Outcome> {
  const references = args.map((one) => located(parseAddress(one), terminal.cwd))
  // What would go is told by the task itself: a rehearsed registry has nothing that deletes.
  const real = { ...flags, dryRun: false }
  await using session = await openSession(real, terminal, report, () => references)
  const result = await deleteReferences(
    {
      references,
      yes: own.yes === true && own.dryRun !== true,
      withTags: own.withTags === true,
      referrers: own.referrers === true,
      force: own.force === true,
      concurrency: session.settings.concurrency.value,
    },
    session.context,
  )
  return { json: result, exit: result.exit, text: (paint) => showDeleted(result, paint) }
}

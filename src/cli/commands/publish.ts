import { badInput } from '../../core/error.ts'
import { located, parseAddress, parseTarget } from '../../store/address.ts'
import { fromSettings } from '../../tasks/options.ts'
import { publishPrebuilt } from '../../tasks/publish.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { openSession } from '../session.ts'
import { showPublished } from '../show.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const from = own.from
  if (typeof from !== 'string')
    throw badInput('SOURCE_MISSING', 'Nothing says what to publish', {
      hint: 'Name it with --from layout:DIR or --from archive:FILE; slipway release publishes from git tags.',
    })
  const references = args.map((text) => located(parseAddress(text), terminal.cwd))
  await using session = await openSession(flags, terminal, report, (settings) => [
    ...settings.to.value.map(parseTarget),
    ...references,
  ])
  const options = fromSettings(session.settings, session.file)
  // The default target is for releases: full addresses say where everything goes.
  const targets = references.length > 0 && session.settings.to.origin === 'default' ? [] : options.targets
  const only = typeof own.only === 'string' ? { only: own.only.split(',').map((tag) => tag.trim()) } : {}
  const result = await publishPrebuilt(
    { ...options, ...only, targets, references, from: located(parseAddress(from), terminal.cwd) },
    session.context,
  )
  const outcome: Outcome = { json: result, exit: result.exit, text: (paint) => showPublished(result, paint) }
  return flags.dryRun === true ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

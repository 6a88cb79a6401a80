import { resolve } from 'node:path'
import { located, parseTarget } from '../../store/address.ts'
import { backup } from '../../tasks/backup.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { openSession } from '../session.ts'
import { showMirror } from '../show-mirror.ts'
import { clean } from '../text.ts'
import { listOf } from './copy.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const source = located(parseTarget(args[0] ?? ''), terminal.cwd)
  const destination = located(parseTarget(args[1] ?? ''), terminal.cwd)
  const dryRun = flags.dryRun === true
  await using session = await openSession(flags, terminal, report, () => [source])
  const result = await backup(
    {
      source,
      destination,
      repositories: listOf(own.repository),
      dryRun,
      concurrency: session.settings.concurrency.value,
      ...(typeof own.since === 'string' ? { since: resolve(terminal.cwd, own.since) } : {}),
    },
    session.context,
  )
  const outcome: Outcome = {
    json: result,
    exit: result.exit,
    text: (paint) =>
      [
        showMirror(result, paint, dryRun),
        ...(result.lock === undefined ? [] : [`${clean(result.lock)} says what it holds`]),
      ].join('\n'),
  }
  return dryRun ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

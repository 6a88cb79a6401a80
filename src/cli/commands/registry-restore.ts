import { located, parseTarget } from '../../store/address.ts'
import { restore } from '../../tasks/restore.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { openSession } from '../session.ts'
import { showMirror } from '../show-mirror.ts'
import { showBytes } from '../text.ts'
import { listOf } from './copy.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const source = located(parseTarget(args[0] ?? ''), terminal.cwd)
  const destination = located(parseTarget(args[1] ?? ''), terminal.cwd)
  const dryRun = flags.dryRun === true
  await using session = await openSession(flags, terminal, report, () => [destination])
  const result = await restore(
    {
      source,
      destination,
      repositories: listOf(own.repository),
      allowOverwrite: session.settings.allowOverwrite.value,
      concurrency: session.settings.concurrency.value,
    },
    session.context,
  )
  const { manifests, blobs, bytes } = result.checked
  const outcome: Outcome = {
    json: result,
    exit: result.exit,
    text: (paint) =>
      [
        `${manifests} manifests and ${blobs} blobs are whole (${showBytes(bytes)})`,
        showMirror(result, paint, dryRun),
      ].join('\n'),
  }
  return dryRun ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

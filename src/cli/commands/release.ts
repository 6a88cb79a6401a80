import { parseTarget } from '../../store/address.ts'
import { fromSettings, sourceDateEpoch } from '../../tasks/options.ts'
import { release } from '../../tasks/release.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { isTagPush, openSession } from '../session.ts'
import { showReleases } from '../show.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  await using session = await openSession(flags, terminal, report, (settings) =>
    settings.to.value.map(parseTarget),
  )
  const { directory, context, settings, file } = session
  const result = await release(
    {
      ...fromSettings(settings, file),
      ...sourceDateEpoch(terminal.environment),
      directory,
      gitTags: args,
      snapshot: own.snapshot === true,
      requireGitTag: isTagPush(terminal.environment),
      allChanged: own.allChanged === true,
      missingTags: own.missingTags === true,
      ...(typeof own.since === 'string' ? { since: own.since } : {}),
    },
    context,
  )
  const outcome = {
    json: result,
    exit: result.exit,
    text: (paint: Parameters<Outcome['text']>[0]) => showReleases(result, paint),
  }
  return flags.dryRun === true ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

import { join } from 'node:path'
import { badInput } from '../../core/error.ts'
import { located, parseTarget, type Target } from '../../store/address.ts'
import { fromSettings, sourceDateEpoch } from '../../tasks/options.ts'
import { packageReleases } from '../../tasks/package.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { isTagPush, openSession } from '../session.ts'
import { showPackages } from '../show.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  await using session = await openSession(flags, terminal, report)
  const { directory, context, settings, file } = session
  const output = outputOf(own.output, directory, terminal.cwd)
  const result = await packageReleases(
    {
      ...fromSettings(settings, file),
      ...sourceDateEpoch(terminal.environment),
      directory,
      gitTags: args,
      snapshot: own.snapshot === true,
      requireGitTag: isTagPush(terminal.environment),
      output,
    },
    context,
  )
  const outcome: Outcome = { json: result, exit: 0, text: (paint) => showPackages(result, paint) }
  return flags.dryRun === true ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

function outputOf(given: unknown, directory: string, cwd: string): Target {
  const target = typeof given === 'string' ? parseTarget(given) : undefined
  if (target === undefined)
    return { scheme: 'layout', path: join(directory, '.slipway/registry'), prefix: '' }
  if (target.scheme === 'oci')
    throw badInput(
      'ADDRESS_INVALID',
      'slipway package writes into a layout or an archive, not into a registry',
      {
        hint: 'Use slipway release, or slipway publish afterwards.',
      },
    )
  return located(target, cwd)
}

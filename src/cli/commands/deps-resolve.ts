import { depsResolve } from '../../tasks/deps-resolve.ts'
import { install } from '../../tasks/install.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showResolved } from '../show-deps.ts'
import { showInstalled } from '../show-install.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const { own, flags } = invocation
  await using session = await solvingSession(invocation)
  const dryRun = flags.dryRun === true
  const { options, context, directory } = session
  const result = await depsResolve({ ...options, frozen: own.frozen === true, dryRun }, context)
  if (own.install !== true)
    return { json: result, exit: 0, text: (paint) => showResolved(result, dryRun, paint) }
  const installing = { ...options, root: directory, dryRun, rollback: false, replace: false }
  // A dry run has no lock to install from, and what it would be is shown already.
  const installed = dryRun ? undefined : await install(installing, context)
  return {
    json: { ...result, installed },
    exit: 0,
    text: (paint) =>
      [
        showResolved(result, dryRun, paint),
        ...(installed === undefined ? [] : ['', showInstalled(installed, false, paint)]),
      ].join('\n'),
  }
}

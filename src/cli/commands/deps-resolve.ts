import { depsResolve } from '../../tasks/deps-resolve.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showResolved } from '../show-deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const { own, flags } = invocation
  await using session = await solvingSession(invocation)
  const dryRun = flags.dryRun === true
  const result = await depsResolve(
    { ...session.options, frozen: own.frozen === true, dryRun },
    session.context,
  )
  return { json: result, exit: 0, text: (paint) => showResolved(result, dryRun, paint) }
}

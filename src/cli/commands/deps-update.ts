import { depsUpdate } from '../../tasks/deps-update.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showUpdated } from '../show-deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const { args, own, flags } = invocation
  const [name] = args
  await using session = await solvingSession(invocation)
  const dryRun = flags.dryRun === true
  const result = await depsUpdate(
    {
      ...session.options,
      dryRun,
      recursive: own.recursive === true,
      ...(name === undefined ? {} : { name }),
      ...(typeof own.precise === 'string' ? { precise: own.precise } : {}),
    },
    session.context,
  )
  return { json: result, exit: 0, text: () => showUpdated(result, dryRun) }
}

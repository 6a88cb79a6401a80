import { depsWhy } from '../../tasks/deps-why.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showWays } from '../show-deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  await using session = await solvingSession(invocation)
  const result = await depsWhy({ ...session.options, name: invocation.args[0] ?? '' }, session.context)
  return { json: result, exit: 0, text: (paint) => showWays(result, paint) }
}

import { depsOutdated } from '../../tasks/deps-outdated.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showOutdated } from '../show-deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  await using session = await solvingSession(invocation)
  const result = await depsOutdated(session.options, session.context)
  return { json: result, exit: 0, text: (paint) => showOutdated(result, paint) }
}

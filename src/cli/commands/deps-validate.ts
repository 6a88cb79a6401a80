import { depsValidate } from '../../tasks/deps-validate.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  await using session = await solvingSession(invocation)
  const result = await depsValidate(session.options, session.context)
  const lock = result.locked ? 'slipway.lock is up to date' : 'there is no slipway.lock'
  return {
    json: result,
    exit: 0,
    text: () => `packages that go together: ${result.packages}; ${lock}`,
  }
}

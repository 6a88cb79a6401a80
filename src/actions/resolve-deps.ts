import { resolvedResult } from '../github/resolved-result.ts'
import { runAction } from '../github/run.ts'
import { solvingOptions } from '../github/solving.ts'
import { resolveAction } from '../github/table.ts'
import { parseTarget } from '../store/address.ts'
import { depsResolve } from '../tasks/deps-resolve.ts'

await runAction(
  resolveAction,
  async (step) => {
    const options = await solvingOptions(step)
    const frozen = step.inputs.toggle('frozen')
    const dryRun = step.inputs.toggle('dry-run')
    return resolvedResult(await depsResolve({ ...options, frozen, dryRun }, step.session.context))
  },
  (_, settings) => settings.source.value.map(parseTarget),
)

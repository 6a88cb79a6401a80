import { plannedResult } from '../github/planned-result.ts'
import { trustedPlaces } from '../github/published.ts'
import { resolvedResult } from '../github/resolved-result.ts'
import { runAction } from '../github/run.ts'
import { releaseSelection } from '../github/select.ts'
import { modeOf, solvingOptions } from '../github/solving.ts'
import { resolveAction } from '../github/table.ts'
import { parseTarget } from '../store/address.ts'
import { depsResolve } from '../tasks/deps-resolve.ts'
import { fromSettings } from '../tasks/options.ts'
import { releasePlan } from '../tasks/release-plan.ts'

await runAction(
  resolveAction,
  async (step) => {
    const { inputs, session } = step
    const { context, settings, file } = session
    if (modeOf(inputs) === 'release') {
      const options = { ...fromSettings(settings, file), ...releaseSelection(step) }
      return plannedResult(await releasePlan(options, context))
    }
    const options = await solvingOptions(step)
    const how = { frozen: inputs.toggle('frozen'), dryRun: inputs.toggle('dry-run') }
    return resolvedResult(await depsResolve({ ...options, ...how }, context))
  },
  (inputs, { source, to }) =>
    modeOf(inputs) === 'release'
      ? to.value.map((text) => parseTarget(text))
      : trustedPlaces(inputs, { source, to: source }),
)

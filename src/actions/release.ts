import { releaseResult } from '../github/result.ts'
import { runAction } from '../github/run.ts'
import { releaseSelection } from '../github/select.ts'
import { releaseAction } from '../github/table.ts'
import { fromSettings, sourceDateEpoch } from '../tasks/options.ts'
import { release } from '../tasks/release.ts'

await runAction(releaseAction, async (step) => {
  const { context, settings, file } = step.session
  const options = { ...fromSettings(settings, file), ...sourceDateEpoch(context.environment) }
  return releaseResult(await release({ ...options, ...releaseSelection(step) }, context), options.targets)
})

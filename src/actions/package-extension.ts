import { packageResult } from '../github/result.ts'
import { runAction } from '../github/run.ts'
import { outputOf, selection } from '../github/select.ts'
import { packageAction } from '../github/table.ts'
import { fromSettings, sourceDateEpoch } from '../tasks/options.ts'
import { packageReleases } from '../tasks/package.ts'

await runAction(packageAction, async (step) => {
  const { context, settings, file } = step.session
  const options = { ...fromSettings(settings, file), ...sourceDateEpoch(context.environment) }
  return packageResult(
    await packageReleases({ ...options, ...selection(step), output: outputOf(step) }, context),
  )
})

import { basesOf } from '../github/base.ts'
import { checkResult } from '../github/check-result.ts'
import { publishedIn, trustedPlaces } from '../github/published.ts'
import { runAction } from '../github/run.ts'
import { validateAction } from '../github/table.ts'
import { type CheckedGraph, check } from '../tasks/check.ts'
import { unsolvable } from '../tasks/deps-validate.ts'
import { fromSettings, solvedPlainly, solvingFrom, sourceDateEpoch } from '../tasks/options.ts'

await runAction(
  validateAction,
  async ({ inputs, session }) => {
    const { context, settings, file, directory } = session
    const named = inputs.text('since')
    const bases = named === undefined ? await basesOf(context.environment) : [named]
    const since = inputs.toggle('everything') ? undefined : bases
    const sources = publishedIn(settings, context.report)
    const solving = { ...solvingFrom(settings, file, solvedPlainly), directory, sources }
    const options = {
      ...fromSettings(settings, file),
      ...sourceDateEpoch(context.environment),
      ...(since === undefined ? {} : { since }),
      sources,
      solve: (checked: CheckedGraph) => unsolvable(solving, context, checked),
    }
    const result = await check({ ...options, directory, paths: [], uncommitted: false }, context)
    return checkResult(result, context.signal)
  },
  trustedPlaces,
)

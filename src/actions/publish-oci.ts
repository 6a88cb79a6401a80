import { publishResult } from '../github/result.ts'
import { runAction } from '../github/run.ts'
import { publishAction } from '../github/table.ts'
import { located, parseAddress, parseTarget } from '../store/address.ts'
import { fromSettings } from '../tasks/options.ts'
import { publishPrebuilt } from '../tasks/publish.ts'

await runAction(
  publishAction,
  async ({ inputs, session, workspace }) => {
    const { context, settings, file } = session
    const options = fromSettings(settings, file)
    const references = inputs.list('references').map((text) => located(parseAddress(text), workspace))
    const from = located(parseAddress(inputs.text('from') ?? ''), workspace)
    // The default target is for releases: full addresses say where everything goes.
    const targets = references.length > 0 && settings.to.origin === 'default' ? [] : options.targets
    const gitTags = inputs.list('git-tag')
    const only = gitTags.length === 0 ? {} : { only: gitTags }
    return publishResult(await publishPrebuilt({ ...options, ...only, targets, references, from }, context))
  },
  (inputs, settings) => [
    ...settings.to.value.map(parseTarget),
    ...inputs.list('references').map(parseAddress),
  ],
)

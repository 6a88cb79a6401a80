import { join, resolve } from 'node:path'
import { loadMirrorYaml } from '../config/mirror-yaml.ts'
import { badInput } from '../core/error.ts'
import { layoutsWith } from '../extension/kinds.ts'
import type { Inputs } from '../github/inputs.ts'
import { copyResult, mirrorResult } from '../github/mirror-result.ts'
import { runAction } from '../github/run.ts'
import { mirrorAction } from '../github/table.ts'
import type { MirrorRule } from '../mirroring/rule.ts'
import { located, parseAddress } from '../store/address.ts'
import { copyReference } from '../tasks/copy.ts'
import { mirror, parseShard } from '../tasks/mirror.ts'

await runAction(
  mirrorAction,
  async ({ inputs, session, workspace }) => {
    const { context, settings, file } = session
    const concurrency = settings.concurrency.value
    const [source, destination] = [inputs.text('source'), inputs.text('destination')]
    if (
      (source === undefined) !== (destination === undefined) ||
      (source !== undefined && inputs.text('file') !== undefined)
    )
      throw badInput('INPUT_INVALID', 'The step needs both source and destination, or rules in file', {
        hint: 'Give source and destination for one reference; leave both out to follow mirror.yaml.',
      })
    if (source !== undefined && destination !== undefined) {
      const at = (text: string) => located(parseAddress(text), workspace)
      return copyResult(
        await copyReference(
          { source: at(source), destination: at(destination), referrers: true, concurrency },
          context,
        ),
      )
    }
    const rules = rulesOf(inputs, workspace)
    const shard = inputs.text('shard')
    return mirrorResult(
      await mirror(
        {
          rules,
          concurrency,
          verify: inputs.toggle('verify'),
          layouts: layoutsWith(file?.value.kinds ?? {}),
          ...(shard === undefined ? {} : { shard: parseShard(shard) }),
        },
        context,
      ),
    )
  },
  (inputs, _, workspace) => {
    const destination = inputs.text('destination')
    return destination === undefined
      ? rulesOf(inputs, workspace).flatMap((one) => one.to)
      : [parseAddress(destination)]
  },
)

function rulesOf(inputs: Inputs<'file' | 'directory'>, workspace: string): MirrorRule[] {
  const folder = resolve(workspace, inputs.text('directory') ?? '.')
  const named = inputs.text('file')
  return loadMirrorYaml(named === undefined ? join(folder, 'mirror.yaml') : resolve(workspace, named))
}

import { badInput } from '../../core/error.ts'
import { depsTree } from '../../tasks/deps-tree.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showTree } from '../show-deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const { args, own } = invocation
  const depth = depthOf(own.depth)
  await using session = await solvingSession(invocation)
  const [name] = args
  const result = await depsTree(
    {
      ...session.options,
      invert: own.invert === true,
      ...(name === undefined ? {} : { name }),
      ...(depth === undefined ? {} : { depth }),
    },
    session.context,
  )
  return { json: result, exit: 0, text: (paint) => showTree(result, paint) }
}

function depthOf(given: string | boolean | undefined): number | undefined {
  if (typeof given !== 'string') return undefined
  if (/^\d{1,4}$/.test(given)) return Number(given)
  throw badInput(
    'USAGE_INVALID',
    `--depth is ${JSON.stringify(given.slice(0, 40))}, not a number of levels`,
    {
      hint: 'Write --depth 1 for what is needed directly.',
    },
  )
}

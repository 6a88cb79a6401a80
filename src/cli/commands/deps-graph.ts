import { badInput } from '../../core/error.ts'
import { depsGraph, type GraphFormat, graphFormats } from '../../tasks/deps-graph.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const format = formatOf(invocation.own.format)
  await using session = await solvingSession(invocation)
  const result = await depsGraph({ ...session.options, format }, session.context)
  return { json: result, exit: 0, text: () => result.graph }
}

function formatOf(given: string | boolean | undefined): GraphFormat {
  const found = graphFormats.find((one) => one === (given ?? 'mermaid'))
  if (found !== undefined) return found
  throw badInput('USAGE_INVALID', `--format is ${JSON.stringify(String(given).slice(0, 40))}`, {
    hint: `Write ${graphFormats.join(', ')}.`,
  })
}

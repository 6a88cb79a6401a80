import { type GraphFormat, graphText } from '../lockfile/graph.ts'
import type { Context } from './context.ts'
import { currentLock, type ResolutionOptions } from './resolution.ts'

export type { GraphFormat } from '../lockfile/graph.ts'
export { graphFormats } from '../lockfile/graph.ts'

/** The solution's graph for another program. @throws UNSATISFIABLE */
export async function depsGraph(
  options: ResolutionOptions & { readonly format: GraphFormat },
  context: Context,
): Promise<{ readonly format: GraphFormat; readonly graph: string }> {
  const lock = await currentLock(options, context)
  return { format: options.format, graph: graphText(lock, options.format) }
}

import type { DepsResolveResult } from '../tasks/deps-resolve.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of a table and nodes of a chart; what is longer nobody reads, and runners refuse. */
const most = 500

/** A solution as outputs, log and summary: a table in the order of installing, and the graph. */
export function resolvedResult(result: DepsResolveResult): StepResult {
  const { lock, order, waves, mermaid, changes, written, counts } = result
  const packages = new Map(lock.packages.map((one) => [one.id, one]))
  const waveOf = new Map(waves.flatMap((wave, at) => wave.map((id) => [id, at + 1] as const)))
  const sorted = order.flatMap((id) => packages.get(id) ?? [])
  const told = [
    `${counted(sorted.length, 'package')} in ${counted(waves.length, 'wave')}`,
    counted(counts.requests, 'request'),
    counted(changes.length, 'change'),
    ...(written ? ['lock written'] : []),
  ].join(', ')
  const rows = sorted
    .slice(0, most)
    .map((one) => [
      String(waveOf.get(one.id)),
      code(one.id),
      code(one.version),
      code(one.source ?? ''),
      code(one.manifest ?? ''),
    ])
  const rest = sorted.length > most ? `\n\n… and ${sorted.length - most} more.` : ''
  return {
    rows: [],
    exit: 0,
    lines: [told, ...sorted.map((one) => `  ${one.id} ${one.version}`)],
    sections: [
      plain(told),
      `${table(['Wave', 'Package', 'Version', 'Source', 'Digest'], rows)}${rest}`,
      ...(sorted.length <= most ? [['```mermaid', mermaid, '```'].join('\n')] : []),
    ],
    outputs: {
      solution: sorted.map(({ id, kind, version, source, manifest, layer }) => ({
        id,
        kind,
        version,
        source,
        manifest,
        layer,
      })),
      lock: 'slipway.lock',
      changed: written,
      order,
      waves,
      mermaid,
    },
  }
}

function counted(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`
}

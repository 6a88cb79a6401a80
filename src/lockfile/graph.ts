import { mermaidText } from '../core/mermaid.ts'
import type { PackageId } from '../version/package-id.ts'
import type { Lock } from './lock.ts'
import { edgesOf } from './tree.ts'

export const graphFormats = ['mermaid', 'dot', 'json'] as const
export type GraphFormat = (typeof graphFormats)[number]

/** The locked graph as text for another program; an arrow leads from a package to what it needs. */
export function graphText(lock: Lock, format: GraphFormat): string {
  return { mermaid, dot, json }[format](lock)
}

/** A flowchart as GitHub, Gitea and Forgejo render it in Markdown. */
function mermaid(lock: Lock): string {
  const names = numbered(lock)
  return [
    'graph TD',
    ...lock.packages.map(
      (one) => `  ${names.get(one.id)}["${mermaidText(one.id)} ${mermaidText(one.version)}"]`,
    ),
    ...edgesOf(lock).map(
      ({ from, to, text }) => `  ${names.get(from)} -->|"${mermaidText(text)}"| ${names.get(to)}`,
    ),
  ].join('\n')
}

/** Ids of a flowchart cannot hold `:`, and some words are reserved there. */
function numbered(lock: Lock): Map<PackageId, string> {
  return new Map(lock.packages.map((one, at) => [one.id, `p${at}`]))
}

/** The language of Graphviz. */
function dot(lock: Lock): string {
  const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`
  return [
    'digraph dependencies {',
    ...lock.packages.map((one) => `  ${quoted(one.id)} [label=${quoted(`${one.id} ${one.version}`)}];`),
    ...edgesOf(lock).map(
      ({ from, to, text }) => `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(text)}];`,
    ),
    '}',
  ].join('\n')
}

function json(lock: Lock): string {
  const nodes = lock.packages.map(({ id, kind, version }) => ({ id, kind, version }))
  return JSON.stringify({ nodes, edges: edgesOf(lock) }, null, 2)
}

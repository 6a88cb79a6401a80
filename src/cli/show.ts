import { children } from '../oci/manifest.ts'
import type { InspectResult } from '../tasks/inspect.ts'
import type { Failure, ReleaseResult, TargetOutcome } from '../tasks/outcome.ts'
import type { PackageResult } from '../tasks/package.ts'
import type { PublishResult } from '../tasks/publish.ts'
import { clean, columns, type Paint, showBytes, showTime } from './text.ts'

export function showReleases({ releases, failed }: ReleaseResult, paint: Paint): string {
  const head = (one: { readonly name: string; readonly version: string }) =>
    paint('bold', clean(`${one.name} ${one.version}`))
  return [
    ...releases.flatMap((one) => [
      `${head(one)}  ${one.layer}  ${showBytes(one.size)}, ${one.files} files`,
      ...one.targets.map((target) => showTargetOutcome(target, paint)),
    ]),
    ...failed.flatMap((one) => [
      `${head(one)}  ${clean(one.gitTag)}`,
      `  ${paint('red', 'failed')}`,
      ...showError(one.error, paint, 'red'),
    ]),
  ].join('\n')
}

export function showPackages({ packages, output }: PackageResult, paint: Paint): string {
  const rows = packages.map((one) => [
    paint('bold', clean(`${one.name} ${one.version}`)),
    one.digest,
    `${showBytes(one.size)}, ${one.files} files`,
  ])
  return `${columns(rows)}\nin ${clean(output)}`
}

export function showPublished({ published }: PublishResult, paint: Paint): string {
  return published
    .map((one) =>
      [
        paint('bold', clean(one.source)),
        ...one.targets.map((target) => showTargetOutcome(target, paint)),
      ].join('\n'),
    )
    .join('\n')
}

export function showInspected(result: InspectResult, paint: Paint): string {
  const rows = [
    ['digest', result.digest],
    ['media type', clean(result.mediaType)],
    ...(result.artifactType === undefined ? [] : [['artifact type', clean(result.artifactType)]]),
    ...children(result.manifest).map((one) => [
      'holds',
      `${clean(one.mediaType)}  ${one.digest}  ${showBytes(one.size)}`,
    ]),
    ...Object.entries(result.manifest.annotations ?? {}).map(([key, value]) => [clean(key), clean(value)]),
    ...result.referrers.map((one) => [
      'referrer',
      `${clean(one.artifactType ?? one.mediaType)}  ${one.digest}`,
    ]),
  ]
  return `${paint('bold', clean(result.reference))}\n${columns(rows)}`
}

function showTargetOutcome(one: TargetOutcome, paint: Paint): string {
  const colour = one.outcome === 'failed' ? 'red' : one.outcome === 'refused' ? 'yellow' : 'green'
  const lines = [
    `  ${paint(colour, one.outcome)} ${clean(one.reference)}${one.digest === undefined ? '' : `@${one.digest}`} (${showTime(one.milliseconds)})`,
  ]
  for (const [tag, to] of Object.entries(one.moved)) lines.push(`    ${clean(tag)} → ${clean(to)}`)
  if (one.error !== undefined) lines.push(...showError(one.error, paint, colour))
  return lines.join('\n')
}

function showError(
  { code, message, hint }: Failure,
  paint: Paint,
  colour: 'red' | 'yellow' | 'green',
): string[] {
  const said = `    ${paint(colour, `error[${code}]`)}: ${clean(message)}`
  return hint === undefined ? [said] : [said, `    hint: ${clean(hint)}`]
}

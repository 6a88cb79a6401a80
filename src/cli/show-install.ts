import type { InstallOutcome } from '../tasks/install.ts'
import { clean, type Paint, showBytes, showTime } from './text.ts'

/** What came, what went, and what that took. */
export function showInstalled(result: InstallOutcome, dryRun: boolean, paint: Paint): string {
  const { installed, unchanged, removed, kept, counts, root } = result
  const lines = [
    ...installed.map(
      (one) => `${paint('green', '+')} ${clean(one.id)} ${clean(one.version)}  ${clean(one.folder)}`,
    ),
    ...removed.map((id) => `${paint('red', '-')} ${clean(id)}`),
    ...kept.map((id) => `${paint('yellow', '!')} ${clean(id)} was changed by hand and stays`),
  ]
  const fetched =
    counts.pulls === 0
      ? `${counts.hits} from the cache`
      : `${counts.pulls} fetched (${showBytes(counts.bytes)} in ${showTime(counts.milliseconds)}), ${counts.hits} from the cache`
  const verb = dryRun ? 'would be installed' : 'installed'
  return [
    ...lines,
    `${installed.length} ${verb} in ${clean(root)}, ${unchanged.length} unchanged${dryRun ? '' : `; ${fetched}`}`,
  ].join('\n')
}

import type { CopyTaskResult } from '../tasks/copy.ts'
import type { MirrorResult, RepositoryOutcome } from '../tasks/mirror.ts'
import { code, plain, table } from './markdown.ts'
import type { StepResult } from './result.ts'

/** Rows of a table; what is longer nobody reads, and runners refuse. */
const most = 500

/** A mirror's run as outputs, log and summary: a table of repositories, those that failed first. */
export function mirrorResult(result: MirrorResult): StepResult {
  const { total, repositories, milliseconds, verified, exit } = result
  const seconds = milliseconds / 1000
  const rate =
    total.bytes.uploaded > 0 && seconds > 0 ? `, ${mebibytes(total.bytes.uploaded / seconds)}/s` : ''
  const tags = `${total.tags.copied} tags copied, ${total.tags.unchanged} ${verified ? 'equal' : 'unchanged'}, ${total.tags.failed} failed`
  const told = `${total.repositories} repositories: ${tags}; ${mebibytes(total.bytes.uploaded)} copied, ${mebibytes(total.bytes.mounted)} mounted, ${total.requests} requests${rate}`
  const rows = [...repositories].sort((a, b) => rank(a) - rank(b))
  const rest = rows.length > most ? `\n\n… and ${rows.length - most} more.` : ''
  const head = ['State', 'Source', 'Target', 'Copied', 'Unchanged', 'Failed', 'Bytes', 'Requests', 'Time']
  const cells = (one: RepositoryOutcome) => [
    one.failures.length > 0 ? `**${one.state}**` : one.state,
    code(one.source),
    code(one.target),
    ...[one.tags.copied, one.tags.unchanged, one.tags.failed].map(String),
    one.bytes.uploaded.toLocaleString('en'),
    String(one.requests),
    `${(one.milliseconds / 1000).toFixed(2)} s`,
  ]
  return {
    rows: [],
    exit,
    failures: repositories.flatMap((one) =>
      one.failures.map(({ tag, side: _, ...failure }) => ({
        ...failure,
        level: 'error' as const,
        message: `${one.source}${tag === undefined ? '' : `:${tag}`} → ${one.target}: ${failure.message}`,
      })),
    ),
    lines: [told, ...repositories.map((one) => `  ${one.state} ${one.source} → ${one.target}`)],
    sections: [plain(told), `${table(head, rows.slice(0, most).map(cells))}${rest}`],
    outputs: {
      repositories: repositories.map(({ mirror, source, target, state, tags, bytes, requests }) => ({
        mirror,
        source,
        target,
        state,
        tags,
        bytes,
        requests,
      })),
      copied: total.tags.copied,
      unchanged: total.tags.unchanged,
      failed: total.tags.failed,
      bytes: total.bytes.uploaded,
      requests: total.requests,
    },
  }
}

/** One copied reference in the same form. */
export function copyResult(result: CopyTaskResult): StepResult {
  const { source, destination, digest, bytes, referrers, signatures } = result
  const told = `${source} → ${destination}: ${mebibytes(bytes.uploaded)} copied, ${referrers + signatures.length} signatures and other referrers`
  return {
    rows: [],
    exit: 0,
    lines: [told, `  ${digest}`],
    sections: [plain(told), code(digest)],
    outputs: { digest, copied: 1, unchanged: 0, failed: 0, bytes: bytes.uploaded },
  }
}

function rank({ state }: RepositoryOutcome): number {
  return ['failed', 'partial', 'copied', 'unchanged'].indexOf(state)
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

import type { Rehearsal } from '../store/rehearse.ts'
import type { Outcome } from './command.ts'
import { clean, columns, showBytes } from './text.ts'

/** Shows what a rehearsed command would have written, and says that it has not. */
export function dryRunOutcome(outcome: Outcome, rehearsals: ReadonlyMap<string, Rehearsal>): Outcome {
  const writes = [...rehearsals].flatMap(([place, rehearsal]) =>
    rehearsal.writes().map((write) => ({ place, ...write })),
  )
  return {
    exit: outcome.exit,
    json: { dryRun: true, writes, result: outcome.json },
    text(paint) {
      const rows = writes.map((write) => [
        write.kind === 'tag' ? `tag ${write.tag}` : write.kind,
        write.outcome,
        clean(`${write.place} ${write.repository}`),
        write.descriptor.digest,
        showBytes(write.descriptor.size),
      ])
      const heading = rows.length === 0 ? 'Nothing would be written.' : 'This would be written, and is not:'
      return [
        paint('bold', heading),
        ...(rows.length === 0 ? [] : [columns(rows)]),
        // What would be refused or fail stands in the command's own words.
        ...(outcome.exit === 0 ? [] : [outcome.text(paint)]),
      ].join('\n')
    },
  }
}

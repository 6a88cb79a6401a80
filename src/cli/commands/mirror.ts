import { resolve } from 'node:path'
import { loadMirrorYaml } from '../../config/mirror-yaml.ts'
import { layoutsWith } from '../../extension/kinds.ts'
import { mirror, parseShard } from '../../tasks/mirror.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { openSession } from '../session.ts'
import { showMirror } from '../show-mirror.ts'

export async function run({ flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const { cwd } = terminal
  const rules = loadMirrorYaml(
    typeof own.file === 'string'
      ? resolve(cwd, own.file)
      : resolve(cwd, flags.directory ?? '.', 'mirror.yaml'),
  )
  // What is given is for the sides that are written: the others have no business with it.
  await using session = await openSession(flags, terminal, report, () => rules.flatMap((one) => one.to))
  const dryRun = flags.dryRun === true
  const result = await mirror(
    {
      rules,
      verify: own.verify === true,
      layouts: layoutsWith(session.file?.value.kinds ?? {}),
      concurrency: session.settings.concurrency.value,
      ...(typeof own.shard === 'string' ? { shard: parseShard(own.shard) } : {}),
    },
    session.context,
  )
  const outcome: Outcome = {
    json: result,
    exit: result.exit,
    text: (paint) => showMirror(result, paint, dryRun),
  }
  if (!dryRun) return outcome
  const rehearsed = dryRunOutcome(outcome, session.rehearsals())
  // Where something fails, the rehearsal shows the command's own words already.
  return result.exit === 0
    ? { ...rehearsed, text: (paint) => `${rehearsed.text(paint)}\n\n${outcome.text(paint)}` }
    : rehearsed
}

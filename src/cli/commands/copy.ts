import { located, parseAddress } from '../../store/address.ts'
import { copyReference } from '../../tasks/copy.ts'
import type { Invocation, Outcome } from '../command.ts'
import { dryRunOutcome } from '../dry-run.ts'
import { openSession } from '../session.ts'
import { clean, showBytes, showTime } from '../text.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const [source, destination] = [args[0] ?? '', args[1] ?? ''].map((text) =>
    located(parseAddress(text), terminal.cwd),
  ) as [ReturnType<typeof parseAddress>, ReturnType<typeof parseAddress>]
  const platforms = listOf(own.platform)
  const types = listOf(own.referrers)
  // What is given is for the side that is written: the other host has no business with it.
  await using session = await openSession(flags, terminal, report, () => [destination])
  const result = await copyReference(
    {
      source,
      destination,
      referrers: types.length === 0 || types.includes('all') ? true : types.includes('none') ? false : types,
      concurrency: session.settings.concurrency.value,
      ...(platforms.length === 0 ? {} : { platforms }),
    },
    session.context,
  )
  const { blobs, manifests, bytes } = result
  const outcome: Outcome = {
    json: result,
    exit: 0,
    text: () =>
      [
        `${clean(result.destination)} (${result.digest})`,
        `${manifests.uploaded} of ${manifests.uploaded + manifests.present} manifests and ${blobs.uploaded + blobs.mounted} of ${blobs.uploaded + blobs.mounted + blobs.present} blobs copied, ${showBytes(bytes.uploaded)} in ${showTime(result.milliseconds)}; ${result.referrers + result.signatures.length} signatures and other referrers`,
      ].join('\n'),
  }
  return flags.dryRun === true ? dryRunOutcome(outcome, session.rehearsals()) : outcome
}

/** The parts of a flag whose values stand with commas between them. */
export function listOf(text: unknown): string[] {
  return typeof text === 'string'
    ? text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '')
    : []
}

import { located, parseTarget } from '../../store/address.ts'
import { verify } from '../../tasks/archive.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showBytes } from '../text.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const archive = located(parseTarget(args[0] ?? ''), terminal.cwd)
  await using session = await openSession(flags, terminal, report)
  const result = await verify(archive, session.context)
  const { manifests, blobs, bytes, elsewhere } = result
  const earlier = elsewhere === 0 ? '' : `; ${elsewhere} more blobs are in an earlier archive`
  return {
    json: result,
    exit: 0,
    text: () => `${manifests} manifests and ${blobs} blobs are whole (${showBytes(bytes)})${earlier}`,
  }
}

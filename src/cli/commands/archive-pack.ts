import { located, parseTarget } from '../../store/address.ts'
import { pack } from '../../tasks/archive.ts'
import { bytesOf } from '../bytes.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, columns, showBytes } from '../text.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const archive = located(parseTarget(args[0] ?? ''), terminal.cwd)
  const split = bytesOf('--split', own.split)
  await using session = await openSession(flags, terminal, report)
  const options = { archive, zstd: own.zstd === true, ...(split === undefined ? {} : { split }) }
  const result = await pack(options, session.context)
  const { list, parts } = result
  return {
    json: result,
    exit: 0,
    text: () =>
      [
        columns(parts.map(({ name, size, digest }) => [clean(name), showBytes(size), digest])),
        `${clean(list)} names all that belongs together`,
      ].join('\n'),
  }
}

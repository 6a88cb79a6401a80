import { located, parseTarget } from '../../store/address.ts'
import { type ListResult, list } from '../../tasks/list.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, columns } from '../text.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  const given = args.map(parseTarget).map((one) => located(one, terminal.cwd))
  await using session = await openSession(flags, terminal, report, (settings) =>
    given.length > 0 ? given : settings.source.value.map(parseTarget),
  )
  const { settings, context } = session
  const targets = given.length > 0 ? given : settings.source.value.map(parseTarget)
  const results: ListResult[] = []
  for (const target of targets)
    results.push(await list({ target, concurrency: settings.concurrency.value }, context))
  return {
    json: results,
    exit: 0,
    text: (paint) =>
      results
        .map(({ target, repositories }) => {
          const rows = repositories.map((one) => [
            clean(one.repository),
            one.highest ?? '-',
            one.versions === 1 ? '1 version' : `${one.versions} versions`,
          ])
          return `${paint('bold', clean(target))}\n${rows.length === 0 ? 'nothing' : columns(rows)}`
        })
        .join('\n\n'),
  }
}

import { located, parseTarget } from '../../store/address.ts'
import { catalog } from '../../tasks/catalog.ts'
import { fromSettings } from '../../tasks/options.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showPackages, showUnread } from '../show-packages.ts'
import { clean } from '../text.ts'

export async function run({ args, own, flags, terminal, report }: Invocation): Promise<Outcome> {
  const given = args.map(parseTarget).map((one) => located(one, terminal.cwd))
  await using session = await openSession(flags, terminal, report, (settings) =>
    given.length > 0 ? given : settings.source.value.map(parseTarget),
  )
  const { layouts, sources, concurrency } = fromSettings(session.settings, session.file)
  const repositories = typeof own.repositories === 'string' ? own.repositories.split(',') : undefined
  const result = await catalog(
    {
      targets: given.length > 0 ? given : sources,
      layouts,
      concurrency,
      ...(repositories === undefined
        ? {}
        : { repositories: repositories.map((one) => one.trim()).filter((one) => one !== '') }),
    },
    session.context,
  )
  return {
    json: result,
    exit: result.unread.length > 0 ? 1 : 0,
    text: (paint) => {
      const parts = result.sources.map((source) => {
        const packages = result.packages.filter((one) => one.source === source)
        const unread = result.unread.filter((one) => one.source === source)
        const rows = packages.length === 0 ? [] : [showPackages(packages, paint)]
        const all = [...rows, ...showUnread(unread, paint)]
        return [paint('bold', clean(source)), ...(all.length === 0 ? ['nothing'] : all)].join('\n')
      })
      return parts.join('\n\n')
    },
  }
}

import { relative, resolve } from 'node:path'
import { parseTarget } from '../../store/address.ts'
import { type CheckResult, check } from '../../tasks/check.ts'
import { unsolvable } from '../../tasks/deps-validate.ts'
import { fromSettings, solvedPlainly, solvingFrom, sourceDateEpoch } from '../../tasks/options.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'

export async function run({ args, flags, own, terminal, report }: Invocation): Promise<Outcome> {
  const published = own.published === true
  await using session = await openSession(flags, terminal, report, (settings) =>
    published ? settings.source.value.map(parseTarget) : [],
  )
  const { directory, context, settings, file } = session
  const options = fromSettings(settings, file)
  const sources = published ? options.sources : []
  const solving = { ...solvingFrom(settings, file, solvedPlainly), directory, sources }
  const result = await check(
    {
      ...options,
      ...sourceDateEpoch(terminal.environment),
      directory,
      paths: args.map((path) => relative(directory, resolve(terminal.cwd, path))),
      uncommitted: true,
      sources,
      solve: (checked) => unsolvable(solving, context, checked),
      ...(typeof own.since === 'string' ? { since: [own.since] } : {}),
    },
    context,
  )
  return { json: result, exit: result.exit, text: () => shown(result) }
}

function shown({ packages, since, findings }: CheckResult): string {
  const count = (level: string) => findings.filter((one) => one.level === level).length
  const changed = packages.filter((one) => one.because === 'changed').length
  const why = since === undefined ? '' : ` (${changed} changed, ${packages.length - changed} depend on that)`
  return `packages checked: ${packages.length}${why}, errors: ${count('error')}, warnings: ${count('warning')}`
}

import { relative, resolve } from 'node:path'
import { fromSettings } from '../../tasks/options.ts'
import { validate } from '../../tasks/validate.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'

export async function run({ args, flags, terminal, report }: Invocation): Promise<Outcome> {
  await using session = await openSession(flags, terminal, report)
  const { layouts } = fromSettings(session.settings, session.file)
  const paths = args.map((path) => relative(session.directory, resolve(terminal.cwd, path)))
  const result = await validate({ directory: session.directory, layouts, paths }, session.context)
  const count = (level: string) => result.findings.filter((one) => one.level === level).length
  return {
    json: result,
    exit: result.exit,
    text: () =>
      `packages checked: ${result.packages.length}, errors: ${count('error')}, warnings: ${count('warning')}`,
  }
}

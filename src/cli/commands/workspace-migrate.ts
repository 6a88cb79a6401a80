import { resolve } from 'node:path'
import { parseTarget } from '../../store/address.ts'
import { fromSettings } from '../../tasks/options.ts'
import { workspaceMigrate } from '../../tasks/workspace-migrate.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { clean, type Paint } from '../text.ts'

export async function run({ flags, own, terminal, report }: Invocation): Promise<Outcome> {
  await using session = await openSession(flags, terminal, report)
  const { settings, directory, file, home } = session
  const dryRun = flags.dryRun === true
  const result = await workspaceMigrate(
    {
      directory,
      file: typeof own.workspace === 'string' ? resolve(terminal.cwd, own.workspace) : undefined,
      target: typeof own.to === 'string' ? parseTarget(own.to) : undefined,
      home,
      giteaUrl: settings.giteaUrl.value,
      layouts: fromSettings(settings, file).layouts,
      dryRun,
    },
    session.context,
  )
  return {
    json: { dryRun, ...result },
    exit: 0,
    text(paint) {
      if (result.diff === '') return `${clean(result.file)} needs no change`
      const done = dryRun ? 'would change' : 'changed'
      return `${coloured(result.diff, paint)}\n${clean(result.file)} ${done}`
    },
  }
}

function coloured(diff: string, paint: Paint): string {
  const colour = { '+': 'green', '-': 'red', '@': 'cyan' } as const
  return diff
    .trimEnd()
    .split('\n')
    .map((line) => {
      const style = colour[line.charAt(0) as keyof typeof colour]
      const text = clean(line.replace(/\r$/, ''))
      return style === undefined ? text : paint(style, text)
    })
    .join('\n')
}

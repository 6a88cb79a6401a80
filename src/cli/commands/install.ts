import { resolve } from 'node:path'
import { install } from '../../tasks/install.ts'
import type { Invocation, Outcome } from '../command.ts'
import { solvingSession } from '../deps.ts'
import { showInstalled } from '../show-install.ts'

export async function run(invocation: Invocation): Promise<Outcome> {
  const { own, flags, terminal } = invocation
  await using session = await solvingSession(invocation)
  const root = typeof own.root === 'string' ? resolve(terminal.cwd, own.root) : session.directory
  const dryRun = flags.dryRun === true
  const result = await install(
    { ...session.options, root, dryRun, rollback: own.rollback === true, replace: own.replace === true },
    session.context,
  )
  return { json: result, exit: 0, text: (paint) => showInstalled(result, dryRun, paint) }
}

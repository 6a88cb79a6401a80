import { basename, dirname, extname, join, resolve } from 'node:path'
import { loadRetentionYaml } from '../../config/retention-yaml.ts'
import { badInput } from '../../core/error.ts'
import { located, parseTarget } from '../../store/address.ts'
import { cleanup, givenSource, sourceOfPlan } from '../../tasks/cleanup.ts'
import { fromSettings } from '../../tasks/options.ts'
import type { Invocation, Outcome } from '../command.ts'
import { openSession } from '../session.ts'
import { showCleanup } from '../show-cleanup.ts'

export async function run({ own, flags, terminal, report }: Invocation): Promise<Outcome> {
  const path = (value: string) => resolve(terminal.cwd, value)
  const file = text(own.file)
  const given = text(own.apply)
  const output = text(own.plan)
  refuseContradictions({ file, given, output, source: flags.settings.source })
  const retention = file === undefined ? undefined : await loadRetentionYaml(path(file), file)
  const plan = given === undefined ? undefined : path(given)
  const planned = plan === undefined ? undefined : await sourceOfPlan(plan)
  const ruled = retention?.source === undefined ? undefined : parseTarget(retention.source)
  const archive = text(own.archive)
  await using session = await openSession(flags, terminal, report, (settings) => {
    const source = planned ?? givenSource(settings.source) ?? ruled
    return source === undefined ? [] : [source]
  })
  const named = plan === undefined ? givenSource(session.settings.source) : undefined
  const { layouts, concurrency } = fromSettings(session.settings, session.file)
  const written = plan ?? (output === undefined ? undefined : path(output))
  const result = await cleanup(
    {
      apply: own.apply !== undefined,
      layouts,
      concurrency,
      restoreFile:
        own.restoreFile === undefined ? restoreBeside(written, terminal.cwd) : path(String(own.restoreFile)),
      ...(retention === undefined ? {} : { retention }),
      ...(plan === undefined ? {} : { plan }),
      ...(named === undefined ? {} : { source: named }),
      ...(output === undefined ? {} : { output: path(output) }),
      ...(archive === undefined ? {} : { archive: located(parseTarget(archive), terminal.cwd) }),
    },
    session.context,
  )
  return { json: result, exit: result.exit, text: (paint) => showCleanup(result, paint) }
}

interface Given {
  readonly file: string | undefined
  readonly given: string | undefined
  readonly output: string | undefined
  readonly source: unknown
}

function refuseContradictions({ file, given, output, source }: Given): void {
  if (file === undefined && given === undefined)
    throw usage(
      'Neither rules (-f) nor a plan to carry out (--apply PLAN) were named',
      'Write slipway cleanup -f retention.yaml.',
    )
  if (given === undefined) return
  if (file !== undefined || output !== undefined || source !== undefined)
    throw usage(
      'A plan brings its own rules and source: -f, --plan and --source do not go with --apply PLAN',
      'To plan and carry out at once, write slipway cleanup -f retention.yaml --apply.',
    )
}

/** `plan.restore.json` beside `plan.json`. */
function restoreBeside(plan: string | undefined, cwd: string): string {
  if (plan === undefined) return join(cwd, 'cleanup.restore.json')
  return join(dirname(plan), `${basename(plan, extname(plan))}.restore.json`)
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function usage(message: string, hint: string) {
  return badInput('USAGE_INVALID', message, { hint })
}

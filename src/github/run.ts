import { resolve } from 'node:path'
import type { Effective } from '../config/effective.ts'
import { type ExitCode, SlipwayError } from '../core/error.ts'
import { type Place, parseTarget } from '../store/address.ts'
import type { Action } from './action.ts'
import { Annotations, type Said } from './annotations.ts'
import { isUnmerged } from './base.ts'
import { tagOfRun, workspaceOf } from './environment.ts'
import { fail, failureOf, failuresOf } from './failure.ts'
import { type Inputs, maskInputs, readInputs } from './inputs.ts'
import { log } from './log.ts'
import { writeOutputs } from './outputs.ts'
import { RunnerReport } from './report.ts'
import { logLines, type StepResult } from './result.ts'
import { openSession, type Session } from './session.ts'
import { declareSubjects } from './subjects.ts'
import { showSummary, writeSummary } from './summary.ts'

/** What an action's work is given. */
export interface Step<Name extends string> {
  readonly inputs: Inputs<Name>
  readonly session: Session
  /** The tag that the run is for. */
  readonly tagOfRun: string | undefined
  /** What relative paths in inputs start from. */
  readonly workspace: string
  /** Whether the run is about a change that nobody has merged. */
  readonly unmerged: boolean
}

type NameOf<A extends Action> = keyof A['own'] & string

/**
 * Runs an action to its end: masks its secrets, reads its inputs, does its work, and writes annotations,
 * outputs and summary. Sets the exit code of the process and throws only where the runner takes no output.
 * @param places where given credentials may go; default: the targets
 */
export async function runAction<A extends Action>(
  action: A,
  work: (step: Step<NameOf<A>>) => Promise<StepResult>,
  places: (inputs: Inputs<NameOf<A>>, settings: Effective, workspace: string) => readonly Place[] = (
    _,
    settings,
  ) => settings.to.value.map(parseTarget),
): Promise<void> {
  maskInputs(action)
  const start = performance.now()
  const environment = { ...process.env }
  const signal = abortOnSignals()
  let annotations: Annotations | undefined
  let result: StepResult | undefined
  let failures: readonly Said[]
  let rehearsals: ReturnType<Session['rehearsals']> | undefined
  let exit: 0 | ExitCode
  try {
    const workspace = workspaceOf(environment)
    const inputs: Inputs = readInputs(action, workspace)
    annotations = new Annotations(workspace, resolve(workspace, inputs.text('directory') ?? '.'))
    const report = new RunnerReport(annotations)
    const runner = { environment, workspace, report, signal }
    await using session = await openSession(inputs, runner, (settings) => places(inputs, settings, workspace))
    const unmerged = await isUnmerged(environment)
    result = await work({ inputs, session, workspace, unmerged, tagOfRun: tagOfRun(environment) })
    exit = result.exit
    failures = [...(result.failures ?? []), ...failuresOf(result.rows)]
    if (inputs.toggle('dry-run')) rehearsals = session.rehearsals()
    writeOutputs(action, rehearsals === undefined ? result.outputs : unwritten(result.outputs))
    if (rehearsals === undefined)
      await declareSubjects(environment.GITHUB_ARTIFACTS, result.outputs.references)
  } catch (error) {
    if (error instanceof SlipwayError) for (const finding of error.findings) annotations?.add(finding)
    const failure = failureOf(error, signal)
    failures = [failure.said]
    exit = failure.exit
  }
  annotations?.flush()
  const { rows = [], sections = [], lines = [] } = result ?? {}
  for (const line of [...logLines(rows, rehearsals), ...lines]) log(line)
  const beyond = annotations?.beyond ?? []
  const milliseconds = performance.now() - start
  await writeSummary(showSummary({ action, rows, sections, rehearsals, failures, beyond, milliseconds }))
  fail(failures)
  process.exitCode = exit
}

/** The runner cancels with SIGINT, some seconds later with SIGTERM; the second one ends the process. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new Error(`cancelled by ${signal}`))
    })
  return controller.signal
}

/** A dry run has put nothing anywhere: no address may lead a later step to it. */
function unwritten(outputs: StepResult['outputs']): StepResult['outputs'] {
  const { reference: _, layout: __, ...rest } = outputs
  return { ...rest, references: [], published: 0 }
}

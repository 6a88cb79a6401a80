import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { type Effective, effective } from '../config/effective.ts'
import { hostSettings, limitsOf } from '../config/registries.ts'
import { type ConfigurationFile, loadSlipwayYaml } from '../config/slipway-yaml.ts'
import { systemClock } from '../core/clock.ts'
import { badInput } from '../core/error.ts'
import type { Report } from '../core/report.ts'
import { explicitFor } from '../open/explicit.ts'
import { Opener, type OpenOptions } from '../open/open.ts'
import type { Place } from '../store/address.ts'
import type { Rehearsal } from '../store/rehearse.ts'
import type { Context } from '../tasks/context.ts'
import { type Environment, withToken } from './environment.ts'
import type { Inputs } from './inputs.ts'

declare const SLIPWAY_VERSION: string | undefined

const userAgent = `slipway/${typeof SLIPWAY_VERSION === 'undefined' ? '0.0.0-source' : SLIPWAY_VERSION} (action)`

/** What a step's run has from outside. */
export interface Runner {
  readonly environment: Environment
  /** What relative paths in inputs start from. */
  readonly workspace: string
  readonly report: Report
  readonly signal: AbortSignal
}

/** A step's settings and context, and what it opens. Disposing removes its scratch folder. */
export class Session implements AsyncDisposable {
  /** Absolute path of the extension repository. */
  readonly directory: string
  readonly settings: Effective
  readonly file: ConfigurationFile | undefined
  readonly context: Context
  readonly #opener: Opener

  constructor(
    directory: string,
    settings: Effective,
    file: ConfigurationFile | undefined,
    { environment, report, signal }: Runner,
    open: OpenOptions,
  ) {
    this.directory = directory
    this.settings = settings
    this.file = file
    this.#opener = new Opener(open)
    this.context = {
      clock: systemClock,
      report,
      signal,
      environment,
      open: (place) => this.#opener.open(place),
      transport: () => this.#opener.transport(),
      scratch: () => this.#opener.scratch(),
    }
  }

  /** What a workspace says of hosts, before anything is opened. */
  consider(hosts: Parameters<Opener['consider']>[0]): void {
    this.#opener.consider(hosts)
  }

  /** What a dry run would have written, by place. */
  rehearsals(): ReadonlyMap<string, Rehearsal> {
    return this.#opener.rehearsals()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opener[Symbol.asyncDispose]()
  }
}

/**
 * Reads the configuration and prepares to open stores; nothing is connected yet.
 * @param places where given credentials may go
 */
export async function openSession(
  inputs: Inputs,
  runner: Runner,
  places: (settings: Effective) => readonly Place[],
): Promise<Session> {
  const { environment, workspace, report } = runner
  const folder = resolve(workspace, inputs.text('directory') ?? '.')
  if ((await stat(folder).catch(() => undefined))?.isDirectory() !== true)
    throw badInput('FOLDER_MISSING', `The input directory names ${folder}, which is no folder`, {
      hint: 'Check out the repository in an earlier step, and give a path relative to the workspace.',
    })
  const file = await loadSlipwayYaml(folder)
  const settings = effective({
    given: inputs.settings,
    environment,
    file,
    cwd: workspace,
    folder,
    home: environment.HOME ?? homedir(),
  })
  return new Session(folder, settings, file, runner, {
    environment: withToken(environment, inputs.text('github-token')),
    limits: limitsOf(settings),
    host: (host) => hostSettings(settings, file, host),
    userAgent,
    secret: (value) => report.secret(value),
    rehearse: inputs.toggle('dry-run'),
    temporary: environment.RUNNER_TEMP,
    credentials: credentials(inputs, places(settings)),
  })
}

/** What the inputs hold, for the hosts that the step is about. @throws INPUT_INVALID */
function credentials(inputs: Inputs, places: readonly Place[]): NonNullable<OpenOptions['credentials']> {
  const [token, username, password] = ['token', 'username', 'password'].map((name) => inputs.text(name))
  if (token !== undefined && (username ?? password) !== undefined)
    throw badInput('INPUT_INVALID', 'The step has token beside username or password', {
      hint: 'A token is sent alone: drop the others, or give the token as password.',
    })
  if (token !== undefined) return explicitFor(places, { kind: 'bearer', token, source: 'the input token' })
  if (username === undefined && password === undefined) return []
  if (username === undefined || password === undefined)
    throw badInput(
      'INPUT_INVALID',
      `The step has ${username === undefined ? 'password, but no username' : 'username, but no password'}`,
      {
        hint: 'Give both. A secret that does not exist is empty; so are all secrets in runs from forks.',
      },
    )
  const source = 'the inputs username and password'
  return explicitFor(places, { kind: 'basic', username, password, source })
}

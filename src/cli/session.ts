import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { type Effective, effective, type Given } from '../config/effective.ts'
import { hostSettings, limitsOf } from '../config/registries.ts'
import type { SettingName } from '../config/settings.ts'
import { type ConfigurationFile, loadSlipwayYaml } from '../config/slipway-yaml.ts'
import { systemClock } from '../core/clock.ts'
import { badInput } from '../core/error.ts'
import { explicitFor } from '../open/explicit.ts'
import { Opener, type OpenOptions } from '../open/open.ts'
import type { Place } from '../store/address.ts'
import type { Context } from '../tasks/context.ts'
import type { TerminalReport } from './report.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** What every command takes besides its own flags. */
export interface CommonFlags {
  readonly directory?: string
  readonly dryRun?: boolean
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly settings: Readonly<Partial<Record<SettingName, Given>>>
}

/** One command's run: settings, context and what it opens. Disposing removes its scratch folder. */
export class Session implements AsyncDisposable {
  readonly directory: string
  readonly settings: Effective
  readonly file: ConfigurationFile | undefined
  readonly context: Context
  /** The user's home, absolute. */
  readonly home: string
  readonly openOptions: OpenOptions
  readonly #opener: Opener

  constructor(
    directory: string,
    settings: Effective,
    file: ConfigurationFile | undefined,
    terminal: Terminal,
    report: TerminalReport,
    open: OpenOptions,
  ) {
    this.directory = directory
    this.settings = settings
    this.file = file
    this.openOptions = open
    this.home = homeOf(terminal)
    this.#opener = new Opener(open)
    this.context = {
      clock: systemClock,
      report,
      signal: terminal.signal,
      environment: terminal.environment,
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
  rehearsals() {
    return this.#opener.rehearsals()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opener[Symbol.asyncDispose]()
  }
}

/**
 * Reads the configuration and prepares to open stores; nothing is connected yet.
 * @param places where explicitly given credentials may go
 */
export async function openSession(
  flags: CommonFlags,
  terminal: Terminal,
  report: TerminalReport,
  places: (settings: Effective) => readonly Place[] = () => [],
): Promise<Session> {
  const { cwd, environment } = terminal
  const directory = resolve(cwd, flags.directory ?? '.')
  if (flags.directory !== undefined) await requireFolder(directory)
  const file = await loadSlipwayYaml(directory)
  const settings = effective({
    given: flags.settings,
    environment,
    file,
    cwd,
    folder: directory,
    home: homeOf(terminal),
  })
  const credentials = await givenCredentials(flags, terminal, report, places(settings))
  return new Session(directory, settings, file, terminal, report, {
    environment,
    limits: limitsOf(settings),
    host: (host) => hostSettings(settings, file, host),
    userAgent: `slipway/${version}`,
    secret: (value) => report.secret(value),
    rehearse: flags.dryRun === true,
    temporary: environment.RUNNER_TEMP,
    credentials,
  })
}

/** --username with --password-stdin, or SLIPWAY_TOKEN, or SLIPWAY_USERNAME and SLIPWAY_PASSWORD. */
async function givenCredentials(
  flags: CommonFlags,
  terminal: Terminal,
  report: TerminalReport,
  places: readonly Place[],
): Promise<NonNullable<OpenOptions['credentials']>> {
  const { environment } = terminal
  const remote = places.some((place) => place.scheme === 'oci')
  const piped = flags.passwordStdin === true
  const username = flags.username ?? environment.SLIPWAY_USERNAME
  const password = piped ? await readPassword(terminal) : environment.SLIPWAY_PASSWORD
  const token = environment.SLIPWAY_TOKEN
  for (const secret of [token, password]) if (secret !== undefined) report.secret(secret)
  // Variables that stand around for other commands are no error where no host is spoken to.
  const flagged = flags.username !== undefined || piped
  if (!remote && !flagged) return []
  if (!flagged && token !== undefined && token !== '')
    return explicitFor(places, { kind: 'bearer', token, source: 'SLIPWAY_TOKEN' })
  if (username === undefined || username === '') {
    if (!piped) return []
    throw badInput('USERNAME_MISSING', 'There is a password, but nothing says whose', {
      hint: 'Name the user with --username.',
    })
  }
  if (password === undefined || password === '')
    throw badInput('PASSWORD_MISSING', `There is a user ${JSON.stringify(username)}, but no password`, {
      hint: 'Pipe it in with --password-stdin, or set SLIPWAY_PASSWORD.',
    })
  const source = piped ? '--password-stdin' : 'SLIPWAY_PASSWORD'
  return explicitFor(places, { kind: 'basic', username, password, source })
}

export function homeOf({ environment }: Terminal): string {
  return environment.HOME ?? homedir()
}

async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return
  throw badInput('FOLDER_MISSING', `${path} (-C) is no folder`, { hint: 'Check the path.' })
}

/** Whether a runner's job was started by a pushed tag: then the tag's own commit is what is released. */
export function isTagPush({ GITHUB_EVENT_NAME, GITHUB_REF }: Terminal['environment']): boolean {
  return GITHUB_EVENT_NAME === 'push' && GITHUB_REF?.startsWith('refs/tags/') === true
}

/** Bytes of a password; what is longer is some other file. */
const longest = 64 * 1024

/** All of stdin, without the line end that `echo` adds. */
export async function readPassword(terminal: Terminal): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of terminal.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array)
    size += bytes.byteLength
    if (size > longest) throw badInput('PASSWORD_MISSING', 'What comes from stdin is too long for a password')
    chunks.push(bytes)
  }
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (password === '')
    throw badInput('PASSWORD_MISSING', 'There was no password on stdin', {
      hint: 'Pipe it in: echo "$TOKEN" | slipway login HOST --username USER --password-stdin.',
    })
  return password
}

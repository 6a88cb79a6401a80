import { Command, CommanderError, Option } from 'commander'
import { describeSettings } from '../config/describe.ts'
import type { SettingName } from '../config/settings.ts'
import { badInput, messageOf, SlipwayError } from '../core/error.ts'
import type { CommandRow, Invocation, Outcome } from './command.ts'
import { TerminalReport } from './report.ts'
import { commandGroups, commands } from './table.ts'
import { type Terminal, wantsColour } from './terminal.ts'
import { painter } from './text.ts'
import { version } from './version.ts'

interface GlobalFlags {
  readonly directory?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color: boolean
}

/** Runs a command line to its end. @returns the exit code */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exit = 0
  const program = build(terminal, async (row, own, args, globals) => {
    exit = await execute(row, own, args, globals, terminal)
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has shown help, the version or what is wrong with the usage already, to people.
    if (error.exitCode === 0) return 0
    if (argv.includes('--json')) terminal.stdout.write(asText(failureDocument(usage(error))))
    return 2
  }
}

type Action = (
  row: CommandRow,
  own: Readonly<Record<string, unknown>>,
  args: readonly string[],
  globals: GlobalFlags,
) => Promise<void>

function build(terminal: Terminal, action: Action): Command {
  const described = new Map(describeSettings().map((one) => [one.name, one]))
  const program = new Command('slipway')
    .description('Releases extensions of a provisioning system from git tags to OCI registries.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('See slipway --help.')
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(withoutValues(text)),
    })
  const groups = new Map<string, Command>()
  for (const row of commands) {
    const [group, name = group] = row.name.split(' ') as [string, string?]
    const command = (name === group ? program : groupOf(group))
      .command(`${name} ${row.args}`.trim())
      .aliases([...(row.aliases ?? [])])
      .summary(row.summary)
      .description(row.description ?? sentence(row.summary))
      .option('-C, --directory <folder>', 'the extension repository (default: the current folder)')
      .option('--json', 'print one JSON document')
      .option('-q, --quiet', 'print errors and results only')
      .option('-v, --verbose', 'print every step')
      .option('--no-color', 'no colours')
    for (const one of row.own ?? []) command.option(one.flags, one.description)
    if (row.dryRun === true)
      command.option('--dry-run', 'show exactly what would be written, and write nothing')
    if (row.credentials === true)
      command
        .option('--username <user>', 'user for the registries that are named')
        .option('--password-stdin', 'read the password from stdin')
    for (const name of row.settings) {
      const setting = described.get(name)
      if (setting === undefined) continue
      const { flag, placeholder, list } = setting
      const option = new Option(
        placeholder === undefined ? flag : `${flag} ${placeholder}`,
        `${setting.description} (default: ${setting.default ?? 'none'})`,
      )
      if (list) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
      command.addOption(option)
    }
    command.addHelpText('after', `\nExamples:\n${row.examples.map((one) => `  ${one}`).join('\n')}`)
    command.action(async () => {
      const own = command.opts()
      await action(row, own, command.args, own as unknown as GlobalFlags)
    })
  }
  return program

  function groupOf(name: string): Command {
    const known = groups.get(name)
    if (known !== undefined) return known
    const { summary, aliases = [] } = commandGroups[name] ?? { summary: '' }
    const made = program
      .command(name)
      .aliases([...aliases])
      .description(sentence(summary))
      .summary(summary)
    groups.set(name, made)
    return made
  }
}

async function execute(
  row: CommandRow,
  own: Readonly<Record<string, unknown>>,
  args: readonly string[],
  globals: GlobalFlags,
  terminal: Terminal,
): Promise<number> {
  const quiet = globals.quiet === true
  const style = { quiet, verbose: globals.verbose === true, colour: globals.color }
  const report = new TerminalReport(terminal, style)
  try {
    const { run } = await row.load()
    const outcome = await run({
      args,
      own: own as Invocation['own'],
      terminal,
      report,
      flags: flagsOf(row, own),
    })
    report.end()
    print(outcome)
    return outcome.exit
  } catch (error) {
    report.end()
    const failure = terminal.signal.aborted ? interrupted(terminal.signal) : error
    if (globals.json === true) printJson(failureDocument(failure))
    if (!(failure instanceof SlipwayError)) {
      report.defect(failure)
      return 1
    }
    report.failure(failure)
    return failure.exit
  }

  function print(outcome: Outcome): void {
    if (globals.json === true) {
      printJson(outcome.json)
      return
    }
    const colour = globals.color && wantsColour(terminal.stdout, terminal.environment)
    const text = outcome.text(painter(colour))
    if (text !== '') terminal.stdout.write(`${report.mask(text)}\n`)
  }

  function printJson(document: unknown): void {
    terminal.stdout.write(asText(document, (text) => report.mask(text)))
  }
}

/** Masks within texts only: a secret that is a number must not break the document. */
function asText(document: unknown, mask = (text: string) => text): string {
  const masked = (_: string, value: unknown) => (typeof value === 'string' ? mask(value) : value)
  return `${JSON.stringify(document, masked, 2)}\n`
}

/** What `--json` prints of a command that did not end well. */
function failureDocument(failure: unknown): unknown {
  const error = failure instanceof SlipwayError ? failure : unexpected(failure)
  const { code, message, hint, side, findings, exit } = error
  return { error: { code, message, hint, side, exit }, findings }
}

function unexpected(error: unknown): SlipwayError {
  return new SlipwayError('UNEXPECTED', messageOf(error), { hint: 'Please report it with what you ran.' })
}

function interrupted(signal: AbortSignal): SlipwayError {
  return new SlipwayError('INTERRUPTED', `Interrupted: ${messageOf(signal.reason)}`, {
    hint: 'Running the same command again completes what is missing.',
    exit: 130,
  })
}

function usage(error: CommanderError): SlipwayError {
  const message = error.code === 'commander.help' ? 'no command was named' : error.message
  return badInput('USAGE_INVALID', withoutValues(message.replace(/^error: /, '')), {
    hint: 'slipway --help lists the commands, slipway COMMAND --help their flags.',
  })
}

/** A mistyped flag may carry a password. */
function withoutValues(text: string): string {
  return text.replace(/(unknown option '--?[\w-]+)=[\s\S]*?'$/gm, "$1=…'")
}

/** Commander names options in camel case after their long flag; settings go by their own name. */
function flagsOf(row: CommandRow, own: Readonly<Record<string, unknown>>): Invocation['flags'] {
  const described = new Map(describeSettings().map((one) => [one.name, one]))
  const settings: Partial<Record<SettingName, string | boolean | readonly string[]>> = {}
  for (const name of row.settings) {
    const value = own[new Option(described.get(name)?.flag ?? '').attributeName()]
    if (value !== undefined) settings[name] = value as string | boolean | readonly string[]
  }
  const text = (name: string) => (typeof own[name] === 'string' ? { [name]: own[name] } : {})
  return {
    settings,
    dryRun: own.dryRun === true,
    passwordStdin: own.passwordStdin === true,
    ...text('directory'),
    ...text('username'),
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

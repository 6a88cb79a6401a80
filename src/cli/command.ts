import type { SettingName } from '../config/settings.ts'
import type { ExitCode } from '../core/error.ts'
import type { TerminalReport } from './report.ts'
import type { CommonFlags } from './session.ts'
import type { Terminal } from './terminal.ts'
import type { Paint } from './text.ts'

/** What a command leaves: one JSON document for programs, a text for people, and how it ended. */
export interface Outcome {
  readonly json: unknown
  text(paint: Paint): string
  readonly exit: 0 | ExitCode
}

/** A command's own flag, beside the settings it takes. */
export interface OwnFlag {
  /** As commander reads it: `--replace`, `-o, --output <folder>`. */
  readonly flags: string
  readonly description: string
}

export interface Invocation {
  readonly args: readonly string[]
  readonly flags: CommonFlags
  /** The command's own flags by their long name in camel case. */
  readonly own: Readonly<Record<string, string | boolean | undefined>>
  readonly terminal: Terminal
  readonly report: TerminalReport
}

/** Commands that share their first word. */
export interface CommandGroup {
  readonly summary: string
  readonly aliases?: readonly string[]
}

/** One command: what --help says of it, and what loads it. Nothing but the table is loaded before it runs. */
export interface CommandRow {
  /** One word, or two for a command of a group: `deps tree`. */
  readonly name: string
  readonly aliases?: readonly string[]
  /** As commander reads it: `<git-tag...>`. */
  readonly args: string
  readonly summary: string
  readonly description?: string
  readonly settings: readonly SettingName[]
  readonly own?: readonly OwnFlag[]
  readonly dryRun?: boolean
  readonly credentials?: boolean
  readonly examples: readonly string[]
  load(): Promise<{ run(invocation: Invocation): Promise<Outcome> }>
}
